extension ConnectionSettings {
    /// `host=… port=… dbname=… user=…` and what encryption needs, for programs and servers that connect by themselves.
    ///
    /// - Parameter withPassword: it is a secret then: never log it.
    package func keywordText(withPassword: Bool) -> String {
        var pairs = [("host", host), ("port", String(port)), ("dbname", database), ("user", user)]
        if withPassword, let password = password() { pairs.append(("password", password)) }
        pairs.append(("sslmode", tls.mode))
        if let file = tls.authorities { pairs.append(("sslrootcert", file)) }
        if let file = tls.certificate { pairs.append(("sslcert", file)) }
        if let file = tls.key { pairs.append(("sslkey", file)) }
        return pairs.filter { !$0.1.isEmpty }.map { "\($0.0)=\(Self.quoted($0.1))" }.joined(separator: " ")
    }

    /// Source: PostgreSQL documentation, "Connection Strings": in quotes, with backslashes before quotes and backslashes.
    private static func quoted(_ value: String) -> String {
        var text = "'"
        for character in value {
            if character == "'" || character == "\\" { text.append("\\") }
            text.append(character)
        }
        return text + "'"
    }
}
