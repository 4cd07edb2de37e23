/// A translated part of an expression: its text in PostgreSQL and what is known of its values.
struct TargetPiece {
    /// Families of types that compare and reckon alike.
    enum Kind: Hashable {
        case null, boolean, integer, double, single, numeric, text, bytes, date
        /// What is written as the type is, and compared only with its like.
        case other(String)

        init(_ type: TargetType) {
            switch type {
            case .boolean: self = .boolean
            case .smallint, .integer, .bigint: self = .integer
            case .real: self = .single
            case .doublePrecision: self = .double
            case .numeric: self = .numeric
            case .text, .varchar: self = .text
            case .bytea: self = .bytes
            case .date: self = .date
            case .uuid, .json, .jsonb, .time, .timestamp, .timestamptz, .other: self = .other(type.sql)
            }
        }

        var words: String {
            switch self {
            case .null: "NULL"
            case .boolean: "boolean"
            case .integer: "integers"
            case .double: "double precision"
            case .single: "real"
            case .numeric: "numeric"
            case .text: "text"
            case .bytes: "bytea"
            case .date: "date"
            case .other(let type): type
            }
        }
    }

    /// Which collation SQLite compares by, and whether COLLATE says it.
    struct Collation: Hashable {
        var name = "BINARY"
        var isExplicit = false
    }

    var sql: String
    var kind: Kind
    /// Needs no brackets as an operand.
    var isAtomic = true
    /// The literal it is, else nil.
    var literal: SQLiteExpression?
    /// The column it is, else nil.
    var column: TranslatedColumn?
    /// Of a column, or of a CAST: what SQLite makes of the value that it is compared with.
    var affinity: SourceAffinity?
    /// Nil where nothing says one.
    var collation: Collation?
    /// An integer of 32 bits where SQLite's has 64.
    var isNarrow = false
    /// True whatever the row holds, because the type sees to it.
    var isImplied = false

    /// As an operand.
    var operand: String { isAtomic ? sql : "(\(sql))" }

    static func composed(_ sql: String, _ kind: Kind) -> TargetPiece {
        TargetPiece(sql: sql, kind: kind, isAtomic: false)
    }
    static func function(_ sql: String, _ kind: Kind) -> TargetPiece { TargetPiece(sql: sql, kind: kind) }

    static func narrow(_ sql: String) -> TargetPiece { TargetPiece(sql: sql, kind: .integer, isNarrow: true) }

    static func condition(_ sql: String) -> TargetPiece { composed(sql, .boolean) }
    static let implied = TargetPiece(sql: "true", kind: .boolean, isImplied: true)
}

/// A column of the file beside what becomes of it.
struct TranslatedColumn: Hashable {
    var source: SourceColumn
    var mapping: ColumnMapping
}

/// Why an expression stays behind.
struct NotTranslated: Error {
    var reason: String

    init(_ reason: String) { self.reason = reason }
}
