import PostgresDriver
import SQLSyntax

/// A table on both sides through which DDL goes along with the rows, in their order: an event trigger writes statements into
/// it where the schema lives, the stream brings them over, and a trigger that fires for replicated rows only does them.
/// What cannot be done there must not stop the rows: the server's log has it, and a switch, which compares definitions first.
///
/// One for each split: rows of several splits must not meet in a database that gets schemas from several others.
struct CarriedDefinitions: Sendable {
    let record: SplitRecord

    init(_ record: SplitRecord) { self.record = record }

    /// As SQL names it; the same on both sides.
    var table: String { "strata.carried_\(record.sourceOID)_\(record.id)" }

    /// Safe to run again. Schema `strata` is there.
    func make(_ connection: Connection) async throws {
        let trigger = "carry_definition"
        try await connection.execute(
            """
            BEGIN; SET LOCAL client_min_messages = warning;
            CREATE TABLE IF NOT EXISTS \(table) (
                schema text NOT NULL,
                statement text NOT NULL,
                role text NOT NULL,
                search_path text NOT NULL,
                made_at timestamptz NOT NULL DEFAULT clock_timestamp()
            );
            CREATE OR REPLACE FUNCTION strata.carry_definition() RETURNS trigger LANGUAGE plpgsql AS $function$
            BEGIN
                PERFORM pg_catalog.set_config('search_path', NEW.search_path, true);
                IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) NEW.role) THEN
                    PERFORM pg_catalog.set_config('role', NEW.role, true);
                END IF;
                BEGIN
                    EXECUTE NEW.statement;
                EXCEPTION
                    -- These come and go: the stream tries again.
                    WHEN deadlock_detected OR lock_not_available OR disk_full OR out_of_memory OR too_many_connections THEN RAISE;
                    WHEN OTHERS THEN RAISE WARNING 'strata could not do here what was done where schema % lives: %: %', NEW.schema, NEW.statement, SQLERRM;
                END;
                PERFORM pg_catalog.set_config('role', 'none', true), pg_catalog.set_config('search_path', '', true);
                RETURN NULL;
            END
            $function$;
            DROP TRIGGER IF EXISTS \(trigger) ON \(table);
            CREATE TRIGGER \(trigger) AFTER INSERT ON \(table) FOR EACH ROW EXECUTE FUNCTION strata.carry_definition();
            ALTER TABLE \(table) ENABLE REPLICA TRIGGER \(trigger);
            COMMIT
            """)
    }

    func isPresent(_ connection: Connection) async throws -> Bool {
        try await connection.query("SELECT to_regclass($1) IS NOT NULL AS present", [.text(table)]).only()
            .bool("present")
    }

    func drop(_ connection: Connection) async throws {
        try await connection.execute("DROP TABLE IF EXISTS \(table)")
        let isUsed =
            try await connection.query(
                "SELECT count(*) AS n FROM pg_trigger WHERE tgfoid = to_regprocedure('strata.carry_definition()')"
            ).only().int("n") > 0
        if !isUsed { try await connection.execute("DROP FUNCTION IF EXISTS strata.carry_definition()") }
    }

    /// Whether DDL can be carried that way: where there are several streams, rows of one could come before what they need
    /// from another.
    func isStreamed(_ direction: SplitRecord.Direction, from connection: Connection) async throws -> Bool {
        let generations = record.generations(direction)
        guard record.carries, generations.count == 1 else { return false }
        return try await connection.query(
            """
            SELECT count(*) AS n FROM pg_publication_tables
             WHERE pubname = $1 AND schemaname = 'strata' AND 'strata.' || tablename = $2
            """, [.text(record.streamName(generations[0])), .text(table)]
        ).only().int("n") > 0
    }
}
