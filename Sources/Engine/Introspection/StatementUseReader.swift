package import Planning
package import PostgresDriver

/// Reads pg_stat_statements, wherever it is installed.
package enum StatementUseReader {
    /// The most called statements that are read.
    package static let maxStatements = 5_000
    /// Longer texts are left out: cut ones could not be parsed.
    package static let maxTextBytes = 16_384

    /// What this database's statements were, most called first; `.unknown` where the extension is not installed, not
    /// loaded or not readable, and where the user may not see other users' statements.
    ///
    /// Throws `PostgresError` only when the connection is lost, and `CancellationError`.
    package static func read(_ connection: Connection) async throws -> StatementUse {
        do {
            guard let schema = try await schema(connection) else { return .unknown }
            let rows = try await connection.query(
                """
                SELECT COALESCE(queryid, 0) AS id, userid, query, calls FROM \(schema).pg_stat_statements
                 WHERE dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
                   AND query IS NOT NULL AND octet_length(query) <= \(maxTextBytes)
                 ORDER BY calls DESC, queryid LIMIT \(maxStatements)
                """)
            var statements: [StatementUse.Statement] = []
            statements.reserveCapacity(rows.count)
            for row in rows {
                statements.append(
                    StatementUse.Statement(
                        queryID: Int64(try row.int("id")), role: try row.uint32("userid"),
                        text: try row.string("query"), calls: Int64(try row.int("calls"))))
            }
            return StatementUse(isKnown: true, statements: statements, since: try await since(connection, schema))
        } catch let error as PostgresError where !error.isConnectionLost && error.kind == .server {
            return .unknown
        }
    }

    /// The quoted schema of the extension. nil also for a user who would see `<insufficient privilege>` instead of
    /// what others run: use that is not seen is unknown, not zero.
    private static func schema(_ connection: Connection) async throws -> String? {
        let rows = try await connection.query(
            """
            SELECT quote_ident(n.nspname) AS schema FROM pg_catalog.pg_extension e
              JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
             WHERE e.extname = 'pg_stat_statements' AND has_schema_privilege(n.oid, 'USAGE')
               AND pg_has_role('pg_read_all_stats', 'USAGE')
            """)
        return try rows.first?.string("schema")
    }

    /// Since 14 the extension says when it was reset; before, the database's statistics give a hint.
    private static func since(_ connection: Connection, _ schema: String) async throws -> String? {
        do {
            return try await connection.query(
                "SELECT stats_reset::text AS since FROM \(schema).pg_stat_statements_info"
            )
            .only().optionalString("since")
        } catch let error as PostgresError where error.kind == .server && !error.isConnectionLost {
            return try await connection.query(
                "SELECT stats_reset::text AS since FROM pg_catalog.pg_stat_database WHERE datname = current_database()"
            ).only().optionalString("since")
        }
    }
}
