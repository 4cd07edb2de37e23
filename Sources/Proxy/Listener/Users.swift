internal import Foundation
internal import PostgresWire

/// The users that may log in, from a file in PgBouncer's format: `"name" "secret"` in each line, the secret as in
/// pg_authid (SCRAM verifier, md5) or the password itself; `;` and `#` begin comments.
package struct Users: Sendable {
    private let secrets: [String: UserSecret]
    /// Everybody may log in: `type: trust`.
    let isOpen: Bool

    /// With the type `trust` and no file: whoever the server itself lets in.
    package static let everybody = Users(secrets: [:], isOpen: true)

    init(secrets: [String: UserSecret], isOpen: Bool = false) {
        self.secrets = secrets
        self.isOpen = isOpen
    }

    /// 16 MiB: some hundred thousand users.
    private static let maximumBytes = 16 << 20

    package init(file: String) throws(ProxyError) {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw ProxyError(
                "the users file \(file) cannot be read", next: "check `users` in the layout's routing.auth")
        }
        guard data.count <= Self.maximumBytes else {
            throw ProxyError("the users file \(file) is larger than 16 MiB", next: "use auth_query")
        }
        try self.init(text: String(decoding: data, as: UTF8.self), name: file)
    }

    init(text: String, name: String) throws(ProxyError) {
        var secrets: [String: UserSecret] = [:]
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let trimmed = line.trimmingCharacters(in: .whitespaces)
            if trimmed.isEmpty || trimmed.hasPrefix(";") || trimmed.hasPrefix("#") { continue }
            let words = Self.quotedWords(trimmed)
            guard words.count >= 2, !words[0].isEmpty else {
                throw ProxyError(
                    "line \(number + 1) of the users file \(name) is not \"user\" \"secret\"",
                    next: "write both in double quotes; a quote inside is doubled")
            }
            secrets[words[0]] = UserSecret(stored: words[1])
        }
        self.init(secrets: secrets)
    }

    func secret(of user: String) -> UserSecret? { secrets[user] }

    private static func quotedWords(_ line: String) -> [String] {
        var words: [String] = []
        var current: String?
        var characters = Substring(line)
        while let character = characters.popFirst() {
            guard character == "\"" else {
                if current != nil { current?.append(character) }
                continue
            }
            if current == nil {
                current = ""
            } else if characters.first == "\"" {
                characters.removeFirst()
                current?.append("\"")
            } else if let word = current {
                words.append(word)
                current = nil
            }
        }
        return words
    }
}
