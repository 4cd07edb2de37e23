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
    }
    /// A column of whole numbers that come from a sequence, whoever owns that.
    package struct Serial: Sendable, Hashable {
        package var column: String
        /// Qualified, as SQL.
        package var sequence: String
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
            SELECT attname, attnotnull, atthasdef OR attidentity <> '' AS hasdefault, attgenerated <> '' AS generated,
                CASE typtype WHEN 'd' THEN format_type(typbasetype, typtypmod)
                    ELSE format_type(atttypid, atttypmod) END AS type,
                \(SequenceSteps.name("attrelid", "attnum")) AS sequence
            FROM pg_attribute JOIN pg_type t ON t.oid = atttypid
            WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum
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

    /// By defaults that call nextval, and by identities; a sequence that counts down is left alone.
    ///
    /// - Parameter table: schema and name, as SQL.
    static func serials(of table: String, on connection: Connection) async throws -> [Serial] {
        try await connection.query(
            """
            SELECT a.attname, n.nspname, s.relname
            FROM pg_attribute a
            JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_class'::regclass
                AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND d.deptype = 'i' AND a.attidentity <> ''
            JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_namespace n ON n.oid = s.relnamespace
            JOIN pg_sequence q ON q.seqrelid = s.oid AND q.seqincrement > 0
            WHERE a.attrelid = to_regclass($1)
            UNION
            SELECT a.attname, n.nspname, s.relname
            FROM pg_attribute a JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
            JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_class'::regclass
            JOIN pg_class s ON s.oid = d.refobjid AND s.relkind = 'S' JOIN pg_namespace n ON n.oid = s.relnamespace
            JOIN pg_sequence q ON q.seqrelid = s.oid AND q.seqincrement > 0
            WHERE a.attrelid = to_regclass($1) AND pg_get_expr(f.adbin, f.adrelid) LIKE 'nextval(%'
                AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
            ORDER BY 1
            """, [.text(table)]
        ).map {
            Serial(
                column: try $0.string("attname"),
                sequence: SQL.qualified(try $0.string("nspname"), try $0.string("relname")))
        }
    }
}
