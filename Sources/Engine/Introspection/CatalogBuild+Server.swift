import Planning
import PostgresDriver

extension CatalogBuild {
    /// The server, roles, settings, privileges and schemas: what everything else refers to.
    mutating func readServer() async throws {
        try await readFacts()
        try await readRoles()
        try await readSettings()
        try await readGrants()
        try await readSchemas()
        try await readDefaultPrivileges()
    }

    private mutating func readFacts() async throws {
        let row = try await rows(
            """
            SELECT d.datname AS database, d.oid AS database_oid, d.datdba AS owner, r.rolname AS user_name,
                   r.oid AS user_oid, r.rolsuper AS superuser, has_database_privilege(d.oid, 'CREATE') AS can_create,
                   pg_is_in_recovery() AS recovery, current_setting('wal_level') AS wal_level,
                   \(server.systemIdentifier) AS system_identifier,
                   -- Logical streams belong to a database, standbys to none.
                   ARRAY(SELECT COALESCE(s.application_name, '(hidden)') FROM pg_stat_replication s
                           JOIN pg_stat_activity a ON a.pid = s.pid WHERE a.datid IS NULL ORDER BY 1) AS standbys,
                   current_setting('port') AS port, host(inet_server_addr()) AS address
              FROM pg_database d, pg_roles r
             WHERE d.datname = current_database() AND r.rolname = current_user
            """
        ).only()
        var facts = ServerFacts()
        facts.version = server.version
        facts.database = try row.string("database")
        facts.databaseOID = try row.uint32("database_oid")
        facts.databaseOwner = try row.uint32("owner")
        facts.user = try row.string("user_name")
        facts.userOID = try row.uint32("user_oid")
        facts.isSuperuser = try row.bool("superuser")
        facts.canCreateInDatabase = try row.bool("can_create")
        facts.isInRecovery = try row.bool("recovery")
        facts.walLevel = try row.string("wal_level")
        facts.systemIdentifier = try row.string("system_identifier")
        facts.attachedStandbys = try row.textArray("standbys")
        catalog.server = facts
        let port = try row.string("port")
        catalog.endpoints = [ServerEndpoint(host: "", port: port)]
        if let address = try row.optionalString("address") {
            catalog.endpoints.insert(ServerEndpoint(host: address, port: port))
        }
        let ours = connection.settings
        catalog.endpoints.insert(
            ServerEndpoint(host: ours.host.hasPrefix("/") ? "" : ours.host.lowercased(), port: String(ours.port)))
    }

    /// The rights of a role reach its members by each member's INHERIT, since 16 by that of the membership.
    private mutating func readRoles() async throws {
        let inherits = server.isAtLeast(16) ? "m.inherit_option" : "r.rolinherit"
        let found = try await rows(
            """
            SELECT r.oid, r.rolname, r.rolsuper, r.rolcanlogin, r.rolbypassrls,
                   pg_has_role(r.oid, 'MEMBER') AS member, pg_has_role(r.oid, 'USAGE') AS usage,
                   ARRAY(SELECT DISTINCT m.roleid FROM pg_auth_members m WHERE m.member = r.oid ORDER BY 1) AS member_of,
                   ARRAY(SELECT DISTINCT m.roleid FROM pg_auth_members m WHERE m.member = r.oid AND \(inherits)
                          ORDER BY 1) AS inherits_from
              FROM pg_roles r
            """)
        for row in found {
            let oid = try row.uint32("oid")
            if try row.bool("usage") { owned.insert(oid) }
            catalog.roles[oid] = Role(
                oid: oid, name: try row.string("rolname"), isSuperuser: try row.bool("rolsuper"),
                canLogin: try row.bool("rolcanlogin"), bypassesRowSecurity: try row.bool("rolbypassrls"),
                memberOf: try row.uint32Array("member_of"), inheritsFrom: try row.uint32Array("inherits_from"),
                userIsMember: try row.bool("member"))
        }
    }

    private mutating func readSettings() async throws {
        let found = try await rows(
            """
            SELECT s.setdatabase, s.setrole, c.entry FROM pg_db_role_setting s, unnest(s.setconfig) AS c(entry)
             WHERE s.setdatabase IN (0, $1) ORDER BY 1, 2, 3
            """, [.oid(catalog.server.databaseOID)])
        for row in found {
            let entry = try row.string("entry")
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            catalog.settings.append(
                ConfigurationSetting(
                    database: try row.uint32("setdatabase"), role: try row.uint32("setrole"), name: String(parts[0]),
                    value: String(parts[1])))
        }
    }

    /// Every different ACL once, and what holds for objects of each owner that have none: thousands of tables share a
    /// few, and expanding each alone would take millions of rows.
    private mutating func readGrants() async throws {
        let hidden = Self.hiddenSchemas
        let found = try await rows(
            """
            WITH objects (kind, owner, acl) AS (
                SELECT CASE WHEN relkind = 'S' THEN 's' ELSE 'r' END, relowner, relacl FROM pg_class
                 WHERE relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c') AND relnamespace NOT IN \(hidden)
                UNION ALL SELECT 'n', nspowner, nspacl FROM pg_namespace WHERE oid NOT IN \(hidden)
                UNION ALL SELECT 'f', proowner, proacl FROM pg_proc WHERE pronamespace NOT IN \(hidden)
                UNION ALL SELECT 'T', typowner, typacl FROM pg_type WHERE typnamespace NOT IN \(hidden)
                UNION ALL SELECT 'c', 0, attacl FROM pg_attribute WHERE attacl IS NOT NULL
                UNION ALL SELECT 'd', 0, defaclacl FROM pg_default_acl
            ), named (key, acl) AS (
                SELECT DISTINCT ON (acl::text) acl::text, acl FROM objects WHERE acl IS NOT NULL
                UNION ALL
                SELECT kind || owner::text, acldefault(kind::"char", owner)
                  FROM (SELECT DISTINCT kind, owner FROM objects WHERE acl IS NULL) AS without
            )
            SELECT key, grantee, grantor, privilege_type, is_grantable FROM named, aclexplode(acl)
            """)
        for row in found {
            grants[try row.string("key"), default: []].append(
                Grant(
                    grantee: try row.uint32("grantee"), grantor: try row.uint32("grantor"),
                    privilege: try row.string("privilege_type"), grantable: try row.bool("is_grantable")))
        }
        for key in grants.keys { grants[key]?.sort() }
    }

    private mutating func readSchemas() async throws {
        let found = try await rows(
            """
            SELECT n.oid, n.nspname, n.nspowner, n.nspacl::text AS acl,
                   has_schema_privilege(n.oid, 'CREATE') AS can_create, has_schema_privilege(n.oid, 'USAGE') AS usage
              FROM pg_namespace n WHERE n.oid NOT IN \(Self.hiddenSchemas)
            """)
        for row in found {
            let oid = try row.uint32("oid")
            let owner = try row.uint32("nspowner")
            let name = try row.string("nspname")
            guard let canCreate = try row.optionalBool("can_create"), let hasUsage = try row.optionalBool("usage")
            else {
                throw ConcurrentChange(what: "schema \(name)")
            }
            catalog.schemas[oid] = Schema(
                oid: oid, name: name, owner: owner,
                grants: try grants(row.optionalString("acl"), kind: "n", owner: owner),
                userCanCreate: canCreate, userHasUsage: hasUsage)
        }
    }

    private mutating func readDefaultPrivileges() async throws {
        let found = try await rows(
            """
            SELECT oid, defaclrole, defaclnamespace, defaclobjtype, defaclacl::text AS acl FROM pg_default_acl
             WHERE defaclnamespace NOT IN \(Self.hiddenSchemas) ORDER BY oid
            """)
        for row in found {
            catalog.defaultPrivileges.append(
                DefaultPrivilege(
                    oid: try row.uint32("oid"), role: try row.uint32("defaclrole"),
                    schema: try row.uint32("defaclnamespace"), objectType: try row.string("defaclobjtype"),
                    grants: try grants(row.string("acl"), kind: "d", owner: 0)))
        }
    }
}
