private import Foundation

extension ConnectionSettings {
    /// The password that libpq would use for this connection: of the string, of PGPASSWORD, or of the password file.
    /// A secret: never log it.
    package func password(user other: String? = nil) -> String? {
        let user = other ?? self.user
        if user == self.user, let given = resolvedPassword, !given.isEmpty { return given }
        return PasswordFile.password(host: host, port: port, database: database, user: user, path: passwordFile)
    }
}

/// `~/.pgpass`. Source: PostgreSQL documentation, "The Password File".
enum PasswordFile {
    /// A file that others may read is ignored, as by libpq.
    static func password(host: String, port: Int, database: String, user: String, path: String?) -> String? {
        let file = path ?? FileManager.default.homeDirectoryForCurrentUser.appending(path: ".pgpass").path
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: file),
            attributes[.type] as? FileAttributeType == .typeRegular,
            let mode = attributes[.posixPermissions] as? Int, mode & 0o077 == 0,
            let text = try? String(contentsOfFile: file, encoding: .utf8)
        else { return nil }
        let name = host.isEmpty || host.hasPrefix("/") ? "localhost" : host
        return find(in: text, wanted: [name, String(port), database, user])
    }

    static func find(in text: String, wanted: [String]) -> String? {
        for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
            let fields = fields(of: line)
            guard fields.count == 5 else { continue }
            if zip(fields, wanted).allSatisfy({ $0 == "*" || $0 == $1 }) { return fields[4] }
        }
        return nil
    }

    /// Fields end at a colon; a backslash takes the next character as it is. The password is all the rest.
    private static func fields(of line: Substring) -> [String] {
        var fields = [""]
        var isEscaped = false
        for character in line {
            if isEscaped {
                fields[fields.count - 1].append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == ":", fields.count < 5 {
                fields.append("")
            } else {
                fields[fields.count - 1].append(character)
            }
        }
        return fields
    }
}
