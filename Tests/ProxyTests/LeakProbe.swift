/// One piece of session state: how it comes about, how it is seen, and how it goes.
struct LeakProbe: Sendable {
    var name: String
    /// Simple queries, one after the other.
    var set: [String]
    /// One row that tells whether it is there; an error counts as an answer.
    var see: String
    var undo: [String]
    /// Whoever has it keeps its server.
    var isKept = false
    /// By Parse, Bind and Execute.
    var isExtended = false

    init(_ name: String, _ set: String..., see: String, undo: String..., isKept: Bool = false, isExtended: Bool = false)
    {
        self.name = name
        self.set = set
        self.see = see
        self.undo = undo
        self.isKept = isKept
        self.isExtended = isExtended
    }

    /// A setting by SET.
    private static func setting(_ name: String, _ value: String) -> LeakProbe {
        LeakProbe("SET \(name)", "SET \(name) = \(value)", see: "SHOW \(name)", undo: "RESET \(name)")
    }

    static let setup = """
        CREATE TABLE t AS SELECT 'real' AS a;
        CREATE SEQUENCE s;
        CREATE FUNCTION run(sql text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE sql; END $$;
        CREATE FUNCTION sets() RETURNS void LANGUAGE plpgsql AS
            $$ BEGIN PERFORM set_config('work_mem', '9MB', false); END $$;
        CREATE FUNCTION sets_itself() RETURNS text LANGUAGE plpgsql SET work_mem = '3MB' AS
            $$ BEGIN SET lock_timeout = '8s'; RETURN current_setting('work_mem'); END $$;
        CREATE FUNCTION fails() RETURNS void LANGUAGE plpgsql AS
            $$ BEGIN BEGIN SET work_mem = '6MB'; RAISE EXCEPTION 'x'; EXCEPTION WHEN others THEN NULL; END; END $$;

        """

    static let settings: [LeakProbe] = [
        setting("search_path", "elsewhere, public"), setting("statement_timeout", "'7s'"),
        setting("lock_timeout", "'7s'"), setting("idle_in_transaction_session_timeout", "'70s'"),
        setting("timezone", "'Asia/Tokyo'"), setting("client_encoding", "'LATIN1'"),
        setting("application_name", "'mine'"), setting("datestyle", "'German'"),
        setting("intervalstyle", "'iso_8601'"), setting("extra_float_digits", "0"),
        setting("bytea_output", "'escape'"), setting("standard_conforming_strings", "off"),
        setting("escape_string_warning", "off"), setting("backslash_quote", "'on'"),
        setting("default_transaction_isolation", "'serializable'"), setting("default_transaction_read_only", "on"),
        setting("default_transaction_deferrable", "on"), setting("plan_cache_mode", "'force_custom_plan'"),
        setting("work_mem", "'5MB'"), setting("row_security", "off"), setting("session_replication_role", "'replica'"),
        setting("client_min_messages", "'error'"), setting("enable_seqscan", "off"), setting("geqo", "off"),
        setting("jit", "off"), setting("transform_null_equals", "on"), setting("xmloption", "'document'"),
        setting("default_text_search_config", "'pg_catalog.german'"), setting("log_min_duration_statement", "'9s'"),
        setting("synchronous_commit", "'local'"), setting("constraint_exclusion", "on"),
        setting("lc_messages", "'POSIX'"),
        setting("check_function_bodies", "off"), setting("quote_all_identifiers", "on"),
        setting("array_nulls", "off"), setting("tcp_keepalives_idle", "77"),
        setting("max_parallel_workers_per_gather", "0"),
        LeakProbe("SET NAMES", "SET NAMES 'LATIN9'", see: "SHOW client_encoding", undo: "SET NAMES DEFAULT"),
        LeakProbe(
            "SET TIME ZONE", "SET TIME ZONE INTERVAL '+02:00' HOUR TO MINUTE", see: "SHOW timezone",
            undo: "SET TIME ZONE DEFAULT"),
        LeakProbe(
            "SET SCHEMA", "SET SCHEMA 'pg_catalog'", see: "SELECT current_schemas(true)::text",
            undo: "RESET search_path"),
        LeakProbe(
            "SESSION CHARACTERISTICS",
            "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
            see: "SELECT current_setting('transaction_isolation') || current_setting('transaction_read_only')",
            undo: "RESET default_transaction_isolation; RESET default_transaction_read_only"),
        LeakProbe(
            "a name of one's own", "SET app.tenant = 'kct'",
            see: "SELECT coalesce(current_setting('app.tenant', true), '')",
            undo: "RESET app.tenant"),
        LeakProbe(
            "a quoted name of one's own", "SET \"App.Ten_ant\" = 'k''c\"t'",
            see: "SELECT coalesce(current_setting('App.Ten_ant', true), '')",
            undo: "RESET ALL"),
        LeakProbe("set_config", "SELECT set_config('work_mem', '6MB', false)", see: "SHOW work_mem", undo: "RESET ALL"),
        LeakProbe("by a function", "SELECT sets()", see: "SHOW work_mem", undo: "RESET work_mem"),
        LeakProbe(
            "by a function's dynamic text", "SELECT run('SET work_mem = ''2MB''')", see: "SHOW work_mem",
            undo: "RESET ALL"),
        LeakProbe(
            "in a function with settings", "SELECT sets_itself()",
            see: "SELECT current_setting('work_mem') || current_setting('lock_timeout')", undo: "RESET ALL"),
        LeakProbe("by DO", "DO $$ BEGIN SET work_mem = '7MB'; END $$", see: "SHOW work_mem", undo: "DISCARD ALL"),
        LeakProbe(
            "by an extended SET", "SET work_mem = '8MB'", see: "SHOW work_mem", undo: "RESET work_mem", isExtended: true
        ),
        LeakProbe("committed", "BEGIN", "SET work_mem = '5MB'", "COMMIT", see: "SHOW work_mem", undo: "RESET work_mem"),
        LeakProbe("rolled back", "BEGIN", "SET work_mem = '5MB'", "ROLLBACK", see: "SHOW work_mem", undo: "SELECT 1"),
        LeakProbe("SET LOCAL", "BEGIN", "SET LOCAL work_mem = '5MB'", "COMMIT", see: "SHOW work_mem", undo: "SELECT 1"),
        LeakProbe(
            "half rolled back", "BEGIN; SET work_mem = '5MB'; SAVEPOINT a; SET work_mem = '6MB'; ROLLBACK TO a; COMMIT",
            see: "SHOW work_mem", undo: "RESET ALL"),
        LeakProbe("undone by an exception", "SELECT fails()", see: "SHOW work_mem", undo: "SELECT 1"),
        LeakProbe("failed behind it", "SET work_mem = '5MB'; SELECT 1/0", see: "SHOW work_mem", undo: "SELECT 1"),
        LeakProbe(
            "by SQL's EXECUTE", "PREPARE p AS SELECT set_config('work_mem', '6MB', false)", "EXECUTE p", "DEALLOCATE p",
            see: "SHOW work_mem", undo: "RESET ALL"),
    ]

    /// What belongs to roles; `$role` is one that exists.
    static let roles: [LeakProbe] = [
        LeakProbe("SET ROLE", "SET ROLE $role", see: "SELECT current_user", undo: "RESET ROLE"),
        LeakProbe(
            "SET ROLE in a transaction", "BEGIN; SET ROLE $role; COMMIT", see: "SELECT current_user",
            undo: "SET ROLE NONE"),
        LeakProbe(
            "role by set_config", "SELECT set_config('role', '$role', false)", see: "SELECT current_user",
            undo: "RESET ROLE"),
        LeakProbe(
            "SET LOCAL ROLE", "BEGIN; SET LOCAL ROLE $role; COMMIT", see: "SELECT current_user", undo: "SELECT 1"),
        LeakProbe(
            "SESSION AUTHORIZATION", "SET SESSION AUTHORIZATION $role", see: "SELECT session_user || current_user",
            undo: "RESET SESSION AUTHORIZATION"),
    ]
}
