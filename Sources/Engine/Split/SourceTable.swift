import Planning
import PostgresDriver
import SQLSyntax

/// A table whose rows are copied: not a partitioned one, but each of its partitions.
struct SourceTable: Sendable, Equatable {
    var oid: UInt32
    /// As SQL names it, with its schema.
    var name: String
    /// Those that have values of their own, as SQL names them.
    var columns: [String]
    var pages: Int64
    var bytes: Int64
    var rows: Int64

    static func all(in schema: String, _ connection: Connection) async throws -> [SourceTable] {
        try await connection.query(
            """
            SELECT c.oid, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name,
                   ARRAY(SELECT quote_ident(a.attname) FROM pg_attribute a
                          WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
                          ORDER BY a.attnum) AS columns,
                   pg_relation_size(c.oid) / current_setting('block_size')::bigint AS pages,
                   pg_table_size(c.oid) AS bytes, greatest(c.reltuples, 0)::bigint AS rows
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = $1 AND c.relkind = 'r' ORDER BY pg_table_size(c.oid) DESC, c.oid
            """, [.text(schema)]
        ).map { row in
            SourceTable(
                oid: try row.uint32("oid"), name: try row.string("name"), columns: try row.textArray("columns"),
                pages: Int64(try row.int("pages")), bytes: Int64(try row.int("bytes")),
                rows: Int64(try row.int("rows")))
        }
    }

    /// What of a table stands in the way of its copy.
    ///
    /// Triggers that fire ALWAYS, or on a REPLICA, would run again on the target for what they have done at the source.
    static func obstacles(in schema: String, _ connection: Connection) async throws -> [Diagnostic] {
        try await connection.query(
            """
            SELECT t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
              JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = $1 AND NOT t.tgisinternal AND t.tgenabled IN ('A', 'R')
               AND t.tgname NOT LIKE 'zz\\_strata\\_%' ORDER BY 2, 1
            """, [.text(schema)]
        ).map { row in
            let (trigger, table) = (try row.string("tgname"), try row.string("relname"))
            return Diagnostic(
                .error, "trigger-fires-twice",
                "trigger \(trigger) of \(schema).\(table) fires for replicated rows as well, and would do on the target again what it has done",
                nextStep:
                    "ALTER TABLE \(SQL.qualified(schema, table)) ENABLE TRIGGER \(SQL.identifier(trigger)), or drop it")
        }
    }
}
