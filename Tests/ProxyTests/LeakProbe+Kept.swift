extension LeakProbe {
    /// What nobody can carry to another server.
    static let kept: [LeakProbe] = [
        LeakProbe(
            "temporary table", "CREATE TEMP TABLE t AS SELECT 'temp' AS a", see: "SELECT a FROM t",
            undo: "DROP TABLE t", isKept: true),
        LeakProbe(
            "SELECT INTO TEMP", "SELECT 'temp' AS a INTO TEMP t", see: "SELECT a FROM t", undo: "DROP TABLE t",
            isKept: true),
        LeakProbe(
            "temporary table of a function", "SELECT run('CREATE TEMP TABLE t AS SELECT 1 AS a')",
            see: "SELECT a::text FROM t", undo: "DISCARD TEMP", isKept: true),
        LeakProbe(
            "temporary table, extended", "CREATE TEMP TABLE t AS SELECT 'temp' AS a", see: "SELECT a FROM t",
            undo: "DISCARD ALL", isKept: true, isExtended: true),
        LeakProbe(
            "pg_temp.table", "CREATE TABLE pg_temp.t AS SELECT 'temp' AS a", see: "SELECT a FROM t",
            undo: "DROP TABLE pg_temp.t", isKept: true),
        LeakProbe(
            "temporary view", "CREATE TEMP VIEW t AS SELECT 'temp' AS a", see: "SELECT a FROM t",
            undo: "DROP VIEW pg_temp.t", isKept: true),
        LeakProbe(
            "temporary sequence", "CREATE TEMP SEQUENCE q START 5", see: "SELECT last_value FROM q",
            undo: "DROP SEQUENCE q", isKept: true),
        LeakProbe(
            "temporary table that goes with COMMIT",
            "BEGIN; CREATE TEMP TABLE t ON COMMIT DROP AS SELECT 'temp' AS a; COMMIT", see: "SELECT a FROM t",
            undo: "SELECT 1"),
        LeakProbe(
            "LISTEN", "LISTEN c", see: "SELECT array_agg(n)::text FROM pg_listening_channels() n", undo: "UNLISTEN c",
            isKept: true),
        LeakProbe(
            "LISTEN in a transaction", "BEGIN", "LISTEN c", "COMMIT",
            see: "SELECT array_agg(n)::text FROM pg_listening_channels() n", undo: "UNLISTEN *", isKept: true),
        LeakProbe(
            "held cursor", "BEGIN; DECLARE h CURSOR WITH HOLD FOR SELECT 1; COMMIT",
            see: "SELECT array_agg(name)::text FROM pg_cursors WHERE name = 'h'", undo: "CLOSE h", isKept: true),
        LeakProbe(
            "plain cursor", "BEGIN; DECLARE h CURSOR FOR SELECT 1; COMMIT",
            see: "SELECT array_agg(name)::text FROM pg_cursors WHERE name = 'h'", undo: "SELECT 1"),
        LeakProbe("PREPARE", "PREPARE p AS SELECT 'prepared'", see: "EXECUTE p", undo: "DEALLOCATE p"),
        LeakProbe(
            "PREPARE by a function", "SELECT run('PREPARE p AS SELECT ''prepared''')", see: "EXECUTE p",
            undo: "DEALLOCATE ALL"),
        LeakProbe(
            "advisory lock", "SELECT pg_advisory_lock(1)", see: ownLocks, undo: "SELECT pg_advisory_unlock(1)",
            isKept: true),
        LeakProbe(
            "advisory lock, shared", "SELECT pg_advisory_lock_shared(1, 2)", see: ownLocks,
            undo: "SELECT pg_advisory_unlock_shared(1, 2)", isKept: true),
        LeakProbe(
            "advisory lock, tried", "SELECT pg_try_advisory_lock(1)", see: ownLocks,
            undo: "SELECT pg_advisory_unlock_all()", isKept: true),
        LeakProbe(
            "advisory lock of a function", "SELECT run('SELECT pg_advisory_lock(1)')", see: ownLocks,
            undo: "SELECT pg_advisory_unlock_all()", isKept: true),
        LeakProbe(
            "advisory lock of a transaction", "BEGIN; SELECT pg_advisory_xact_lock(1); COMMIT", see: ownLocks,
            undo: "SELECT 1"),
        LeakProbe(
            "by UPDATE pg_settings", "UPDATE pg_settings SET setting = '5000' WHERE name = 'lock_timeout'",
            see: "SHOW lock_timeout", undo: "DISCARD ALL", isKept: true),
    ]

    static let loaded = [
        LeakProbe(
            "LOAD", "LOAD 'auto_explain'", see: "SELECT count(*) FROM pg_settings WHERE name LIKE 'auto\\_explain.%'",
            undo: "SELECT 1", isKept: true)
    ]

    static let temporaryDefinitions: [LeakProbe] = [
        LeakProbe(
            "temporary function", "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 5'",
            see: "SELECT pg_temp.f()", undo: "DROP FUNCTION pg_temp.f()", isKept: true),
        LeakProbe(
            "temporary type", "CREATE TYPE pg_temp.e AS ENUM ('a')", see: "SELECT 'a'::pg_temp.e",
            undo: "DROP TYPE pg_temp.e", isKept: true),
    ]

    private static let ownLocks =
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
}
