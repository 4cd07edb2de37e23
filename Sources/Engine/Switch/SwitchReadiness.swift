import Planning
package import PostgresDriver

/// What a switch would find, and what stands in its way. Nothing is changed to see it.
package struct SwitchReadiness: Sendable, Equatable, Codable {
    /// One thing, with what to do about it.
    package struct Finding: Sendable, Equatable, Codable {
        package var message: String
        package var nextStep: String?
        package var isBlocking: Bool

        static func blocks(_ message: String, next: String) -> Finding {
            Finding(message: message, nextStep: next, isBlocking: true)
        }
        static func warns(_ message: String, next: String? = nil) -> Finding {
            Finding(message: message, nextStep: next, isBlocking: false)
        }
    }

    package var schema: String
    package var from: String
    package var to: String
    package var lagBytes: Int
    package var followers: [RouteFollower]
    package var sequences: [SequencePlan]
    /// Minutes since every table was compared; nil: never, or not all.
    package var comparedMinutesAgo: Int?
    package var findings: [Finding]

    package var isReady: Bool { !findings.contains(where: \.isBlocking) }
}

/// How a switch is made.
package struct SwitchOptions: Sendable {
    /// Statements are held for no longer, 1 s to 60 s.
    package var budget = Duration.seconds(5)
    /// For what is prepared while nobody waits: a replication slot waits for all transactions that its server runs.
    package var preparation = Duration.seconds(60)
    /// A transaction that is older when the switch begins is said to be in the way: it would not end within the budget.
    package var longTransaction = Duration.seconds(1)
    /// After half of the budget, sessions are ended whose transactions still have locks on the schema's tables.
    package var endsTransactions = false
    /// A comparison that is older does not count.
    package var comparisonAge = Duration.seconds(24 * 3600)
    /// Numbers that sequences leave out.
    package var sequenceMargin = 100
    /// Also where no proxy follows the routes: whoever uses the schema is told of its new place by somebody else.
    package var withoutProxies = false

    package init() {}
}

struct SwitchReader {
    let record: SplitRecord
    let site: SwitchSite
    let options: SwitchOptions

    /// WAL that the stream may be behind when a switch begins: some tenths of a second of its work.
    static let lagLimit = 16 << 20

    func read() async throws -> SwitchReadiness {
        var readiness = SwitchReadiness(
            schema: record.schema, from: site.fromName, to: site.toName, lagBytes: 0,
            followers: try await RouteStore(site.home).followers(),
            sequences: try await SequencePlan.read(
                schema: record.schema, site.from, margin: options.sequenceMargin),
            comparedMinutesAgo: nil, findings: [])
        try await readStream(&readiness)
        try await readComparison(&readiness)
        try await readFollowers(&readiness)
        try await readSessions(&readiness)
        for sequence in readiness.sequences where sequence.isAtBound {
            readiness.findings.append(
                .warns("sequence \(sequence.name) has no room for a margin: it goes on at \(sequence.next)"))
        }
        return readiness
    }

    // MARK: Rows

    private func readStream(_ readiness: inout SwitchReadiness) async throws {
        let streams = site.streams(record, record.isSwitched ? .back : .out)
        let lag = try await streams.now()
        readiness.lagBytes = lag.bytes
        if !lag.isConnected {
            readiness.findings.append(
                .blocks(
                    "nobody reads the stream to database \(site.toName)",
                    next: "see whether its server runs and reaches the other one; its log says why"))
        } else if lag.bytes > Self.lagLimit {
            readiness.findings.append(
                .blocks(
                    "database \(site.toName) is \(lag.bytes >> 20) MB of WAL behind",
                    next: "wait until it has caught up: strata split status"))
        }
        // Those that are named already are on one side only.
        let keys = try await readKeys(&readiness)
        let missing = try await DefinitionComparison(schema: record.schema, source: site.from, target: site.to)
            .missing(without: [])
        for name in missing.prefix(5) where !name.hasPrefix("constraint ") || !keys.contains(where: name.contains) {
            readiness.findings.append(
                .blocks(
                    "database \(site.toName) lacks \(name)",
                    next: "make there what is missing, or take the split back and begin it again"))
        }
        try await readRights(&readiness)
    }

    /// The way back does not wait for them: it may have to be quick.
    private func readRights(_ readiness: inout SwitchReadiness) async throws {
        let rights = try await DefinitionRights(schema: record.schema).compare(site.from, site.to)
        func finds(_ message: String, _ next: String) {
            readiness.findings.append(
                SwitchReadiness.Finding(message: message, nextStep: next, isBlocking: !record.isSwitched))
        }
        for right in rights.lacking.prefix(5) {
            finds("database \(site.toName) lacks \(right.text)", "there: \(right.grant)")
        }
        for right in rights.surplus.prefix(5) {
            finds("database \(site.toName) still has \(right.text)", "there: \(right.revoke)")
        }
        let more = max(0, rights.lacking.count - 5) + max(0, rights.surplus.count - 5)
        if more > 0 { finds("and \(counted(more, "right")) more that differ", "the same way") }
    }

    /// Foreign keys with one end in the schema: nothing would keep them any more.
    private func readKeys(_ readiness: inout SwitchReadiness) async throws -> [String] {
        let keys = try await site.from.query(
            """
            SELECT k.conname, c.oid::regclass::text AS child, r.oid::regclass::text AS parent
              FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class r ON r.oid = k.confrelid
             WHERE k.contype = 'f' AND k.conparentid = 0 AND c.relnamespace <> r.relnamespace
               AND to_regnamespace(quote_ident($1))::oid IN (c.relnamespace, r.relnamespace) ORDER BY 2, 1
            """, [.text(record.schema)])
        for key in keys {
            readiness.findings.append(
                .blocks(
                    "foreign key \(try key.string("conname")) leads from \(try key.string("child")) to \(try key.string("parent")), across the cut",
                    next: "strata split keys replace \(record.schema)"))
        }
        return try keys.map { try $0.string("conname") }
    }

    private func readComparison(_ readiness: inout SwitchReadiness) async throws {
        let row = try await site.home.query(
            """
            SELECT count(*) FILTER (WHERE d.found IS NOT NULL) AS compared, count(*) AS tables,
                   count(*) FILTER (WHERE d.found->>'outcome' <> 'equal') AS unequal,
                   coalesce(extract(epoch FROM clock_timestamp() - min(d.finished_at)), 0)::bigint AS age
              FROM strata.split_tables t LEFT JOIN strata.split_diffs d ON d.split = t.split AND d.relation = t.relation
             WHERE t.split = $1
            """, [.int(record.id)]
        ).only()
        // The way back must not wait for hours: its stream has begun where the switch was made.
        if record.isSwitched {
            if try row.int("unequal") > 0 {
                readiness.findings.append(
                    .blocks(
                        "the last comparison found \(try row.int("unequal")) tables that are not the same",
                        next: "mend them, then strata split diff \(record.schema)"))
            }
            return
        }
        let compare = "strata split diff \(record.schema)"
        let (compared, tables) = (try row.int("compared"), try row.int("tables"))
        guard compared == tables else {
            readiness.findings.append(
                .blocks("\(tables - compared) of \(tables) tables have not been compared", next: compare))
            return
        }
        let age = try row.int("age")
        readiness.comparedMinutesAgo = age / 60
        if try row.int("unequal") > 0 {
            readiness.findings.append(
                .blocks(
                    "the last comparison found \(try row.int("unequal")) tables that were not the same", next: compare))
        } else if Duration.seconds(age) > options.comparisonAge {
            readiness.findings.append(
                .blocks(
                    "the last comparison is \(age / 3600) hours old; it must be younger than \(options.comparisonAge.milliseconds / 3_600_000)",
                    next: compare))
        }
    }

    // MARK: Who uses it

    private func readFollowers(_ readiness: inout SwitchReadiness) async throws {
        for follower in readiness.followers {
            if let problem = follower.problem {
                readiness.findings.append(
                    .blocks("\(follower.kind) \(follower.name): \(problem)", next: "mend that, or stop it"))
            }
        }
        if readiness.followers.isEmpty {
            readiness.findings.append(
                SwitchReadiness.Finding(
                    message:
                        "no proxy of this layout is connected: nobody would hold statements back and lead them there",
                    nextStep:
                        "serve the application through strata proxy, or: --without-proxies, if nobody uses the schema now",
                    isBlocking: !options.withoutProxies))
        }
        // A proxy with an older layout watches the catalog and does not follow.
        let deaf = try await site.home.query(
            """
            SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = 'strata proxy' AND datname = current_database()
            """
        ).only().int("n")
        let proxies = readiness.followers.count { $0.kind == "proxy" }
        if deaf > proxies {
            readiness.findings.append(
                .blocks(
                    "\(deaf - proxies) of \(deaf) proxies do not follow the routes",
                    next: "start them anew with the layout that places schema \(record.schema) on another database"))
        }
    }

    private func readSessions(_ readiness: inout SwitchReadiness) async throws {
        for row in try await site.from.query(
            """
            SELECT a.pid, coalesce(nullif(a.application_name, ''), 'unnamed') AS application, coalesce(a.state, 'unknown') AS state,
                   extract(epoch FROM clock_timestamp() - a.xact_start)::bigint AS age
              FROM pg_stat_activity a
             WHERE a.xact_start < clock_timestamp() - interval '\(options.longTransaction.milliseconds) milliseconds' AND a.pid <> pg_backend_pid()
               AND a.backend_type = 'client backend' AND EXISTS (\(Self.locks("l.pid = a.pid")))
             ORDER BY a.xact_start LIMIT 10
            """, [.text(record.schema)])
        {
            let who =
                "pid \(try row.int("pid")) (\(try row.string("application")), \(try row.string("state"))) has had the schema's tables in a transaction for \(try row.int("age")) s"
            readiness.findings.append(
                options.endsTransactions
                    ? .warns("\(who): it will be ended where it is in the way")
                    : .blocks(who, next: "wait for it, end it, or switch with --end-transactions"))
        }
        for row in try await site.from.query(
            """
            SELECT p.gid, extract(epoch FROM clock_timestamp() - p.prepared)::bigint AS age FROM pg_prepared_xacts p
             WHERE p.database = current_database() AND EXISTS (\(Self.locks(Self.isPrepared)))
             ORDER BY p.prepared LIMIT 10
            """, [.text(record.schema)])
        {
            readiness.findings.append(
                .blocks(
                    "prepared transaction \(try row.string("gid")) has locks on the schema's tables for \(try row.int("age")) s",
                    next: "COMMIT PREPARED or ROLLBACK PREPARED it"))
        }
    }

    /// Prepared transactions that keep writes from ending.
    static func prepared(_ schema: String, _ connection: Connection) async throws -> [String] {
        try await connection.query(
            """
            SELECT p.gid FROM pg_prepared_xacts p
             WHERE p.database = current_database()
               AND EXISTS (\(locks(isPrepared)) AND l.mode NOT IN ('AccessShareLock', 'RowShareLock'))
             ORDER BY p.prepared LIMIT 10
            """, [.text(schema)]
        ).map { try $0.string("gid") }
    }

    /// A lock is that of prepared transaction `p`: it has no process, and the number of the session's transaction that it was
    /// (`-1` and its own only after a restart of the server), as its lock on its own number has.
    private static let isPrepared = """
        l.pid IS NULL AND l.virtualtransaction IN (
            SELECT x.virtualtransaction FROM pg_locks x
             WHERE x.locktype = 'transactionid' AND x.transactionid = p.transaction AND x.granted AND x.pid IS NULL)
        """

    /// Locks on tables of the schema in `$1`, also those that only read.
    static func locks(_ condition: String) -> String {
        """
        SELECT FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = $1 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND l.granted AND \(condition)
        """
    }
}
