/// The value of `search_path`: a list of schema names, read and written as PostgreSQL does.
package struct SearchPath: Sendable, Equatable {
    /// Names as PostgreSQL stores them; `$user` stands for the schema named like the session's role.
    package let schemas: [String]

    package init(schemas: [String]) {
        self.schemas = schemas
    }

    /// nil when PostgreSQL would answer "invalid list syntax". An empty text is the empty list.
    package static func parse(_ text: String) -> SearchPath? {
        NameList.split(text, separator: 0x2C).map(SearchPath.init(schemas:))
    }

    /// The list for `SET search_path = …`; the empty list becomes `''`, as PostgreSQL needs it.
    package var rendered: String {
        schemas.isEmpty ? "''" : schemas.map(SQL.identifier).joined(separator: ", ")
    }
}

/// A name with an optional schema, as written.
package struct QualifiedName: Sendable, Hashable, CustomStringConvertible {
    package let schema: String?
    package let name: String

    package init(schema: String? = nil, name: String) {
        self.schema = schema
        self.name = name
    }

    /// The name in a text such as `'public."Order"'::regclass`; nil when PostgreSQL would answer "invalid name syntax".
    /// A leading database name is dropped.
    package static func parse(_ text: String) -> QualifiedName? {
        guard let parts = NameList.split(text, separator: 0x2E), (1...3).contains(parts.count), let name = parts.last
        else { return nil }
        return QualifiedName(schema: parts.count > 1 ? parts[parts.count - 2] : nil, name: name)
    }

    package var description: String { SQL.qualified(schema, name) }
}

/// PostgreSQL's `SplitIdentifierString`.
enum NameList {
    static func split(_ text: String, separator: UInt8) -> [String]? {
        let bytes = Array(text.utf8)
        var position = 0
        var names: [String] = []
        skipSpace(bytes, &position)
        if position == bytes.count { return [] }
        while true {
            guard let name = readName(bytes, &position, separator) else { return nil }
            names.append(SQL.truncated(name))
            skipSpace(bytes, &position)
            if position == bytes.count { return names }
            guard bytes[position] == separator else { return nil }
            position += 1
            skipSpace(bytes, &position)
        }
    }

    private static func readName(_ bytes: [UInt8], _ position: inout Int, _ separator: UInt8) -> String? {
        guard position < bytes.count else { return nil }
        var name: [UInt8] = []
        guard bytes[position] == 0x22 else {
            while position < bytes.count, bytes[position] != separator, !isSpace(bytes[position]) {
                name.append(SQLTokens.lowercased(bytes[position]))
                position += 1
            }
            return name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
        }
        position += 1
        while position < bytes.count {
            if bytes[position] == 0x22 {
                position += 1
                guard position < bytes.count, bytes[position] == 0x22 else {
                    return String(decoding: name, as: UTF8.self)
                }
            }
            name.append(bytes[position])
            position += 1
        }
        return nil
    }

    private static func skipSpace(_ bytes: [UInt8], _ position: inout Int) {
        while position < bytes.count, isSpace(bytes[position]) { position += 1 }
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || (0x09...0x0D).contains(byte)
    }
}
