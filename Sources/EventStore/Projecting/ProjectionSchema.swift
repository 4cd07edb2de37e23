import PostgresDriver

/// Where the projections of a database stand: tables in schema `strata` of the read models' database.
///
/// `projection_letters` says which events a copy lacks, in the transaction that passed them by: it decides whether a dead letter
/// is still to be done. The store's own table of dead letters is what people see and act on.
enum ProjectionSchema {
    /// Makes what is missing; nothing is locked, and no right is needed, where all is there.
    static func install(on connection: Connection) async throws {
        if try await !isThere(on: connection) { try await connection.execute(statements) }
    }

    static func isThere(on connection: Connection) async throws -> Bool {
        try await connection.query(
            """
            SELECT to_regclass('strata.projection_rebuilds') IS NOT NULL AND EXISTS (
                SELECT FROM pg_attribute WHERE attrelid = to_regclass('strata.projections') AND attname = 'begun_at') AS there
            """
        ).only().bool("there")
    }

    private static let statements = """
        BEGIN;
        SET LOCAL client_min_messages = warning;
        SELECT pg_advisory_xact_lock(hashtext('strata.projections'));
        CREATE SCHEMA IF NOT EXISTS strata;
        CREATE TABLE IF NOT EXISTS strata.projections (
            name text NOT NULL,
            copy text NOT NULL DEFAULT 'live' CHECK (copy IN ('live', 'next', 'old')),
            stream_id uuid NOT NULL,
            statements text,
            position bigint NOT NULL DEFAULT 0,
            state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'stopped')),
            error text,
            updated_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (name, copy)
        );
        DO $$ BEGIN
            -- As the first version made it.
            IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'strata.projections'::regclass AND attname = 'copy') THEN
                ALTER TABLE strata.projections ADD COLUMN copy text NOT NULL DEFAULT 'live' CHECK (copy IN ('live', 'next', 'old')),
                    DROP CONSTRAINT projections_pkey, ADD PRIMARY KEY (name, copy);
            END IF;
        END $$;
        ALTER TABLE strata.projections ADD COLUMN IF NOT EXISTS statements text;
        ALTER TABLE strata.projections ADD COLUMN IF NOT EXISTS begun_at timestamp;
        COMMENT ON COLUMN strata.projections.begun_at IS 'clock of the store (UTC) before its first event was read';
        COMMENT ON COLUMN strata.projections.statements IS 'fingerprint of what it was last projected with';
        CREATE TABLE IF NOT EXISTS strata.projection_letters (
            name text NOT NULL,
            copy text NOT NULL DEFAULT 'live',
            position bigint NOT NULL,
            reason text NOT NULL,
            kind text NOT NULL,
            PRIMARY KEY (name, copy, position)
        );
        CREATE TABLE IF NOT EXISTS strata.projection_rebuilds (
            name text PRIMARY KEY,
            stage text NOT NULL CHECK (stage IN ('projecting', 'swapped', 'undone')),
            fingerprint text NOT NULL,
            drop_old boolean NOT NULL DEFAULT false,
            letters_agree boolean NOT NULL DEFAULT true,
            report jsonb,
            started_at timestamptz NOT NULL DEFAULT now(),
            swapped_at timestamptz
        );
        COMMIT
        """

    /// One process at a time, for as long as its connection lives.
    ///
    /// - Parameter what: the projection's name, or that and what is done with it.
    /// - Returns: whether it has it; who has just ended holds it until the server has noticed, so it waits for two seconds.
    static func lock(_ what: String, on connection: Connection) async throws -> Bool {
        try await connection.execute("SET lock_timeout = '2s'")
        var isFree = true
        do {
            _ = try await connection.query(
                "SELECT pg_advisory_lock(hashtext('strata.projections'), hashtext($1))", [.text(what)])
        } catch let error as PostgresError where error.isLockTimeout {
            isFree = false
        }
        try await connection.execute("RESET lock_timeout")
        return isFree
    }

    /// Whether somebody holds that lock.
    static func isLocked(_ expression: String) -> String {
        """
        EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
            AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
            AND l.classid::bigint = hashtext('strata.projections')::bigint & 4294967295
            AND l.objid::bigint = hashtext(\(expression))::bigint & 4294967295)
        """
    }
}
