import Testing

@testable import Planning

@Suite("Layout: what is accepted")
struct LayoutDecoderTests {
    @Test("S0.1 the schemas, tables and database of the design are read as written")
    func design() throws {
        let layout = try layout(
            """
            strata: 1
            databases:
              main:
                url: ${DATABASE_URL}
                replicas: [{ name: r1, url: "${DATABASE_READONLY_URL}" }]
                pool: { mode: transaction, size: 25, reserve: 5, reserve_timeout: 5s, max_clients: 1000,
                        server_lifetime: 1h, idle_timeout: 10m, connect_timeout: 2s }
              archive: { url: "${ARCHIVE_URL}" }
            schemas:
              eventstore: { database: main, tables: [events], append_only: [events] }
              readmodels: { tables: [animals, sponsorships], rebuildable: true }
              active:
                tables: [groups, visits, attendance]
                partitions: { visits: { by: created_at, every: month, ahead: 3 } }
              users: { tables: [privacy_consents] }
              auth: { tables: [sessions] }
              audit:  { database: archive, tables: [data_deletions], append_only: [data_deletions] }
              public: { tables: [breed, users], types: [animal_type, role], ignore: [_prisma_migrations] }
              reports: { views: [open_orders], functions: [order_total], tables: [{ table: totals, from: legacy }] }
            compatibility: views
            roles:
              kct_app:      { write: [active, public] }
              kct_readonly: { read: [readmodels] }
            indexes:
              - { table: auth.sessions, columns: [user_id, expires_at] }
            routing:
              listen: 127.0.0.1:6432
              auth: { type: scram, users: users.txt }
              freshness: table
              routes:
                - { tag: { route: "GET /api/projects" }, to: replica }
                - { table: auth.sessions, to: primary }
            retention:
              - { table: active.visits, older_than: 30 days,
                  per_subject: users.privacy_consents.data_retention_days, record_in: audit.data_deletions }
            thresholds:
              eventstore: { rows_per_day: 10000, rows: 1000000 }
              readmodels: { latency: 200ms }
            backup:
              eventstore: { continuous: true, rpo: 5m, keep: 30d }
            """,
            [
                "DATABASE_URL": "postgres://a@h/d", "DATABASE_READONLY_URL": "postgres://b@h/d",
                "ARCHIVE_URL": "host=h dbname=x",
            ])
        #expect(layout.databases.map(\.name) == ["main", "archive"])
        #expect(layout.databases[0].url == "postgres://a@h/d")
        #expect(layout.databases[0].replicas.map(\.url) == ["postgres://b@h/d"])
        #expect(layout.databases[1].url == "host=h dbname=x")
        let pool = try #require(layout.databases[0].pool)
        #expect(pool.mode == .transaction && pool.size == 25 && pool.reserve == 5 && pool.maxClients == 1000)
        #expect(pool.serverLifetime == .seconds(3600) && pool.idleTimeout == .seconds(600))
        #expect(pool.connectTimeout == .seconds(2) && pool.reserveTimeout == .seconds(5))
        #expect(layout.schemas.map(\.name).prefix(3) == ["eventstore", "readmodels", "active"])
        #expect(layout.schemas[0].tables.map(\.name) == ["events"] && layout.schemas[0].database == "main")
        #expect(layout.schemas[0].tables[0].place == SourcePlace(file: "strata.yaml", line: 10, column: 42))
        #expect(layout.schemas[0].appendOnly.map(\.value) == ["events"] && layout.schemas[1].rebuildable)
        let partition = try #require(layout.schemas[2].partitions.first)
        #expect(partition.table == "visits" && partition.column == "created_at")
        #expect(partition.every == .month && partition.ahead == 3)
        #expect(layout.schemas[6].types.map(\.name) == ["animal_type", "role"])
        #expect(layout.schemas[6].ignore.map(\.value) == ["_prisma_migrations"])
        #expect(layout.schemas[7].tables.map(\.from) == ["legacy"])
        #expect(layout.roles[0].write.map(\.value) == ["active", "public"] && layout.roles[1].write.isEmpty)
        #expect(layout.indexes[0].columns.map(\.name) == ["user_id", "expires_at"])
        let routing = try #require(layout.routing)
        #expect(routing.authType == .scram && routing.authUsersFile == "users.txt" && routing.freshness == .table)
        #expect(routing.routes.map(\.toReplica) == [true, false] && routing.routes[1].table == "auth.sessions")
        #expect(routing.routes[0].tags == ["route": "GET /api/projects"])
        #expect(layout.retention[0].olderThan == .seconds(30 * 86_400) && layout.retention[0].schema == "active")
        #expect(layout.retention[0].perSubject == "users.privacy_consents.data_retention_days")
        #expect(
            layout.thresholds[0].value.rowsPerDay == 10_000 && layout.thresholds[1].value.latency == .milliseconds(200))
        #expect(layout.backup[0].value.rpo == .seconds(300) && layout.backup[0].value.continuous)
    }

    @Test("an empty layout, empty sections and empty lists are fine")
    func empty() throws {
        #expect(try layout("strata: 1").mainDatabase == "main")
        let layout = try layout("strata: 1\nroles:\nschemas:\n  a:\n  b: { tables: [] }\n  c: { tables: }\nindexes:")
        #expect(layout.schemas.map(\.name) == ["a", "b", "c"] && layout.compatibility == .views)
    }

    @Test("objects are names or mappings, in flow or block form")
    func objects() throws {
        let layout = try layout(
            """
            strata: 1
            schemas:
              app:
                tables:
                  - Project
                  - { table: "Bid's", from: legacy }
                views: [{ view: open_orders, from: old }]
                functions: [touch, "order_total(int,  text )", { function: "order_total( )", from: legacy }]
                types: [{ type: "Mood", from: public }]
                sequences: [{ sequence: invoice_no, from: public }, "no"]
            """)
        let schema = layout.schemas[0]
        #expect(schema.tables.map(\.name) == ["Project", "Bid's"] && schema.tables.map(\.from) == [nil, "legacy"])
        #expect(schema.views[0].from == "old" && schema.types[0].name == "Mood")
        #expect(schema.functions.map(\.name) == ["touch", "order_total", "order_total"])
        #expect(schema.functions.map(\.arguments) == [nil, "int, text", ""])
        #expect(schema.sequences.map(\.name) == ["invoice_no", "no"])
    }

    @Test("X6 mixed case, blanks, umlauts and words of YAML 1.1 stay as written")
    func names() throws {
        let layout = try layout("strata: 1\nschemas:\n  Größe: { tables: [AiAction, yes, on, 'true', \"12\", a b, y] }")
        #expect(layout.schemas[0].name == "Größe")
        #expect(layout.schemas[0].tables.map(\.name) == ["AiAction", "yes", "on", "true", "12", "a b", "y"])
    }

    @Test("S1.14 groups of three schemas are told apart by `from`; one may go without")
    func sameName() throws {
        let layout = try layout(
            """
            strata: 1
            schemas:
              education: { tables: [groups] }
              active: { tables: [{ table: groups, from: legacy }] }
              activities: { tables: [{ table: groups, from: app }] }
            """)
        #expect(layout.schemas.map { $0.tables[0].from } == [nil, "legacy", "app"])
    }

    @Test("indexes: directions, uniqueness, predicate, include, method, name")
    func indexes() throws {
        let layout = try layout(
            """
            strata: 1
            schemas: { auth: { tables: [sessions] } }
            indexes:
              - table: sessions
                columns: [user_id, "created_at desc", { name: "a b", desc: true }, "x ASC"]
                unique: true
                where: |
                  revoked_at is null
                include: [token]
                name: sessions_user
              - { table: auth.sessions, columns: [tags], method: gin }
            """)
        let index = layout.indexes[0]
        #expect(index.schema == "auth" && index.table == "sessions" && index.unique && index.name == "sessions_user")
        #expect(index.columns.map(\.descending) == [false, true, true, false])
        #expect(index.columns.map(\.name) == ["user_id", "created_at", "a b", "x"])
        #expect(index.predicate?.hasPrefix("revoked_at is null") == true && index.include == ["token"])
        #expect(layout.indexes[1].method == "gin")
    }

    @Test(
        "durations",
        arguments: [
            ("5s", Duration.seconds(5)), ("10m", .seconds(600)), ("1h", .seconds(3600)), ("\"1 hour\"", .seconds(3600)),
            ("1500ms", .milliseconds(1500)), ("90 seconds", .seconds(90)), ("2 minutes", .seconds(120)),
        ])
    func durations(text: String, expected: Duration) throws {
        let layout = try layout("strata: 1\nrouting: { freshness: { at_most: \(text) } }")
        #expect(layout.routing?.freshness == .atMost(expected))
    }

    @Test("S0.45 long periods", arguments: [("30 days", 30), ("30d", 30), ("1 day", 1), ("2w", 14), ("1 week", 7)])
    func periods(text: String, days: Int) throws {
        let layout = try layout(
            "strata: 1\nschemas: { a: { tables: [t] } }\nretention: [{ table: a.t, older_than: \(text) }]")
        #expect(layout.retention[0].olderThan == .seconds(days * 86_400))
    }

    @Test("S1.24 append-only tables may be partitioned")
    func appendOnlyPartitions() throws {
        let layout = try layout(
            """
            strata: 1
            schemas:
              e: { tables: [events], append_only: [events], partitions: { events: { by: at, every: day } } }
            """)
        #expect(layout.schemas[0].partitions[0].ahead == 1)
    }

    @Test("freshness, auth_query and a listener on IPv6")
    func routing() throws {
        let layout = try layout(
            """
            strata: 1
            routing: { listen: "[::1]:6432", freshness: session, auth: { type: md5, auth_query: "select 1" } }
            """)
        #expect(layout.routing?.listen == "[::1]:6432" && layout.routing?.freshness == .session)
        #expect(layout.routing?.authQuery == "select 1" && layout.routing?.authType == .md5)
    }

    @Test("anchors, aliases and merge keys; a key of its own wins over a merged one")
    func aliases() throws {
        let layout = try layout(
            """
            strata: 1
            schemas:
              a: &base { tables: [t], rebuildable: true }
              b: { <<: *base, tables: &list [u, v] }
              c: { tables: [w], append_only: [w] }
            roles:
              r: &grant { read: [a] }
              s: *grant
            """)
        #expect(layout.schemas[1].tables.map(\.name) == ["u", "v"] && layout.schemas[1].rebuildable)
        #expect(layout.roles[1].read.map(\.value) == ["a"])
    }

    @Test("CR LF, a byte order mark, comments with quotes and brackets, block texts")
    func spelling() throws {
        let lines = [
            "\u{FEFF}# don't [[ {", "strata: 1   # it's \"so", "schemas:", "  a:", "    tables: [t] # [", "indexes:",
            "- table: t",
            "  columns: [c]", "  where: >-", "    a = '[[ \"", "    or b = ARRAY[1]",
        ]
        let layout = try layout(lines.joined(separator: "\r\n"))
        #expect(layout.indexes[0].predicate == "a = '[[ \" or b = ARRAY[1]")
        #expect(layout.schemas[0].tables[0].place.line == 5 && layout.schemas[0].tables[0].place.column == 14)
    }
}
