package import PostgresDriver
import SQLSyntax

/// A table of the target as it is before the import: made by an ORM's migrations, or by somebody else.
package struct ExistingTable: Sendable, Hashable {
    package struct Column: Sendable, Hashable {
        package var name: String
        /// As format_type writes it.
        package var type: String
        package var isNotNull: Bool
        /// A default, an identity or a generated value: the column may be left out of a COPY.
        package var hasDefault: Bool
        package var isGenerated: Bool
        /// Where its default comes from, qualified and quoted: an identity's, a serial's, or one that a default names.
        package var sequence: String?
    }
    package struct ForeignKey: Sendable, Hashable {
        package var name: String
        /// As pg_get_constraintdef writes it.
        package var definition: String
    }
    package struct Trigger: Sendable, Hashable {
        package var name: String
        /// Fires also where changes are replicated (ENABLE ALWAYS).
        package var isAlways: Bool
    }
    package var schema: String
    package var name: String
    /// Of pg_class: r, p (partitioned), v and so on.
    package var kind: String
    package var columns: [Column] = []
    /// Of the table itself; they would order the loading.
    package var foreignKeys: [ForeignKey] = []
    /// Enabled triggers that are no constraint's: they would change what is loaded.
    package var triggers: [Trigger] = []
    package var isEmpty = true

    package var sql: String { SQL.qualified(schema, name) }
    package var isTable: Bool { kind == "r" || kind == "p" }

    package init(schema: String, name: String, kind: String = "r") {
        (self.schema, self.name, self.kind) = (schema, name, kind)
    }

    /// Those of the names that are there.
    package static func read(
        _ names: [(schema: String, name: String)], on connection: Connection
    ) async throws -> [ExistingTable] {
        let found = try await connection.query(
            """
            SELECT c.oid, n.nspname, c.relname, c.relkind::text AS kind
            FROM unnest($1::text[], $2::text[]) AS wanted (schema, name)
            JOIN pg_namespace n ON n.nspname = wanted.schema
            JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.name
            """, [.textArray(names.map(\.schema)), .textArray(names.map(\.name))])
        var tables: [ExistingTable] = []
        for row in found {
            var table = ExistingTable(
                schema: try row.string("nspname"), name: try row.string("relname"), kind: try row.string("kind"))
            let oid = try row.uint32("oid")
            if table.isTable { try await table.fill(oid, connection) }
            tables.append(table)
        }
        return tables
    }

    private mutating func fill(_ oid: UInt32, _ connection: Connection) async throws {
        columns = try await connection.query(
            """
            SELECT attname, format_type(atttypid, atttypmod) AS type, attnotnull,
                atthasdef OR attidentity <> '' AS hasdefault, attgenerated <> '' AS generated,
                \(SequenceSteps.name("attrelid", "attnum")) AS sequence
            FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum
            """, [.oid(oid)]
        ).map {
            Column(
                name: try $0.string("attname"), type: try $0.string("type"), isNotNull: try $0.bool("attnotnull"),
                hasDefault: try $0.bool("hasdefault"), isGenerated: try $0.bool("generated"),
                sequence: try $0.optionalString("sequence"))
        }
        foreignKeys = try await connection.query(
            """
            SELECT conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint
            WHERE conrelid = $1 AND contype = 'f' AND conparentid = 0 ORDER BY conname
            """, [.oid(oid)]
        ).map { ForeignKey(name: try $0.string("conname"), definition: try $0.string("definition")) }
        triggers = try await connection.query(
            """
            SELECT tgname, tgenabled = 'A' AS always FROM pg_trigger
            WHERE tgrelid = $1 AND NOT tgisinternal AND tgenabled IN ('O', 'A') ORDER BY tgname
            """, [.oid(oid)]
        ).map { Trigger(name: try $0.string("tgname"), isAlways: try $0.bool("always")) }
        isEmpty = try await connection.query("SELECT NOT EXISTS (SELECT FROM \(sql)) AS isempty").only().bool("isempty")
    }
}
