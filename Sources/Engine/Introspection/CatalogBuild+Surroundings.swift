import Planning
import PostgresDriver

extension CatalogBuild {
    mutating func readReplication() async throws {
        try await readPublications()
        guard server.readsSubscriptions else { return }
        // Never subconninfo: it holds passwords.
        let found = try await rows(
            """
            SELECT s.oid, s.subname, s.subenabled,
                   ARRAY(SELECT r.srrelid FROM pg_subscription_rel r WHERE r.srsubid = s.oid ORDER BY 1) AS tables
              FROM pg_subscription s WHERE s.subdbid = $1 ORDER BY s.subname
            """, [.oid(catalog.server.databaseOID)])
        for row in found {
            catalog.subscriptions.append(
                Subscription(
                    oid: try row.uint32("oid"), name: try row.string("subname"), isEnabled: try row.bool("subenabled"),
                    tables: try row.uint32Array("tables")))
        }
    }

    private mutating func readPublications() async throws {
        let hasSchemas = server.isAtLeast(15)
        let schemas =
            hasSchemas
            ? "ARRAY(SELECT s.pnnspid FROM pg_publication_namespace s WHERE s.pnpubid = p.oid ORDER BY 1)"
            : "'{}'::oid[]"
        let columns = hasSchemas ? "r.prattrs::text" : "NULL::text"
        let filter = hasSchemas ? "pg_get_expr(r.prqual, r.prrelid)" : "NULL::text"
        let found = try await rows(
            """
            SELECT p.oid, p.pubname, p.puballtables, \(schemas) AS schemas,
                   ARRAY(SELECT r.prrelid FROM pg_publication_rel r WHERE r.prpubid = p.oid ORDER BY 1) AS tables,
                   concat_ws(' ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
                       CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END,
                       CASE WHEN p.pubviaroot THEN 'via_root' END,
                       (SELECT string_agg(concat_ws(' ', r.prrelid::regclass::text, 'columns=' || \(columns),
                                                    'where=' || \(filter)), ', ' ORDER BY r.prrelid)
                          FROM pg_publication_rel r
                         WHERE r.prpubid = p.oid AND (\(columns) IS NOT NULL OR \(filter) IS NOT NULL))) AS definition
              FROM pg_publication p ORDER BY p.pubname
            """)
        for row in found {
            catalog.publications.append(
                Publication(
                    oid: try row.uint32("oid"), name: try row.string("pubname"),
                    allTables: try row.bool("puballtables"),
                    tables: try row.uint32Array("tables"), schemas: try row.uint32Array("schemas"),
                    definition: try row.string("definition")))
        }
    }

    mutating func readExtensions() async throws {
        let found = try await rows("SELECT oid, extname, extversion, extnamespace FROM pg_extension ORDER BY extname")
        for row in found {
            let oid = try row.uint32("oid")
            catalog.extensions[oid] = Extension(
                oid: oid, name: try row.string("extname"), version: try row.string("extversion"),
                schema: try row.uint32("extnamespace"))
        }
        let members = try await rows(
            """
            SELECT \(Self.className("classid")) AS class, objid, refobjid FROM pg_depend
             WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
            """)
        for row in members {
            let member = reference(try row.string("class"), try row.uint32("objid"))
            if member.kind != .other { catalog.extensionMembers[member] = try row.uint32("refobjid") }
        }
    }

    mutating func readSurroundings() async throws {
        try await readStatistics()
        try await readForeignServers()
        try await readOtherObjects()
        if server.readsCronJobs { try await readScheduledCommands() }
        if let table = server.partitionConfiguration {
            // The name comes quoted from the server itself.
            let found = try await rows("SELECT parent_table FROM \(table) ORDER BY 1")
            catalog.partmanParents = try found.map { try $0.string("parent_table") }
        }
    }

    private mutating func readStatistics() async throws {
        let target = server.isAtLeast(17) ? "COALESCE(stxstattarget, -1)" : "stxstattarget"
        let found = try await rows(
            """
            SELECT oid, stxnamespace, stxname, stxrelid, stxowner, pg_get_statisticsobjdef(oid)
                   || CASE WHEN \(target) <> -1 THEN ' STATISTICS ' || stxstattarget ELSE '' END AS definition
              FROM pg_statistic_ext WHERE stxnamespace NOT IN \(Self.hiddenSchemas)
            """)
        for row in found {
            let name = try row.string("stxname")
            guard let definition = try row.optionalString("definition") else {
                throw ConcurrentChange(what: "statistics \(name)")
            }
            catalog.extendedStatistics.append(
                ExtendedStatistics(
                    oid: try row.uint32("oid"), schema: try row.uint32("stxnamespace"), name: name,
                    table: try row.uint32("stxrelid"), owner: try row.uint32("stxowner"), definition: definition))
        }
    }

    /// Only where it points to: other options may hold secrets, and the user mappings that hold passwords are never read.
    private mutating func readForeignServers() async throws {
        let found = try await rows(
            """
            SELECT s.oid, s.srvname, w.fdwname, o.host, o.port, o.database FROM pg_foreign_server s
              JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
             CROSS JOIN LATERAL (
                SELECT COALESCE(max(option_value) FILTER (WHERE option_name = 'hostaddr'),
                                max(option_value) FILTER (WHERE option_name = 'host')) AS host,
                       max(option_value) FILTER (WHERE option_name = 'port') AS port,
                       max(option_value) FILTER (WHERE option_name = 'dbname') AS database
                  FROM pg_options_to_table(s.srvoptions)) AS o
            """)
        for row in found {
            let oid = try row.uint32("oid")
            catalog.foreignServers[oid] = ForeignServer(
                oid: oid, name: try row.string("srvname"), wrapper: try row.string("fdwname"),
                host: try row.optionalString("host"), port: try row.optionalString("port"),
                remoteDatabase: try row.optionalString("database"))
        }
    }

    private mutating func readOtherObjects() async throws {
        let found = try await rows(
            """
            SELECT kind, namespace, name, class, oid,
                   EXISTS (SELECT FROM pg_depend d WHERE d.classid = objects.class::regclass AND d.objid = objects.oid
                              AND d.deptype = 'e') AS extension FROM (
                SELECT 'collation' AS kind, collnamespace AS namespace, collname::text AS name, 'pg_collation' AS class,
                       oid FROM pg_collation
                UNION ALL SELECT 'operator', oprnamespace, oprname || '(' || format_type(NULLIF(oprleft, 0), NULL)
                              || ',' || format_type(oprright, NULL) || ')', 'pg_operator', oid FROM pg_operator WHERE oprleft <> 0
                UNION ALL SELECT 'operator', oprnamespace, oprname || '(' || format_type(oprright, NULL) || ')',
                              'pg_operator', oid FROM pg_operator WHERE oprleft = 0
                UNION ALL SELECT 'operator class', o.opcnamespace, o.opcname || ' using ' || m.amname, 'pg_opclass', o.oid
                            FROM pg_opclass o JOIN pg_am m ON m.oid = o.opcmethod
                UNION ALL SELECT 'operator family', o.opfnamespace, o.opfname || ' using ' || m.amname, 'pg_opfamily', o.oid
                            FROM pg_opfamily o JOIN pg_am m ON m.oid = o.opfmethod
                UNION ALL SELECT 'conversion', connamespace, conname, 'pg_conversion', oid FROM pg_conversion
                UNION ALL SELECT 'text search configuration', cfgnamespace, cfgname, 'pg_ts_config', oid FROM pg_ts_config
                UNION ALL SELECT 'text search dictionary', dictnamespace, dictname, 'pg_ts_dict', oid FROM pg_ts_dict
                UNION ALL SELECT 'text search parser', prsnamespace, prsname, 'pg_ts_parser', oid FROM pg_ts_parser
                UNION ALL SELECT 'text search template', tmplnamespace, tmplname, 'pg_ts_template', oid FROM pg_ts_template
            ) AS objects WHERE namespace NOT IN \(Self.hiddenSchemas) ORDER BY 1, 2, 3
            """)
        for row in found {
            catalog.otherObjects.append(
                OtherObject(
                    kind: strings.shared(try row.string("kind")), schema: try row.uint32("namespace"),
                    name: try row.string("name"),
                    reference: reference(try row.string("class"), try row.uint32("oid")),
                    isExtensionMember: try row.bool("extension")))
        }
    }

    private mutating func readScheduledCommands() async throws {
        // Older versions of pg_cron have no job names.
        let found = try await rows(
            """
            SELECT j.jobid, COALESCE(to_jsonb(j) ->> 'jobname', '') AS name, j.command FROM cron.job j
             WHERE j.database = current_database() ORDER BY j.jobid
            """)
        for row in found {
            catalog.scheduledCommands.append(
                ScheduledCommand(
                    id: Int64(try row.int("jobid")), name: try row.string("name"), command: try row.string("command")))
        }
    }
}
