import CLibPQ

/// libpq's own reading of connection strings, environment, service files and defaults.
enum Conninfo {
    /// The keys that the string itself sets. Throws `.invalidInput` without any piece of the string.
    static func parse(_ string: String) throws -> [String: String] {
        guard !string.utf8.contains(0) else { throw malformed("it contains a NUL byte") }
        let string = ApplicationURL.plain(string)
        try rejectStrayAt(string)
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(string, &message) else {
            defer { PQfreemem(message) }
            let text = message.map { String(cString: $0).trimmingTrailingSpace } ?? "out of memory"
            throw malformed(Redaction.quotedPieces(text))
        }
        defer { PQconninfoFree(options) }
        return values(options)
    }

    /// The value of every key that has one, defaults of the library left out where it has none.
    static func values(_ options: UnsafeMutablePointer<PQconninfoOption>) -> [String: String] {
        var values: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { values[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        return values
    }

    /// The keys that this libpq knows.
    static let keywords: Set<String> = {
        guard let options = PQconninfoParse("", nil) else { return [] }
        defer { PQconninfoFree(options) }
        var names: Set<String> = []
        var option = options
        while let keyword = option.pointee.keyword {
            names.insert(String(cString: keyword))
            option += 1
        }
        return names
    }()

    /// What libpq would use for `values`, with environment, service file and defaults filled in, without connecting.
    ///
    /// libpq has no call for that which honours `service=`. But it completes all options before it checks
    /// `target_session_attrs`, and an impossible value there makes it stop before it opens a socket.
    static func resolve(_ values: [String: String]) throws -> [String: String] {
        let probe = "strata-resolves-only"
        var asked = values
        asked["target_session_attrs"] = probe
        guard let connection = withArrays(asked, { PQconnectStartParams($0, $1, 0) }) else {
            throw malformed("out of memory")
        }
        defer { PQfinish(connection) }
        let complaint = String(cString: PQerrorMessage(connection)).trimmingTrailingSpace
        guard complaint.contains(probe), let options = PQconninfo(connection) else {
            throw malformed(Redaction.quotedPieces(complaint))
        }
        defer { PQconninfoFree(options) }
        var resolved = Self.values(options)
        resolved["target_session_attrs"] = values["target_session_attrs"]
        resolved["dbname"] = PQdb(connection).map { String(cString: $0) }
        if let host = PQhost(connection), resolved["host", default: ""].isEmpty {
            resolved["host"] = String(cString: host)
        }
        return resolved
    }

    /// The two NULL-terminated arrays that `PQconnectStartParams` and its like take.
    static func withArrays<R>(
        _ values: [String: String],
        _ body: (UnsafePointer<UnsafePointer<CChar>?>, UnsafePointer<UnsafePointer<CChar>?>) -> R?
    ) -> R? {
        let pairs = values.sorted { $0.key < $1.key }
        let keys = CStrings(pairs.map { .some($0.key) })
        let texts = CStrings(pairs.map { .some($0.value) })
        return keys.withPointers { keys in texts.withPointers { body(keys, $0) } }
    }

    static func malformed(_ why: String) -> PostgresError {
        PostgresError(
            .invalidInput, "the connection string cannot be used: \(why)",
            hint: "write postgresql://user@host:5432/database or host=… port=… dbname=… user=…; in a URL write special "
                + "characters of a password as %XX (@ is %40, / is %2F), in key=value put values with spaces in '…'")
    }

    /// With an unescaped "@" or "/" in the password, libpq takes the rest of it for a host or a database name, and
    /// would show it in every message.
    private static func rejectStrayAt(_ string: String) throws {
        guard let match = string.prefixMatch(of: #/postgres(?:ql)?:///#) else { return }
        let rest = string[match.range.upperBound...]
        guard let first = rest.firstIndex(where: { $0 == "@" || $0 == "/" }) else { return }
        let beyond = rest[rest.index(after: first)...].prefix { $0 != "?" }
        if beyond.contains("@") { throw malformed("it has an \"@\" where a host or a database name must be") }
    }
}
