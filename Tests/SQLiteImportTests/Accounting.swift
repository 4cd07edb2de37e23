import PostgresDriver
import SQLiteImport
import Testing

/// Nothing is lost untold: what the file has is in PostgreSQL's catalog, or is named as left out.
struct Accounting {
    let schema: SourceSchema
    let target: TargetDefinition

    /// Call it when all statements were run on an empty database.
    func check(_ connection: Connection) async throws {
        #expect(target.problems == [])
        func count(_ sql: String) async throws -> Int {
            Int(try await connection.texts("SELECT count(*)::text FROM \(sql)")[0]) ?? -1
        }
        func left(_ kinds: TargetObject.Kind...) -> Int {
            target.leftOut.filter { kinds.contains($0.object.kind) }.count
        }
        let tables = schema.tables
        let columns = tables.flatMap(\.columns)
        let own = "connamespace = 'public'::regnamespace"
        #expect(
            try await count("pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace") == tables.count)
        let attributes =
            "pg_attribute a JOIN pg_class c ON c.oid = attrelid WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attnum > 0"
        #expect(try await count(attributes) == columns.count)
        let made = try await count("pg_constraint WHERE contype = 'c' AND \(own)")
        let implied = target.notes.filter { $0.object.kind == .check && $0.message.contains("is not needed") }.count
        #expect(made + implied + left(.check) == tables.map(\.checks.count).reduce(0, +))
        #expect(
            try await count("pg_constraint WHERE contype = 'f' AND convalidated AND \(own)") + left(.foreignKey)
                == tables.map(\.foreignKeys.count).reduce(0, +))
        let defaults = columns.filter { $0.defaultSQL != nil && $0.defaultSQL?.uppercased() != "NULL" }.count
        #expect(try await count("(\(Self.defaults)) d WHERE attgenerated = ''") + left(.defaultValue) == defaults)
        let generated = columns.filter { $0.generation != nil }.count
        #expect(try await count("(\(Self.defaults)) d WHERE attgenerated = 's'") + left(.generatedColumn) == generated)
        try await indexes(connection, left(.index, .unique, .primaryKey))
        let collations = columns.filter { $0.collation.uppercased() != "BINARY" }.count
        #expect(left(.collation) == collations)
        #expect(left(.conflictClause) == tables.map(\.conflicts.count).reduce(0, +))
        #expect(left(.view, .trigger, .virtualTable, .shadowTable, .unreadableTable) == schema.others.count)
    }

    /// Each index and key of the file is one of PostgreSQL's; by NOCASE, a primary key is two.
    private func indexes(_ connection: Connection, _ left: Int) async throws {
        let indexes = schema.tables.flatMap(\.indexes)
        let rowids = schema.tables.filter { $0.rowidAlias != nil }.count
        let folded = schema.tables.flatMap { table in
            table.indexes.filter {
                $0.origin == .primaryKey && $0.keys.contains { $0.collation.uppercased() != "BINARY" }
            }
        }.count
        let made = try await connection.texts("SELECT count(*)::text FROM pg_indexes WHERE schemaname = 'public'")
        #expect(made == ["\(indexes.count + rowids + folded - left)"])
        let partial = try await connection.texts(
            "SELECT count(*)::text FROM pg_index WHERE indpred IS NOT NULL AND indrelid::regclass::text !~ '^pg_'")
        let leftPartial = target.leftOut.filter { left in
            indexes.contains { $0.name == left.object.name && $0.condition != nil }
        }.count
        #expect(partial == ["\(indexes.filter { $0.condition != nil }.count - leftPartial)"])
    }

    private static let defaults = """
        SELECT attgenerated FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum JOIN pg_class c ON c.oid = adrelid
        WHERE relnamespace = 'public'::regnamespace
        """
}
