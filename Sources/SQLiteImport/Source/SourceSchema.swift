/// What a SQLite file holds, as values: read once, then nothing more of the file's definitions is asked.
package struct SourceSchema: Sendable, Hashable {
    /// Ordinary tables in the order of their making, without SQLite's own (`sqlite_…`) and those that belong to virtual ones.
    package var tables: [SourceTable] = []
    /// Views, triggers and virtual tables, with the statement that made each.
    package var others: [SourceObject] = []
    /// `sqlite_sequence.seq` by table, of tables with AUTOINCREMENT that ever had a row.
    package var sequences: [String: Int64] = [:]

    package init() {}
}

/// An object that is not an ordinary table: reported by name, never carried over in silence.
package struct SourceObject: Sendable, Hashable {
    package enum Kind: String, Sendable, Codable, CaseIterable {
        case view, trigger
        case virtualTable = "virtual table"
        /// A table in which a virtual one keeps its rows.
        case shadowTable = "shadow table"
        /// A table that cannot be read, such as one of a module that is not loaded.
        case unreadable = "unreadable table"
    }
    package var kind: Kind
    package var name: String
    /// Of a trigger: the table it belongs to.
    package var table: String?
    /// Nil where SQLite keeps none.
    package var sql: String?
    /// Why it cannot be read, else nil.
    package var problem: String?

    package init(_ kind: Kind, _ name: String, table: String? = nil, sql: String? = nil, problem: String? = nil) {
        (self.kind, self.name, self.table, self.sql, self.problem) = (kind, name, table, sql, problem)
    }
}

package struct SourceTable: Sendable, Hashable {
    package var name: String
    package var columns: [SourceColumn] = []
    /// Names of the columns of the primary key in its order; empty where there is none.
    package var primaryKey: [String] = []
    /// Whether the primary key is an alias of the rowid: INTEGER PRIMARY KEY.
    package var rowidAlias: String?
    /// A name under which the rowid can be asked: rowid, _rowid_ or oid, whichever no column has, else that of its alias. Nil
    /// for WITHOUT ROWID, and where columns that are no alias have all three names.
    package var rowidName: String?
    package var isWithoutRowid = false
    package var isStrict = false
    package var isAutoincrement = false
    /// Without the one that a rowid alias is.
    package var indexes: [SourceIndex] = []
    package var foreignKeys: [SourceForeignKey] = []
    package var checks: [SourceCheck] = []
    /// The primary key's name as a constraint, where it has one.
    package var keyName: String?
    /// ON CONFLICT clauses, each with the rule that it belongs to, such as `UNIQUE (email) ON CONFLICT REPLACE`.
    package var conflicts: [String] = []
    /// Why the statement could not be read: then checks, names of constraints and what is deferred are not known. Else nil.
    package var unread: String?
    /// The statement as SQLite keeps it.
    package var sql: String

    package init(_ name: String, sql: String) { (self.name, self.sql) = (name, sql) }

    /// By name, whose letters' case does not count in SQLite (ASCII only).
    package func column(_ name: String) -> SourceColumn? {
        columns.first { $0.name == name } ?? columns.first { $0.name.asciiLowercased == name.asciiLowercased }
    }
}

/// SQLite's five, which decide what it makes of a value that is stored (https://www.sqlite.org/datatype3.html, 3.1).
package enum SourceAffinity: String, Sendable, Codable, CaseIterable {
    case integer, text, blob, real, numeric

    /// By the declared type, as SQLite finds it: the rules in their order.
    package init(declared: String) {
        let type = declared.uppercased()
        if type.contains("INT") {
            self = .integer
        } else if type.contains("CHAR") || type.contains("CLOB") || type.contains("TEXT") {
            self = .text
        } else if type.contains("BLOB") || type.isEmpty {
            self = .blob
        } else if type.contains("REAL") || type.contains("FLOA") || type.contains("DOUB") {
            self = .real
        } else {
            self = .numeric
        }
    }
}

package struct SourceColumn: Sendable, Hashable {
    package enum Generation: String, Sendable, Codable { case virtual, stored }

    package var name: String
    /// As written, such as `VARCHAR(20)`; empty where there is none.
    package var declared: String
    package var isNotNull = false
    /// The text of the default's expression, as SQLite gives it.
    package var defaultSQL: String?
    package var generation: Generation?
    /// The expression of a generated column, without its brackets.
    package var generationSQL: String?
    /// BINARY, NOCASE, RTRIM or one of the application's.
    package var collation = "BINARY"
    /// 1 for the first column of the primary key; 0 for none.
    package var keyPosition = 0

    package var affinity: SourceAffinity { SourceAffinity(declared: declared) }

    package init(_ name: String, _ declared: String = "") { (self.name, self.declared) = (name, declared) }
}

package struct SourceIndex: Sendable, Hashable {
    package enum Origin: String, Sendable, Codable {
        /// By CREATE INDEX.
        case created = "c"
        /// By UNIQUE in the table.
        case unique = "u"
        /// By PRIMARY KEY in the table.
        case primaryKey = "pk"
    }
    package struct Key: Sendable, Hashable {
        /// Nil for an expression.
        package var column: String?
        /// The text of an expression, else nil.
        package var expression: String?
        package var isDescending = false
        package var collation = "BINARY"

        package init(
            column: String? = nil, expression: String? = nil, isDescending: Bool = false, collation: String = "BINARY"
        ) {
            (self.column, self.expression) = (column, expression)
            (self.isDescending, self.collation) = (isDescending, collation)
        }
    }
    package var name: String
    package var isUnique: Bool
    package var origin: Origin
    package var keys: [Key]
    /// The condition of a partial index, without WHERE.
    package var condition: String?
    /// Of a UNIQUE or PRIMARY KEY of the table: its name as a constraint, where it has one.
    package var constraint: String?
    /// Of a CREATE INDEX: the statement as SQLite keeps it.
    package var sql: String?
    /// Why the statement of an index with expressions or a condition could not be read, else nil. `condition` and the
    /// expressions are not known then.
    package var unread: String?

    package init(_ name: String, isUnique: Bool, origin: Origin, keys: [Key], condition: String? = nil) {
        (self.name, self.isUnique, self.origin, self.keys, self.condition) = (name, isUnique, origin, keys, condition)
    }
}

package struct SourceForeignKey: Sendable, Hashable {
    /// The constraint's own name, where it has one.
    package var name: String?
    package var columns: [String]
    package var parent: String
    /// Empty where the statement names none: the parent's primary key is meant.
    package var parentColumns: [String]
    /// NO ACTION, RESTRICT, SET NULL, SET DEFAULT or CASCADE.
    package var onUpdate = "NO ACTION"
    package var onDelete = "NO ACTION"
    package var isDeferred = false

    package init(_ columns: [String], parent: String, parentColumns: [String]) {
        (self.columns, self.parent, self.parentColumns) = (columns, parent, parentColumns)
    }
}

package struct SourceCheck: Sendable, Hashable {
    package var name: String?
    /// Without its brackets.
    package var expression: String
    /// Of a column's own check: the column behind which it stands.
    package var column: String?

    package init(_ expression: String, name: String? = nil, column: String? = nil) {
        (self.expression, self.name, self.column) = (expression, name, column)
    }
}

extension String {
    /// ASCII letters in lower case and all else as it is: how SQLite compares names.
    package var asciiLowercased: String {
        String(decoding: utf8.map { 0x41...0x5A ~= $0 ? $0 | 0x20 : $0 }, as: UTF8.self)
    }
}
