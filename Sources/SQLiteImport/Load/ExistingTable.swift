package import PostgresDriver
import SQLSyntax

/// A table of the target as it is before the import: made by an ORM's migrations, or by somebody else.
package struct ExistingTable: Sendable, Hashable {
    package struct Column: Sendable, Hashable {
        package var name: String
        /// As format_type writes it; of a domain the type below it, by which its values are read and compared.
        package var type: String
        package var isNotNull: Bool
        /// A default, an identity or a generated value: the column may be left out of a COPY.
        package var hasDefault: Bool
        package var isGenerated: Bool
        /// Where its default comes from, qualified and quoted: an identity's, a serial's, or one that a default names.
        package var sequence: String?
        /// An enum's or a domain's: the type says itself which values it takes.
        package var hasOwnRule = false
    }
    package struct ForeignKey: Sendable, Hashable {
        package var name: String
        /// As pg_get_constraintdef writes it.
        package var definition: String
        package var columns: [String]
        /// Schema and name of the table it refers to, and its columns.
        package var parent: [String]
        package var parentColumns: [String]
        /// NO ACTION, RESTRICT, SET NULL, SET DEFAULT or CASCADE.
        package var onUpdate: String
        package var onDelete: String
    }
    /// An index that is valid; of a primary key or UNIQUE, too.
    package struct Index: Sendable, Hashable {
        package var name: String
        package var isUnique: Bool
        package var isPrimary: Bool
        package var isPartial: Bool
        /// In their order; nil for an expression.
        package var columns: [String?]
    }
    package struct Check: Sendable, Hashable {
        package var name: String
        package var columns: Set<String>
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
    package var indexes: [Index] = []
    package var checks: [Check] = []
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
            SELECT attname, attnotnull, atthasdef OR attidentity <> '' AS hasdefault, attgenerated <> '' AS generated,
                CASE typtype WHEN 'd' THEN format_type(typbasetype, typtypmod)
                    ELSE format_type(atttypid, atttypmod) END AS type,
                typtype IN ('d', 'e') AS ownrule, \(SequenceSteps.name) AS sequence
            FROM pg_attribute JOIN pg_type t ON t.oid = atttypid
            WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum
            """, [.oid(oid)]
        ).map {
            Column(
                name: try $0.string("attname"), type: try $0.string("type"), isNotNull: try $0.bool("attnotnull"),
                hasDefault: try $0.bool("hasdefault"), isGenerated: try $0.bool("generated"),
                sequence: try $0.optionalString("sequence"), hasOwnRule: try $0.bool("ownrule"))
        }
        foreignKeys = try await connection.query(
            """
            SELECT conname, pg_get_constraintdef(c.oid) AS definition, ARRAY[n.nspname, p.relname]::text[] AS parent,
                \(Self.columns("conkey", "conrelid")) AS columns, \(Self.columns("confkey", "confrelid")) AS others,
                \(Self.action("confupdtype")) AS onupdate, \(Self.action("confdeltype")) AS ondelete
            FROM pg_constraint c JOIN pg_class p ON p.oid = confrelid JOIN pg_namespace n ON n.oid = p.relnamespace
            WHERE conrelid = $1 AND contype = 'f' AND conparentid = 0 ORDER BY conname
            """, [.oid(oid)]
        ).map {
            ForeignKey(
                name: try $0.string("conname"), definition: try $0.string("definition"),
                columns: try $0.textArray("columns"), parent: try $0.textArray("parent"),
                parentColumns: try $0.textArray("others"), onUpdate: try $0.string("onupdate"),
                onDelete: try $0.string("ondelete"))
        }
        try await fillRules(oid, connection)
        triggers = try await connection.query(
            """
            SELECT tgname, tgenabled = 'A' AS always FROM pg_trigger
            WHERE tgrelid = $1 AND NOT tgisinternal AND tgenabled IN ('O', 'A') ORDER BY tgname
            """, [.oid(oid)]
        ).map { Trigger(name: try $0.string("tgname"), isAlways: try $0.bool("always")) }
        isEmpty = try await connection.query("SELECT NOT EXISTS (SELECT FROM \(sql)) AS isempty").only().bool("isempty")
    }

    private mutating func fillRules(_ oid: UInt32, _ connection: Connection) async throws {
        indexes = try await connection.query(
            """
            SELECT c.relname, i.indisunique, i.indisprimary, i.indpred IS NOT NULL AS partial,
                ARRAY(SELECT a.attname::text FROM generate_series(0, i.indnkeyatts - 1) AS k
                    LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k] ORDER BY k) AS columns
            FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            WHERE i.indrelid = $1 AND i.indisvalid ORDER BY c.relname
            """, [.oid(oid)]
        ).map {
            Index(
                name: try $0.string("relname"), isUnique: try $0.bool("indisunique"),
                isPrimary: try $0.bool("indisprimary"), isPartial: try $0.bool("partial"),
                columns: try $0.nullableTextArray("columns"))
        }
        checks = try await connection.query(
            """
            SELECT conname, \(Self.columns("conkey", "conrelid")) AS columns FROM pg_constraint
            WHERE conrelid = $1 AND contype = 'c' ORDER BY conname
            """, [.oid(oid)]
        ).map { Check(name: try $0.string("conname"), columns: Set(try $0.textArray("columns"))) }
    }

    /// Names of a constraint's columns, in their order there.
    private static func columns(_ numbers: String, _ table: String) -> String {
        """
        ARRAY(SELECT a.attname::text FROM unnest(\(numbers)) WITH ORDINALITY AS k (number, place)
            JOIN pg_attribute a ON a.attrelid = \(table) AND a.attnum = k.number ORDER BY place)
        """
    }

    private static func action(_ column: String) -> String {
        """
        CASE \(column) WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL'
            WHEN 'd' THEN 'SET DEFAULT' ELSE 'NO ACTION' END
        """
    }
}
