package import Planning
package import PostgresDriver

/// What a switch tells those who watch it.
package enum SwitchEvent: Sendable, Equatable {
    case phase(String)
    case note(String)
}

/// A switch that was made.
package struct SwitchReport: Sendable, Equatable, Codable {
    package struct Phase: Sendable, Equatable, Codable {
        package var name: String
        package var milliseconds: Int
    }

    package var schema: String
    package var from: String
    package var to: String
    /// The number of the decision, which every proxy follows.
    package var epoch: Int
    /// From the moment when statements began to wait to the decision.
    package var heldMilliseconds: Int
    package var phases: [Phase]
    package var sequences: [SequencePlan]
    package var followers: [RouteFollower]
    /// Followers that had not said by the end that they follow the new epoch.
    package var late: [String]
    /// An earlier call had made it.
    package var wasMade: Bool
}

/// `strata switch` and `strata reverse`: a followed schema goes to the other database, while the application goes on.
///
/// Statements that touch the schema wait; writes at the old place are refused; what runs there ends; then, and not before,
/// the position in the WAL is taken and waited for. One statement on the main database decides. Before it, everything is
/// as it was, and becomes so again by itself when the time is over; after it, the rest is only tidied up. Killed at any
/// point, the next call undoes or finishes it (``SwitchSettlement``).
package struct SchemaSwitch: Sendable {
    let schema: String
    let direction: SplitRecord.Direction
    let mainDatabase: String
    let source: ConnectionSettings
    let target: ConnectionSettings
    let options: SwitchOptions
    let listener: @Sendable (SwitchEvent) -> Void

    /// The decision is made only if so much of the hold is left: whoever waits goes on when it is over.
    private static let reserve = Duration.milliseconds(250)
    /// For proxies to say that they follow, and for a stream to begin.
    private static let follow = Duration.seconds(10)
    /// A follower that has lost its session is back after a second; one that stays away for so long has ended.
    private static let absence = Duration.seconds(2)

    /// - Parameters:
    ///   - direction: `out` for a switch, `back` for a reverse.
    ///   - mainDatabase: as the layout names the database of `source`.
    package init(
        _ schema: String, direction: SplitRecord.Direction, mainDatabase: String, source: ConnectionSettings,
        target: ConnectionSettings, options: SwitchOptions = SwitchOptions(),
        listener: @escaping @Sendable (SwitchEvent) -> Void = { _ in }
    ) {
        self.schema = schema
        self.direction = direction
        self.mainDatabase = mainDatabase
        self.source = source
        self.target = target
        self.options = options
        self.listener = listener
    }

    // MARK: Calls

    /// What the switch would find; nothing is changed.
    package func readiness() async throws -> SwitchReadiness {
        try await SplitSite.with(source, target) { site in
            let record = try await record(site)
            var readiness = try await reader(record, site).read()
            if record.state == .switching || record.state == .reversing {
                readiness.findings.append(
                    .warns("a switch was cut off before its decision: the next one undoes it, and begins anew"))
            }
            return readiness
        }
    }

    /// - Throws: `EngineFailure`: `failed` where it was refused or given up, and everything is as before; `resumable` where
    ///   the next call has to undo or to finish it.
    package func run() async throws -> SwitchReport {
        try await SplitSite.exclusively(source, target) { site in try await run(site) }
    }

    private func run(_ site: SplitSite) async throws -> SwitchReport {
        let known = try await record(site)
        try await SplitLedger(site.source).prepare()
        let settlement = SwitchSettlement(site: site, mainName: mainDatabase)
        let record = try await settlement.settle(known)
        if record.isSwitched == (direction == .out) { return try await wasMade(record, site) }
        try await waitForStream(record, SwitchSite(site, record, mainName: mainDatabase))
        let readiness = try await reader(record, site).read()
        let blocks = readiness.findings.filter(\.isBlocking)
        guard blocks.isEmpty else {
            throw EngineFailure(
                kind: .failed,
                diagnostics: blocks.map { Diagnostic(.error, "not-ready", $0.message, nextStep: $0.nextStep) })
        }
        return try await attempt(record, site, readiness.followers)
    }

    private func record(_ site: SplitSite) async throws -> SplitRecord {
        let ledger = SplitLedger(site.source)
        let record = try await ledger.open(schema)
        guard let record, record.isSwitched || [.following, .switching].contains(record.state),
            record.state != .completing
        else {
            throw EngineFailure(
                .failed,
                Diagnostic(
                    .error, "nothing-to-switch",
                    record.map { "the split of schema \(schema) is \($0.state.rawValue)" }
                        ?? "no split of schema \(schema) is under way",
                    nextStep: "strata split \(schema) makes the copy; strata split status shows how far it is"))
        }
        guard record.target == (try await TargetSite.identity(of: site.target)) else {
            throw EngineFailure(
                .failed,
                Diagnostic(
                    .error, "other-target",
                    "split \(record.id) takes schema \(schema) to another database than the layout's \(record.database) leads to now",
                    nextStep: "let the layout lead there again"))
        }
        return record
    }

    private func reader(_ record: SplitRecord, _ site: SplitSite) -> SwitchReader {
        SwitchReader(
            record: record, site: SwitchSite(site, record, mainName: mainDatabase), options: options)
    }

    private func wasMade(_ record: SplitRecord, _ site: SplitSite) async throws -> SwitchReport {
        let place = SwitchSite(site, record, mainName: mainDatabase)
        let store = RouteStore(site.source)
        let epoch = try await store.routes().first { $0.schema == schema }?.epoch ?? 0
        let followers = try await store.followers()
        return SwitchReport(
            schema: schema, from: place.toName, to: place.fromName, epoch: epoch, heldMilliseconds: 0, phases: [],
            sequences: [], followers: followers, late: followers.filter { $0.epoch < epoch }.map(\.name),
            wasMade: true)
    }

    /// One that was enabled a moment ago takes some seconds to begin.
    private func waitForStream(_ record: SplitRecord, _ place: SwitchSite) async throws {
        let end = ContinuousClock.now + Self.follow
        let streams = place.streams(record, place.forward)
        while ContinuousClock.now < end {
            let lag = try await streams.now()
            if lag.isConnected, lag.bytes < SwitchReader.lagLimit { return }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    // MARK: The attempt

    private func attempt(
        _ record: SplitRecord, _ site: SplitSite, _ known: [RouteFollower]
    ) async throws -> SwitchReport {
        let place = SwitchSite(site, record, mainName: mainDatabase)
        let ledger = SplitLedger(site.source)
        var began = record
        do {
            began = try await prepare(record, place, ledger, known)
        } catch {
            try await undo(began)
            throw error
        }
        let clock = SwitchClock(listener)
        let decided: Decided
        do {
            decided = try await withTimeLimit(options.budget) { [began] in
                try await decide(began, place, clock)
            }
        } catch {
            try await giveUp(began, clock, error)
            throw error
        }
        clock.end()
        let held = clock.passed
        listener(.phase("tidy"))
        let late = try await finish(record, site, decided.epoch)
        return SwitchReport(
            schema: schema, from: place.fromName, to: place.toName, epoch: decided.epoch,
            heldMilliseconds: Int(held.milliseconds), phases: clock.phases, sequences: decided.sequences,
            followers: try await RouteStore(site.source).followers(), late: late, wasMade: false)
    }

    private struct Decided: Sendable {
        var epoch: Int
        var sequences: [SequencePlan]
    }

    /// All that nobody has to wait for: guards that do not refuse yet, loose keys at the new place, and the stream of the
    /// way back, which is not in force yet.
    private func prepare(
        _ record: SplitRecord, _ place: SwitchSite, _ ledger: SplitLedger, _ known: [RouteFollower]
    ) async throws -> SplitRecord {
        listener(.phase("prepare"))
        try await WriteGuard(schema, place.from).install(enabled: false)
        _ = try await LooseKeyInstaller(place.to).carry(schema: schema, from: place.from)
        if !place.isSwitched {
            try await OldNames(source: place.home, target: place.target, database: place.targetName)
                .carry(schema: schema)
        }
        try await refreshViews(place)
        try await ledger.setState(direction == .out ? .switching : .reversing, of: record.id)
        // What was carried before is in the stream that is waited for; the stream of the way back has none of it.
        let words = DefinitionGuard.words(of: record, main: mainDatabase).home
        try await DefinitionGuard(place.from).set(schema, .refuse, reason: words.0, hint: words.1)
        let generation = try await ledger.addStream(to: record.id, place.forward.other)
        guard let began = try await ledger.open(schema) else { return record }
        let opposite = place.streams(began, place.forward.other)
        let carried = CarriedDefinitions(record)
        let isHere = try await carried.isPresent(place.from)
        let isThere = try await carried.isPresent(place.to)
        let isCarried = record.carries && isHere && isThere
        try await opposite.publish(
            try await SourceTable.all(in: schema, place.to).map(\.name) + (isCarried ? [carried.table] : []),
            generation: generation)
        do {
            try await withTimeLimit(options.preparation) { try await opposite.addSlot(generation) }
        } catch is TimeLimitPassed {
            throw EngineFailure(
                .failed,
                Diagnostic(
                    .error, "no-slot",
                    "database \(place.toName) could not make a replication slot within \(options.preparation.seconds) s: it waits for transactions that run there",
                    nextStep: "end long transactions there, then the same command"))
        }
        try await opposite.subscribe(generation, enabled: false)
        try await opposite.skip()
        try await withTimeLimit(options.preparation) {
            try await place.streams(began, place.forward).catchUp { _ in }
        }
        try await waitForReaders(place, known)
        return began
    }

    /// Proxies lead statements by what they know of both databases: they read anew what has just been made there.
    /// - Parameter known: who followed when it was looked whether all is ready.
    private func waitForReaders(_ place: SwitchSite, _ known: [RouteFollower]) async throws {
        let store = RouteStore(place.home)
        let number = try await store.announceDefinitions(of: schema)
        let end = ContinuousClock.now + options.preparation
        var absences = Absences(known)
        while true {
            let followers = try await store.followers()
            if absences.find(followers, patience: Self.absence) != nil {
                try await Task.sleep(for: .milliseconds(20))
                continue
            }
            let late = followers.filter { $0.kind == "proxy" && $0.definitions < number }
            guard let first = late.first else { return }
            guard ContinuousClock.now < end else {
                throw EngineFailure(
                    .failed,
                    Diagnostic(
                        .error, "definitions-not-read",
                        "proxy \(first.name) has not read the definitions of both databases within \(options.preparation.seconds) s",
                        nextStep: "its log says why; mend that or stop it, then the same command"))
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Materialised views are not replicated: those that hold rows are filled anew, as of shortly before the switch.
    private func refreshViews(_ place: SwitchSite) async throws {
        for row in try await place.from.query(
            """
            SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name FROM pg_class c
              JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = $1 AND c.relkind = 'm' AND c.relispopulated ORDER BY c.oid
            """, [.text(schema)])
        {
            try await place.to.execute("REFRESH MATERIALIZED VIEW \(try row.string("name"))")
        }
    }

    /// Within the budget: every step can be taken back until the last, which cannot be half done.
    private func decide(_ record: SplitRecord, _ place: SwitchSite, _ clock: SwitchClock) async throws -> Decided {
        let store = RouteStore(place.home)
        let known = try await store.followers()
        clock.begin("hold")
        let hold = try await store.hold(schema, for: options.budget)
        try await waitForFollowers(hold, known, place, clock)

        clock.begin("guard")
        let old = WriteGuard(schema, place.from)
        // In the main database to the very moment when the hold is over; elsewhere it is sealed before the decision.
        let until =
            place.isSwitched
            ? "clock_timestamp() + interval '\(options.budget.milliseconds) milliseconds'"
            : RouteStore.holdEnd(schema)
        try await old.close(until: until) {
            try await lookAtHolders(place, clock)
        }

        clock.begin("stream")
        try await place.streams(record, place.forward).catchUp { lag in
            clock.waits(for: "database \(place.toName) to apply \(lag.bytes) bytes of WAL")
        }

        clock.begin("hand over")
        let sequences = try await SequencePlan.read(schema: schema, place.from, margin: options.sequenceMargin)
        try await SequencePlan.set(sequences, place.to)
        try await place.streams(record, place.forward.other).skip()
        try await WriteGuard(schema, place.to).open()
        if place.isSwitched, try await !old.sealIfClosed() { throw TimeLimitPassed(limit: options.budget) }

        clock.begin("decide")
        let epoch = try await store.flip(
            record, to: place.toName, from: place.fromName, hold: hold,
            state: place.isSwitched ? .following : .switched, reserve: Self.reserve)
        guard let epoch else { throw TimeLimitPassed(limit: options.budget) }
        return Decided(epoch: epoch, sequences: sequences)
    }

    private func waitForFollowers(
        _ hold: Int, _ known: [RouteFollower], _ place: SwitchSite, _ clock: SwitchClock
    ) async throws {
        var absences = Absences(known)
        while true {
            let followers = try await RouteStore(place.home).followers()
            if let absent = absences.find(followers, patience: Self.absence) {
                clock.waits(for: "\(absent.kind) \(absent.name), whose session is gone")
                try await Task.sleep(for: .milliseconds(5))
                continue
            }
            let waiting = followers.filter { $0.hold != hold || $0.busy > 0 }
            guard let first = waiting.first else { return }
            clock.waits(
                for: first.hold == hold
                    ? "\(counted(first.busy, "client")) of \(first.kind) \(first.name) to end what they do with the schema"
                    : "\(first.kind) \(first.name) to hold statements back")
            try await lookAtHolders(place, clock, says: false)
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Followers whose session is not there for the moment. They would not hold statements back, and lead them to the old place
    /// until they are back.
    private struct Absences {
        private let known: [RouteFollower]
        private var since: [String: ContinuousClock.Instant] = [:]

        init(_ known: [RouteFollower]) { self.known = known }

        /// - Returns: one that is away, and has not been so for long.
        mutating func find(_ followers: [RouteFollower], patience: Duration) -> RouteFollower? {
            let present = Set(followers.map(\.id))
            let now = ContinuousClock.now
            for follower in known {
                guard !present.contains(follower.id) else {
                    since[follower.id] = nil
                    continue
                }
                let began = since[follower.id] ?? now
                since[follower.id] = began
                if now - began < patience { return follower }
            }
            return nil
        }
    }

    /// Whose transactions have the schema's tables; where that is declared they are ended once half of the time is over.
    private func lookAtHolders(_ place: SwitchSite, _ clock: SwitchClock, says: Bool = true) async throws {
        let ends = options.endsTransactions && clock.passed > options.budget / 2
        guard ends || says else { return }
        let holders = try await place.from.query(
            """
            SELECT a.pid, coalesce(nullif(a.application_name, ''), 'unnamed') AS application, coalesce(a.state, '') AS state
                   \(ends ? ", pg_terminate_backend(a.pid) AS ended" : "")
              FROM pg_stat_activity a
             WHERE a.pid <> pg_backend_pid() AND a.backend_type = 'client backend' AND EXISTS (\(SwitchReader.locks("l.pid = a.pid")))
             ORDER BY a.xact_start LIMIT 100
            """, [.text(schema)])
        if ends {
            for row in holders {
                listener(
                    .note(
                        "ended pid \(try row.int("pid")) (\(try row.string("application"))), which had the schema's tables"
                    ))
            }
        }
        // Sessions come and go; what is prepared stays until somebody comes for it.
        if let gid = try await SwitchReader.prepared(schema, place.from).first {
            clock.waits(for: "prepared transaction \(gid): COMMIT PREPARED or ROLLBACK PREPARED it")
        } else if let first = holders.first {
            let who = "pid \(try first.int("pid")) (\(try first.string("application")), \(try first.string("state")))"
            clock.waits(for: "\(who) to end its transaction")
        }
    }

    // MARK: After it

    /// - Returns: who does not follow yet.
    private func finish(_ record: SplitRecord, _ site: SplitSite, _ epoch: Int) async throws -> [String] {
        do {
            guard let now = try await SplitLedger(site.source).open(schema) else { return [] }
            _ = try await SwitchSettlement(site: site, mainName: mainDatabase).settle(now)
            let store = RouteStore(site.source)
            let end = ContinuousClock.now + Self.follow
            while true {
                let late = try await store.followers().filter { $0.epoch < epoch }.map(\.name)
                if late.isEmpty || ContinuousClock.now > end { return late }
                try await Task.sleep(for: .milliseconds(20))
            }
        } catch {
            throw EngineFailure(
                .resumable,
                Diagnostic(
                    .error, "switch-unfinished",
                    "the switch is made and the application goes on, but tidying up stopped: \(SplitMove.summary(error))",
                    nextStep: "the same command again: it finishes what is left"))
        }
    }

    /// Everything is to be as it was: with connections of its own, since those of the attempt may be stuck.
    private func undo(_ record: SplitRecord) async throws {
        do {
            try await withTimeLimit(.seconds(30)) {
                try await letGo(record)
                try await SplitSite.with(bounded(source), bounded(target)) { site in
                    guard let now = try await SplitLedger(site.source).open(schema), now.id == record.id else { return }
                    _ = try await SwitchSettlement(site: site, mainName: mainDatabase).settle(now)
                }
            }
        } catch {
            throw EngineFailure(
                .resumable,
                Diagnostic(
                    .error, "switch-not-undone",
                    "the switch was given up, and taking it back stopped: \(SplitMove.summary(error))",
                    nextStep:
                        "statements and writes go on by themselves when its \(options.budget.seconds) s are over; the same command again, or: strata split status"
                ))
        }
    }

    /// Whoever waits goes on at once, also where the other database cannot be reached any more.
    private func letGo(_ record: SplitRecord) async throws {
        let home = try await Connection.open(bounded(source).settings(["application_name": "strata switch"]))
        do {
            try await home.execute("SET synchronous_commit = on")
            try await RouteStore(home).withdraw(record)
            if let now = try await SplitLedger(home).open(schema), !now.isSwitched {
                try await RouteStore(home).release(schema)
            }
            await home.close()
        } catch {
            await home.close()
            throw error
        }
    }

    private func bounded(_ settings: ConnectionSettings) throws -> ConnectionSettings {
        try settings.settings(["connect_timeout": "5"])
    }

    /// - Throws: why, once all is as it was; or that it is not.
    private func giveUp(_ record: SplitRecord, _ clock: SwitchClock, _ error: any Error) async throws {
        let reason = clock.reason
        // The decision may have been made, and its answer been lost.
        try await undo(record)
        let isMade =
            (try? await SplitSite.with(source, target) { site in
                try await SplitLedger(site.source).open(schema)?.isSwitched == (direction == .out)
            }) ?? false
        if isMade {
            throw EngineFailure(
                .resumable,
                Diagnostic(
                    .error, "switch-unfinished", "the switch is made, but its answer was lost",
                    nextStep: "the same command again says where the schema is"))
        }
        guard error is TimeLimitPassed else {
            throw EngineFailure(
                .failed,
                Diagnostic(
                    .error, "switch-failed",
                    "the switch was given up: \(SplitMove.summary(error)); the schema is where it was, and the application goes on",
                    nextStep: "mend that, then the same command"))
        }
        throw EngineFailure(
            .failed,
            Diagnostic(
                .error, "switch-given-up",
                "the switch was given up after \(clock.passed.seconds) s, waiting for \(reason); the schema is where it was, and the application goes on",
                nextStep: "try again at a quieter moment, with a longer --budget, or with --end-transactions"))
    }
}
