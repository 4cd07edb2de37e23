/// The questions that a `RoutingCatalog` is made from. Each is one pass over system catalogs, and none takes a lock on a
/// table.
enum RoutingQueries {
    static let schemas = "SELECT oid, nspname FROM pg_namespace"

    /// What says which schemas are on their way, and which tables are copies, as far as it is there and may be read.
    static let splitTables = """
        SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'strata' AND c.relkind = 'r' AND c.relname IN ('incoming', 'splits', 'copied')
           AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
           AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT')
        """

    static let incoming = "SELECT schema FROM strata.incoming"
    static let leaving = "SELECT schema, state FROM strata.splits WHERE state NOT IN ('cancelled', 'completed')"
    static let copied = "SELECT schema, name FROM strata.copied WHERE ready"
    static let nothing = "SELECT WHERE false"

    /// Roles that may use schemas which not everybody may.
    static let guardedSchemas = """
        SELECT n.oid, ARRAY(SELECT r.rolname::text FROM pg_roles r WHERE has_schema_privilege(r.oid, n.oid, 'USAGE'))
               AS users
          FROM pg_namespace n
         WHERE n.oid >= 2200 AND n.nspname !~ '^pg_(temp|toast)'
           AND n.nspname <> 'information_schema'
           AND NOT EXISTS (SELECT FROM aclexplode(n.nspacl) a WHERE a.grantee = 0 AND a.privilege_type = 'USAGE')
           AND (SELECT count(*) FROM pg_roles) * (SELECT count(*) FROM pg_namespace) <= \(maxRightsAsked)
        """

    /// Beyond, rights on schemas are left out of name resolution: asking would take longer than all the rest.
    static let maxRightsAsked = 2_000_000

    static let relations = """
        SELECT c.oid, c.relnamespace, c.relname, c.relkind::text AS kind, c.relpersistence::text AS persistence
          FROM pg_class c
         WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
           AND c.relnamespace <> ALL (ARRAY(SELECT oid FROM pg_namespace WHERE nspname = 'pg_toast'))
        """

    /// The comment that Strata gives them.
    static let shims = """
        SELECT objoid FROM pg_description
         WHERE classoid = 'pg_class'::regclass AND objsubid = 0 AND description LIKE 'strata:shim %'
        """

    static let inheritance =
        "SELECT inhrelid, inhparent FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent"
        + " WHERE c.relkind IN ('r', 'p', 'f')"

    static let foreignKeys = """
        SELECT conrelid, confrelid, confdeltype IN ('c', 'n', 'd') OR confupdtype IN ('c', 'n', 'd') AS acts
          FROM pg_constraint WHERE contype = 'f'
        """

    static func functions(hasTrees: Bool) -> String {
        let tree = hasTrees ? "p.prosqlbody::text" : "NULL::text"
        return """
            SELECT p.oid, p.pronamespace, p.proname, p.prokind::text AS kind, p.provolatile::text AS volatility,
                   l.lanname, \(tree) AS tree, e.extname,
                   CASE WHEN p.oid >= 16384 AND l.lanname IN ('sql', 'plpgsql') THEN p.prosrc END AS body,
                   CASE WHEN p.oid >= 16384 AND l.lanname IN ('sql', 'plpgsql') AND p.prokind IN ('f', 'p')
                        THEN pg_get_functiondef(p.oid) END AS definition
              FROM pg_proc p
              JOIN pg_language l ON l.oid = p.prolang
              LEFT JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
              LEFT JOIN pg_extension e ON e.oid = d.refobjid
            """
    }

    static let aggregates = """
        SELECT aggfnoid::oid AS oid, ARRAY[aggtransfn, aggfinalfn, aggcombinefn, aggmtransfn, aggminvtransfn,
               aggmfinalfn]::oid[] AS supports
          FROM pg_aggregate WHERE aggfnoid::oid >= 16384
        """

    static let operators = """
        SELECT o.oprnamespace, o.oprname, o.oprcode::oid AS function, EXISTS (SELECT FROM pg_operator b
                WHERE b.oprname = o.oprname AND b.oprnamespace = 11) AS has_builtin_name
          FROM pg_operator o WHERE o.oid >= 16384 AND o.oprcode <> 0
        """

    static let castFunctions = "SELECT DISTINCT castfunc AS function FROM pg_cast WHERE castfunc >= 16384"

    static let types = """
        SELECT t.oid, t.typnamespace, t.typname,
               CASE WHEN b.typinput >= 16384 THEN b.typinput::oid WHEN t.typinput >= 16384 THEN t.typinput::oid END
               AS input
          FROM pg_type t
          LEFT JOIN pg_type b ON b.oid = t.typbasetype
          LEFT JOIN pg_class c ON c.oid = t.typrelid
         WHERE t.oid >= 16384 AND (t.typrelid = 0 AND t.typcategory <> 'A' OR c.relkind = 'c')
        """

    static let triggers = """
        SELECT tgrelid, tgfoid, tgqual::text AS condition, tgoldtable, tgnewtable
          FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'
        """

    static let eventTriggers = "SELECT evtfoid FROM pg_event_trigger WHERE evtenabled <> 'D'"

    static let rules = """
        SELECT ev_class, ev_type::text AS event, ev_qual::text AS condition, ev_action::text AS action
          FROM pg_rewrite WHERE ev_class >= 16384 AND ev_enabled <> 'D'
        """

    /// Most defaults are constants and need no look.
    static let defaults = "SELECT adrelid, adbin::text AS tree FROM pg_attrdef WHERE adbin::text LIKE '%funcid%'"

    static let policies = """
        SELECT p.polrelid, p.polqual::text AS condition, p.polwithcheck::text AS check
          FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.relrowsecurity
        """

    static let searchPaths = """
        SELECT r.rolname, s.setdatabase <> 0 AS is_here, substr(c.entry, length('search_path=') + 1) AS value
          FROM pg_db_role_setting s
         CROSS JOIN LATERAL unnest(s.setconfig) AS c (entry)
          LEFT JOIN pg_roles r ON r.oid = s.setrole
         WHERE c.entry LIKE 'search\\_path=%' AND (s.setrole = 0 OR r.oid IS NOT NULL)
           AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
        """

    /// What the configuration says; where this session got something else, only PostgreSQL's own default is known.
    static let serverSearchPath = """
        SELECT CASE WHEN source IN ('default', 'configuration file', 'command line') THEN reset_val ELSE boot_val END
               AS value
          FROM pg_settings WHERE name = 'search_path'
        """
}
