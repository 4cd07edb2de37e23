package import GRDB

/// Reads what a SQLite file holds: from the pragmas, which are SQLite's own word, and from the statements, which tell the rest.
package enum SchemaReader {
    /// Of the file's main schema. SQLite 3.37 and later have the pragmas. Throws where SQLite itself cannot read the schema (a damaged file, a busy one); a single
    /// table that cannot be read is `.unreadable` among `others`.
    package static func read(_ db: Database) throws -> SourceSchema {
        let entries = try SchemaEntry.all(db)
        let kinds = try TableKind.all(db, entries)
        var schema = SourceSchema()
        for entry in entries {
            if let problem = entry.problem {
                schema.others.append(
                    SourceObject(entry.isTable ? .unreadable : entry.kind, entry.name, sql: entry.sql, problem: problem)
                )
            } else if entry.isTable {
                try read(entry, kinds[entry.name], from: db, into: &schema)
            } else if entry.type != "index" {
                let table = entry.type == "trigger" ? entry.table : nil
                schema.others.append(SourceObject(entry.kind, entry.name, table: table, sql: entry.sql))
            }
        }
        schema.sequences = try sequences(db)
        return schema
    }

    private static func read(
        _ entry: SchemaEntry, _ kind: TableKind?, from db: Database, into schema: inout SourceSchema
    ) throws {
        switch kind ?? .ordinary {
        case .virtual: schema.others.append(virtual(entry, db))
        case .shadow: schema.others.append(SourceObject(.shadowTable, entry.name, sql: entry.sql))
        case .ordinary:
            do {
                let table = try TableReader(db: db, entry: entry).read()
                guard !schema.tables.contains(where: { $0.name == table.name }) else {
                    throw UnreadableTable(reason: "another table has the same name but for how Unicode composes it")
                }
                schema.tables.append(table)
            } catch let error as UnreadableTable {
                schema.others.append(
                    SourceObject(.unreadable, entry.name, sql: entry.sql, problem: error.reason))
            }
        }
    }

    /// Asked for its columns, because that is when SQLite looks for the module.
    private static func virtual(_ entry: SchemaEntry, _ db: Database) -> SourceObject {
        do {
            _ = try db.makeStatement(sql: "SELECT * FROM main.\(entry.quotedName) LIMIT 0")
            return SourceObject(.virtualTable, entry.name, sql: entry.sql)
        } catch {
            return SourceObject(.unreadable, entry.name, sql: entry.sql, problem: UnreadableTable(error).reason)
        }
    }

    /// SQLite takes the largest integer among a table's entries, of which there is one.
    private static func sequences(_ db: Database) throws -> [String: Int64] {
        let exists = "SELECT 1 FROM main.sqlite_master WHERE type = 'table' AND name = 'sqlite_sequence'"
        guard try Row.fetchOne(db, sql: exists) != nil else { return [:] }
        let sql = "SELECT name, max(seq) FROM main.sqlite_sequence WHERE typeof(seq) = 'integer' GROUP BY name"
        let pairs = try Row.fetchAll(db, sql: sql).compactMap { row -> (String, Int64)? in
            guard let name = String.fromDatabaseValue(row[0]), let value = Int64.fromDatabaseValue(row[1]) else {
                return nil
            }
            return (name, value)
        }
        return Dictionary(pairs, uniquingKeysWith: max)
    }
}

/// Why one table cannot be read; the others can.
struct UnreadableTable: Error {
    var reason: String

    init(reason: String) { self.reason = reason }
    /// What SQLite said, without the statement of ours that it said it about.
    init(_ error: any Error) { reason = (error as? DatabaseError)?.message ?? "\(error)" }
}
