import Foundation
package import Planning
package import PostgresDriver

/// What a split tells those who watch it.
package enum SplitEvent: Sendable, Equatable {
    case began(SplitRecord, resumed: Bool)
    case stage(String)
    case copying(CopyProgress)
    case lag(bytes: Int)
    case note(String)
}

/// How a split works.
package struct SplitOptions: Sendable {
    /// Connections that copy at once, 1 to 16.
    package var jobs = 4
    /// Pages of 8 kB in the smallest range: 128 MiB.
    package var rangePages: Int64 = 16_384
    package var environment: [String: String] = ProcessInfo.processInfo.environment
    /// What becomes of DDL on the schema once the copy is followed.
    package var definitions = SchemaLayout.Definitions.refuse

    package init() {}
}

/// Copies a schema to another database and keeps the copy up to date, from one stage to the next. Each stage can be begun
/// again: whoever calls after a crash goes on where the record says.
package struct SplitMove: Sendable {
    let report: SplitReport
    let mainDatabase: String
    let source: ConnectionSettings
    let target: ConnectionSettings
    let options: SplitOptions
    let listener: @Sendable (SplitEvent) -> Void

    /// - Parameters:
    ///   - report: of the catalog as it is now; with what the servers lack.
    ///   - mainDatabase: as the layout names the source.
    ///   - source: where the schema is, `target` where it goes.
    package init(
        _ report: SplitReport, mainDatabase: String, source: ConnectionSettings, target: ConnectionSettings,
        options: SplitOptions = SplitOptions(), listener: @escaping @Sendable (SplitEvent) -> Void = { _ in }
    ) {
        self.report = report
        self.mainDatabase = mainDatabase
        self.source = source
        self.target = target
        self.options = options
        self.listener = listener
    }

    /// - Returns: the record, `following`.
    /// - Throws: `EngineFailure`, `PostgresError`; what was done stays, and the next call goes on.
    @discardableResult
    package func run(identity: ActorIdentity = .current) async throws -> SplitRecord {
        try await SplitSite.exclusively(source, target) { site in try await run(site, identity) }
    }

    private func run(_ site: SplitSite, _ identity: ActorIdentity) async throws -> SplitRecord {
        let ledger = SplitLedger(site.source)
        try await ledger.prepare()
        var record = try await record(site, ledger, identity)
        do {
            while true {
                switch record.state {
                case .preparing: try await prepare(record, site, ledger)
                case .copying: try await copy(record, site, ledger)
                case .building: try await build(record, site, ledger)
                case .following, .switching: return record
                case .switched, .reversing, .completing, .completed: throw Self.hasLeft(record)
                case .cancelling, .cancelled: throw Self.beingCancelled(record)
                }
                record = try await reread(record, ledger)
            }
        } catch {
            await ledger.note(Self.summary(error), of: record.id)
            throw Self.resumable(error)
        }
    }

    private func record(
        _ site: SplitSite, _ ledger: SplitLedger, _ identity: ActorIdentity
    ) async throws -> SplitRecord {
        let address = try await TargetSite.identity(of: site.target)
        if let known = try await ledger.open(report.schema) {
            guard known.target == address else {
                throw EngineFailure(
                    .failed,
                    Diagnostic(
                        .error, "other-target",
                        "split \(known.id) takes schema \(known.schema) to another database than the layout's \(report.database) leads to now",
                        nextStep: "let the layout lead there again, or: strata split cancel \(known.schema)"))
            }
            guard !known.isSwitched else { throw Self.hasLeft(known) }
            listener(.began(known, resumed: true))
            return known
        }
        try refuseObstacles()
        let triggers = try await SourceTable.obstacles(in: report.schema, site.source)
        if !triggers.isEmpty { throw DiagnosticsError(triggers) }
        var made = try await ledger.create(
            report.schema, database: report.database, target: address, identity: identity)
        if options.definitions == .carry {
            try await ledger.setCarries(true, of: made.id)
            made.carries = true
        }
        listener(.began(made, resumed: false))
        return made
    }

    private func refuseObstacles() throws {
        let crossings = report.crossings.filter(\.isBlocking).map { crossing in
            Diagnostic(
                .error, "crosses-the-cut", "\(crossing.object): \(crossing.message)", nextStep: crossing.nextStep)
        }
        let lacks = (report.requirements ?? []).filter(\.isBlocking).map { lack in
            Diagnostic(.error, "not-ready", "database \(lack.database): \(lack.message)", nextStep: lack.nextStep)
        }
        if !(crossings + lacks).isEmpty { throw DiagnosticsError(crossings + lacks) }
    }

    private func reread(_ record: SplitRecord, _ ledger: SplitLedger) async throws -> SplitRecord {
        guard let now = try await ledger.open(record.schema), now.id == record.id else {
            throw Self.beingCancelled(record)
        }
        return now
    }

    // MARK: Stages

    private func prepare(_ record: SplitRecord, _ site: SplitSite, _ ledger: SplitLedger) async throws {
        listener(.stage("definitions"))
        let place = TargetSite(record: record, source: site.source, target: site.target)
        let mark = try await place.mark()
        let definitions = DefinitionGuard(site.source)
        try await definitions.prepare { listener(.note($0)) }
        let words = DefinitionGuard.words(of: record, main: mainDatabase).home
        try await definitions.set(record.schema, .refuse, reason: words.0, hint: words.1)
        if record.carries {
            for side in [site.source, site.target] { try await CarriedDefinitions(record).make(side) }
        }
        // Here they refuse nothing before the switch, which then has no definitions to change.
        let guardian = WriteGuard(record.schema, site.source)
        try await guardian.prepare()
        try await guardian.install(enabled: false)
        if try await !place.isMade() {
            // What an attempt before has left.
            try await place.clearSchema()
            var made = record.made
            func needed(_ kind: SplitReport.Need.Kind) -> [String] {
                report.needs.filter { $0.kind == kind }.map(\.name)
            }
            try await place.roles(needed(.role), ledger: ledger, made: &made)
            try await CopyMaking.giveRights(in: record.target, from: site.source, to: site.target)
            try await place.extensions(needed(.extension), ledger: ledger, made: &made)
            try await place.types(needed(.type), ledger: ledger, made: &made)
            try await place.functions(needed(.function), ledger: ledger, made: &made)
            try await withDump(site) { dump in
                let order = try await order(dump, site, hasSchema: mark.hadSchema)
                try await dump.restore(order.first, to: target)
            }
            try await place.settings(ledger: ledger, made: &made)
            try await WriteGuard(record.schema, site.target).install()
            try await place.noteMade()
        }
        try await ledger.add(try await SourceTable.all(in: record.schema, site.source), to: record.id)
        try await ledger.setState(.copying, of: record.id)
    }

    private func copy(_ record: SplitRecord, _ site: SplitSite, _ ledger: SplitLedger) async throws {
        let streams = SplitStreams(record: record, source: site.source, target: site.target)
        for generation in record.generations {
            let whole = record.tables.filter { $0.generation == generation && $0.isCopied }
            try await streams.restrict(generation, to: whole.map(\.name))
            if whole.isEmpty { try await ledger.removeStream(generation, of: record.id) }
        }
        let copied = Set(record.tables.filter(\.isCopied).map(\.relation))
        let tables = try await SourceTable.all(in: record.schema, site.source)
        guard Set(tables.map(\.oid)) == Set(record.tables.map(\.relation)) else { throw changed(record) }
        let rest = tables.filter { !copied.contains($0.oid) }
        if !rest.isEmpty { try await copy(rest, record, streams, site, ledger) }
        try await ledger.setState(.building, of: record.id)
    }

    private func copy(
        _ tables: [SourceTable], _ record: SplitRecord, _ streams: SplitStreams, _ site: SplitSite,
        _ ledger: SplitLedger
    ) async throws {
        listener(.stage("rows"))
        let place = TargetSite(record: record, source: site.source, target: site.target)
        try await place.empty(tables.map(\.name))
        let generation = try await ledger.addStream(to: record.id)
        let name = record.streamName(generation)
        // Along with the first rows, or not at all.
        let carried = record.carries && generation == 1 ? [CarriedDefinitions(record).table] : []
        try await streams.publish(tables.map(\.name) + carried, generation: generation)
        let slot = try await ReplicationSlot.create(name, source)
        do {
            try await ledger.begun(tables.map(\.oid), generation: generation, lsn: slot.lsn, of: record.id)
            let copy = TableCopy(
                source: source, target: target, snapshot: slot.snapshot, tables: tables,
                width: options.jobs, seeksPages: site.source.serverVersion >= 140_000,
                rangePages: options.rangePages, progress: { listener(.copying($0)) },
                finished: { table, rows, bytes in
                    try await ledger.copied(table.oid, rows: rows, bytes: bytes, of: record.id)
                })
            try await copy.run()
        } catch {
            await slot.close()
            throw error
        }
        await slot.close()
    }

    private func build(_ record: SplitRecord, _ site: SplitSite, _ ledger: SplitLedger) async throws {
        let streams = SplitStreams(record: record, source: site.source, target: site.target)
        try await withDump(site) { dump in
            let order = try await order(dump, site, hasSchema: true)
            listener(.stage("indexes"))
            var complaints = try await dump.restoreEach(order.afterCopy, to: target, jobs: options.jobs)
            listener(.stage("stream"))
            for generation in record.generations { try await streams.subscribe(generation) }
            try await streams.catchUp { listener(.lag(bytes: $0.bytes)) }
            // Several streams may be at different places for a moment: a key that fails is tried again.
            for attempt in 0..<6 {
                let wanting = try await comparison(record, site)
                if wanting.isEmpty { break }
                guard attempt < 5 else { throw incomplete(record, wanting, complaints) }
                complaints += try await dump.restoreEach(order.foreignKeys, to: target, jobs: 1)
                try await streams.catchUp { listener(.lag(bytes: $0.bytes)) }
            }
        }
        try await OldNames(source: site.source, target: site.target, database: record.database)
            .carry(schema: record.schema)
        try await site.target.execute("ANALYZE")
        try await RouteStore(site.source).announce(
            record.schema, at: mainDatabase, destination: record.database)
        try await ledger.setState(.following, of: record.id)
        try await carry(record, site, ledger)
    }

    /// From now on, if it is declared and can be done.
    private func carry(_ record: SplitRecord, _ site: SplitSite, _ ledger: SplitLedger) async throws {
        let record = try await reread(record, ledger)
        guard record.carries else { return }
        let isCarried = try await DefinitionGuard(site.source).follow(record, at: site.source, main: mainDatabase)
        if !isCarried {
            listener(
                .note(
                    "DDL on schema \(record.schema) is refused and not carried: the copy was cut off and has several streams, or this role may not create event triggers"
                ))
        }
    }

    private func comparison(_ record: SplitRecord, _ site: SplitSite) async throws -> [String] {
        return try await DefinitionComparison(schema: record.schema, source: site.source, target: site.target)
            .missing(without: crossingKeys)
    }

    // MARK: The dump

    private func withDump<T>(_ site: SplitSite, _ body: (SchemaDump) async throws -> T) async throws -> T {
        let dump = try await SchemaDump.take(
            of: report.schema, source, version: site.source.serverVersion, environment: options.environment)
        do {
            let value = try await body(dump)
            dump.remove()
            return value
        } catch {
            dump.remove()
            throw error
        }
    }

    private func order(_ dump: SchemaDump, _ site: SplitSite, hasSchema: Bool) async throws -> DumpOrder {
        let identities = try await site.source.query(
            """
            SELECT i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
              JOIN pg_namespace n ON n.oid = i.relnamespace WHERE n.nspname = $1 AND x.indisreplident
            """, [.text(report.schema)]
        ).map { try $0.string("relname") }
        return DumpOrder(
            before: try await dump.list("pre-data"), after: try await dump.list("post-data"),
            identities: Set(identities), hasSchema: hasSchema, crossing: crossingKeys)
    }

    /// `table key`, of the foreign keys that lead out of the schema.
    private var crossingKeys: Set<String> {
        Set(report.crossings.compactMap(\.key).map { "\($0.table) \($0.name)" })
    }

    // MARK: Failures

    private func changed(_ record: SplitRecord) -> EngineFailure {
        EngineFailure(
            .failed,
            Diagnostic(
                .error, "schema-changed", "schema \(record.schema) has other tables than when split \(record.id) began",
                nextStep: "strata split cancel \(record.schema), then begin again"))
    }

    private func incomplete(_ record: SplitRecord, _ wanting: [String], _ complaints: String) -> EngineFailure {
        let list = wanting.prefix(5).joined(separator: "\n  ")
        let said = complaints.isEmpty ? "" : "\npg_restore says: \(SchemaDump.shortened(complaints))"
        return EngineFailure(
            .resumable,
            Diagnostic(
                .error, "incomplete-schema",
                "database \(record.database) lacks \(counted(wanting.count, "definition")) of \(record.schema):\n  \(list)\(said)",
                nextStep: "make there what they need, then call strata split \(record.schema) again"))
    }

    private static func hasLeft(_ record: SplitRecord) -> EngineFailure {
        EngineFailure(
            .failed,
            Diagnostic(
                .error, "is-there", "schema \(record.schema) lives on database \(record.database) already",
                nextStep:
                    "strata reverse \(record.schema) brings it back; strata complete \(record.schema) ends the split"))
    }

    private static func beingCancelled(_ record: SplitRecord) -> EngineFailure {
        EngineFailure(
            .failed,
            Diagnostic(
                .error, "split-cancelled", "split \(record.id) of schema \(record.schema) is being cancelled",
                nextStep: "strata split cancel \(record.schema) ends it"))
    }

    static func summary(_ error: any Error) -> String {
        switch error {
        case let failure as EngineFailure: failure.diagnostics.map(\.message).joined(separator: "; ")
        case let error as DiagnosticsError: error.diagnostics.map(\.message).joined(separator: "; ")
        case let error as PostgresError: error.message
        case is CancellationError: "interrupted"
        default: "\(error)"
        }
    }

    /// What the record has begun goes on with the next call.
    private static func resumable(_ error: any Error) -> any Error {
        let again = "call strata split again: it goes on where it was, or: strata split cancel"
        switch error {
        case let error as PostgresError:
            return EngineFailure(
                .resumable,
                Diagnostic(.error, "split-stopped", "the split stopped: \(error.message)", nextStep: again))
        case is CancellationError:
            return EngineFailure(
                .resumable, Diagnostic(.error, "split-stopped", "the split was interrupted", nextStep: again))
        case let failure as EngineFailure where failure.kind == .failed:
            return EngineFailure(kind: .resumable, diagnostics: failure.diagnostics)
        default: return error
        }
    }
}

/// Both ends, connected.
struct SplitSite: Sendable {
    let source: Connection
    let target: Connection

    /// Our own statements pass our own guards, and what they commit is on disk before we go on. Settings of a role or a
    /// database are for applications.
    private static let settings = """
        SET strata.split = 'on'; SET client_min_messages = warning; SET synchronous_commit = on; SET statement_timeout = 0;
        SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET default_transaction_read_only = off;
        SET default_transaction_isolation = 'read committed'
        """

    /// The same, while no other run is at work in the source.
    static func exclusively<T: Sendable>(
        _ source: ConnectionSettings, _ target: ConnectionSettings, _ body: (SplitSite) async throws -> T
    ) async throws -> T {
        try await with(source, target) { site in
            // Who calls again after a crash finds the lock free, also where a slot waited for somebody's transaction.
            if site.source.serverVersion >= 140_000 {
                try await site.source.execute("SET client_connection_check_interval = '500ms'")
            }
            let lock = RunLock(site.source)
            try await lock.take()
            do {
                let value = try await body(site)
                await lock.release()
                return value
            } catch {
                await lock.release()
                throw error
            }
        }
    }

    static func with<T: Sendable>(
        _ source: ConnectionSettings, _ target: ConnectionSettings, _ body: (SplitSite) async throws -> T
    ) async throws -> T {
        let first = try await Connection.open(source.settings(["application_name": "strata split"]))
        let second: Connection
        do {
            second = try await Connection.open(target.settings(["application_name": "strata split"]))
        } catch {
            await first.close()
            throw error
        }
        let site = SplitSite(source: first, target: second)
        do {
            for connection in [first, second] { try await connection.execute(settings) }
            let value = try await body(site)
            await first.close()
            await second.close()
            return value
        } catch {
            await first.close()
            await second.close()
            throw error
        }
    }
}
