import Planning
import SQLSyntax

/// Prints keys and indexes of the common forms exactly as `pg_get_constraintdef` and `pg_get_indexdef` do, which take
/// 35 and 90 µs for each: too much for the 200,000 keys of 50,000 tables.
struct KeyPrinter {
    private let schemas: [OID: Schema]
    private let relations: [OID: Relation]
    private let columns: [OID: [Column]]

    init(_ catalog: Catalog) {
        schemas = catalog.schemas
        relations = catalog.relations
        columns = catalog.columns
    }

    /// For primary keys, unique constraints and foreign keys without INCLUDE, MATCH, DEFERRABLE or NOT VALID.
    func definition(of constraint: Constraint) throws -> String {
        let own = try names(constraint.columns, of: constraint.relation)
        switch constraint.kind {
        case .primaryKey: return "PRIMARY KEY (\(own))"
        case .unique: return "UNIQUE (\(own))"
        default: break
        }
        let target = try name(constraint.referenced)
        let theirs = try names(constraint.referencedColumns, of: constraint.referenced)
        return "FOREIGN KEY (\(own)) REFERENCES \(target)(\(theirs))"
            + action("UPDATE", constraint.onUpdate) + action("DELETE", constraint.onDelete)
    }

    /// For btree indexes on columns alone, with the default operator classes and collations and without options.
    func definition(of index: Index) throws -> String {
        let columns = try self.columns(of: index.table)
        let keys = try index.keys.enumerated().map { position, number in
            try name(number, in: columns) + order(index.keyOptions[position])
        }
        let included = try index.included.map { try name($0, in: columns) }
        return
            "CREATE \(index.isUnique ? "UNIQUE " : "")INDEX \(SQL.identifier(index.name)) ON \(try name(index.table))"
            + " USING btree (\(keys.joined(separator: ", ")))"
            + (included.isEmpty ? "" : " INCLUDE (\(included.joined(separator: ", ")))")
    }

    /// Columns are in the order of their numbers, and a number is its position unless columns were dropped.
    static func column(_ number: Int16, in columns: [Column]) -> Column? {
        let position = Int(number) - 1
        if columns.indices.contains(position), columns[position].number == number { return columns[position] }
        return columns.first { $0.number == number }
    }

    private func order(_ option: Int16) -> String {
        switch option & 3 {
        case 0: ""
        case 1: " DESC NULLS LAST"
        case 2: " NULLS FIRST"
        default: " DESC"
        }
    }

    private func action(_ event: String, _ letter: String) -> String {
        switch letter {
        case "r": " ON \(event) RESTRICT"
        case "c": " ON \(event) CASCADE"
        case "n": " ON \(event) SET NULL"
        case "d": " ON \(event) SET DEFAULT"
        default: ""
        }
    }

    private func names(_ numbers: [Int16], of relation: OID) throws -> String {
        let columns = try columns(of: relation)
        return try numbers.map { try name($0, in: columns) }.joined(separator: ", ")
    }

    private func columns(of relation: OID) throws -> [Column] {
        guard let found = columns[relation] else { throw ConcurrentChange(what: "the columns of relation \(relation)") }
        return found
    }

    private func name(_ number: Int16, in columns: [Column]) throws -> String {
        guard let column = Self.column(number, in: columns) else { throw ConcurrentChange(what: "a key's column") }
        return SQL.identifier(column.name)
    }

    private func name(_ relation: OID) throws -> String {
        guard let found = relations[relation], let schema = schemas[found.schema] else {
            throw ConcurrentChange(what: "relation \(relation)")
        }
        return SQL.qualified(schema.name, found.name)
    }
}
