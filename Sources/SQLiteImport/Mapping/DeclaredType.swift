/// What a column was declared to hold, read from the name of its type, which SQLite takes for a hint only.
package struct DeclaredType: Sendable, Hashable {
    package enum Family: String, Sendable, Codable, CaseIterable {
        case none, integer, real, decimal, text, varchar, blob, boolean, date, time, timestamp, json, uuid, unknown
    }

    package var family: Family
    /// The numbers in brackets: a length, or precision and scale.
    package var sizes: [Int]
    /// Whether the declaration itself says what a time zone is.
    package var hasZone: Bool

    /// Names of SQLite's own documentation and those that Prisma, Django, Rails, Drizzle, SQLAlchemy, Entity Framework and
    /// Hibernate write.
    package init(_ declared: String) {
        let lower = declared.lowercased()
        let open = lower.firstIndex(of: "(") ?? lower.endIndex
        let close = lower[open...].firstIndex(of: ")") ?? lower.endIndex
        sizes = lower[open..<close].dropFirst().split(separator: ",").compactMap { text in
            Int(text.filter { !$0.isWhitespace }).flatMap { $0 >= 0 ? $0 : nil }
        }
        hasZone = lower.contains("with time zone") || lower.contains("timestamptz") || lower.contains("datetimeoffset")
        let words = lower[..<open].split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
        family = Self.family(words, whole: lower)
    }

    private static func family(_ words: [String], whole: String) -> Family {
        guard let first = words.first(where: { $0 != "unsigned" && $0 != "native" && $0 != "long" }) ?? words.first
        else { return .none }
        switch first {
        case "bool", "boolean", "bit": return .boolean
        case "date": return .date
        case "time", "timetz": return .time
        case "datetime", "datetime2", "timestamp", "timestamptz", "datetimeoffset", "smalldatetime": return .timestamp
        case "json", "jsonb": return .json
        case "uuid", "guid", "uniqueidentifier": return .uuid
        case "decimal", "numeric", "dec", "money", "number", "smallmoney": return .decimal
        case "varchar", "nvarchar", "varchar2", "character", "char", "nchar", "varying": return .varchar
        case "string", "citext", "enum", "slug", "email", "url": return .text
        case "binary", "varbinary", "bytea", "image": return .blob
        case "double", "float", "real", "float4", "float8", "single": return .real
        default: break
        }
        switch SourceAffinity(declared: whole) {
        case .integer: return .integer
        case .text: return .text
        case .blob: return .blob
        case .real: return .real
        case .numeric: return .unknown
        }
    }
}
