import Foundation
package import PostgresDriver
import SQLSyntax

/// Builds a projection's read model anew beside the live one, and exchanges the two. Killed at any point, the next call goes on.
///
/// Nothing of it goes beyond the live copy's position: both can be compared at the same event, and nobody who reads sees time go
/// backwards when they are exchanged.
package struct ProjectionRebuild: Sendable {
    package enum Event: Sendable {
        case making
        /// The first position is done, of those that the live one has done.
        case projecting(ProjectionRunner.Progress, of: Int)
        case comparing(position: Int)
        case compared(ReadModelReport)
        case swapping
        /// A lock is not free; again after that.
        case waiting(reason: String, Duration)
        case swapped(position: Int)
        case dropped
    }

    package struct Options: Sendable {
        /// The new read model may be another one.
        package var expectsDifference = false
        /// What is replaced goes at once.
        package var dropsOld = false
        /// How long one statement waits for a lock; 10 ms to 60 s.
        package var lockTimeout = Duration.milliseconds(200)
        /// How long it tries to get its locks.
        package var lockWait = Duration.seconds(600)

        package init() {}
    }

    let projection: Projection
    let schema: String
    let reader: EventReader
    let target: ConnectionSettings
    let options: Options
    let report: @Sendable (Event) -> Void

    /// - Throws: `EventStoreRefusal.invalid` where the projection does not say which tables are its own.
    package init(
        _ projection: Projection, reader: EventReader, target: ConnectionSettings, options: Options = Options(),
        report: @escaping @Sendable (Event) -> Void = { _ in }
    ) throws {
        guard let schema = projection.schema, !projection.tables.isEmpty else {
            throw EventStoreRefusal.invalid("projection \(projection.name) does not say what its schema and tables are")
        }
        (self.projection, self.schema, self.reader, self.target) = (projection, schema, reader, target)
        (self.options, self.report) = (options, report)
    }

    /// - Returns: what the comparison has found; nil: there was none in this call.
    /// - Throws: `RebuildRefusal`, `ProjectionStop`, `PostgresError`.
    @discardableResult
    package func run() async throws -> ReadModelReport? {
        try await go(.rebuild(expectsDifference: options.expectsDifference))
    }

    /// What was live before the last rebuild is live again, with all that has come since.
    package func undo() async throws { try await go(.undo) }

    /// Gives up what is being built.
    package func cancel() async throws { try await go(.cancel) }

    /// Drops what the last rebuild has replaced.
    package func dropOld() async throws { try await go(.dropOld) }

    // MARK: Steps

    @discardableResult
    private func go(_ wish: RebuildSteps.Wish) async throws -> ReadModelReport? {
        let control = try await Connection.open(target.settings(["application_name": "strata project rebuild"]))
        do {
            try await ProjectionSchema.install(on: control)
            guard try await ProjectionSchema.lock("\(projection.name)/rebuild", on: control) else {
                throw RebuildRefusal.busy
            }
            let report = try await go(wish, control)
            await control.close()
            return report
        } catch {
            await control.close()
            throw error
        }
    }

    private func go(_ wish: RebuildSteps.Wish, _ control: Connection) async throws -> ReadModelReport? {
        var steps = RebuildSteps(wish, fingerprint: projection.fingerprint)
        var found: ReadModelReport?
        while true {
            try Task.checkCancellation()
            let record = try await RebuildRecord.all(on: control)[projection.name]
            let behind = try await eventsBehind(wish == .undo ? .old : .next, control)
            let step = steps.next(record, behind: behind)
            switch step {
            case .make: try await make(control)
            case .project(let copy): try await project(copy, control)
            case .compare:
                let report = try await compare(control)
                steps.compared(differs: !report.isEqual)
                found = report
            case .swap(let copy): try await swap(copy, control)
            case .settleLetters: try await settleLetters(control)
            case .drop(let copy): try await drop(copy, control)
            case .done: return found
            case .refuse(let refusal): throw refusal
            }
            steps.did(step)
        }
    }

    private func position(_ copy: ProjectionCopy, _ connection: Connection) async throws -> Int? {
        try await connection.query(
            "SELECT position FROM strata.projections WHERE name = $1 AND copy = $2",
            [.text(projection.name), .text(copy.rawValue)]
        ).first.map { try $0.int("position") }
    }

    private func eventsBehind(_ copy: ProjectionCopy, _ connection: Connection) async throws -> Int {
        guard let live = try await position(.live, connection), let own = try await position(copy, connection) else {
            return 0
        }
        return live - own
    }

    private func make(_ control: Connection) async throws {
        report(.making)
        try await bringUpToDate(control)
        guard try await position(.live, control) != nil else { throw RebuildRefusal.notRun }
        let model = ReadModelMaking(
            name: projection.name, schema: schema, tables: projection.tables, stream: projection.stream)
        let moment = try await reader.moment(of: projection.organization)
        try await patiently(control) { connection in
            try await model.make(at: moment, on: connection)
            try await RebuildRecord.begin(
                projection.name, fingerprint: projection.fingerprint, dropsOld: options.dropsOld, on: connection)
        }
    }

    /// Where nobody is at work with the live one, it is brought to the end first; where it cannot, it stays where it is. So does
    /// one that was made by other statements: they are not mixed.
    private func bringUpToDate(_ control: Connection) async throws {
        let isOfOthers = try await control.query(
            "SELECT statements IS DISTINCT FROM $2 AS others FROM strata.projections WHERE name = $1 AND copy = 'live' AND statements IS NOT NULL",
            [.text(projection.name), .text(projection.fingerprint)]
        ).first?.bool("others")
        if isOfOthers == true { return }
        let runner = ProjectionRunner(projection, reader: reader, target: target)
        do {
            try await runner.catchUp()
        } catch is ProjectionStop {
            // Busy, or stopped at an event that the new statements may be able to do.
        } catch {
            await runner.close()
            throw error
        }
        await runner.close()
    }

    /// - Throws: `ProjectionStop.event` where a statement fails.
    private func project(_ copy: ProjectionCopy, _ control: Connection) async throws {
        try await with(copy) { runner in
            // What has come meanwhile is for the next step.
            guard let end = try await position(.live, control) else { throw RebuildRefusal.notRun }
            while try await runner.step(upTo: end) {
                report(.projecting(await runner.progress, of: end))
                try Task.checkCancellation()
            }
        }
    }

    private func with(_ copy: ProjectionCopy, _ body: (ProjectionRunner) async throws -> Void) async throws {
        let runner = ProjectionRunner(projection, copy: copy, reader: reader, target: target)
        do {
            try await body(runner)
        } catch {
            await runner.close()
            throw error
        }
        await runner.close()
    }

    // MARK: Comparing

    private func compare(_ control: Connection) async throws -> ReadModelReport {
        let comparison = ReadModelComparison(
            schema: schema, rebuilt: ProjectionCopy.next.schema(of: projection.name, live: schema),
            tables: projection.tables, notCompared: projection.notCompared)
        let live = try await Connection.open(target.settings(["application_name": "strata project rebuild"]))
        do {
            let found = try await live.transaction(.snapshot) { live in
                // The position and the tables of one moment; the new ones are brought to that position then.
                guard let position = try await position(.live, live) else { throw RebuildRefusal.notRun }
                report(.comparing(position: position))
                try await with(.next) { runner in while try await runner.step(upTo: position) {} }
                return try await control.transaction(.snapshot) { built in
                    try await comparison.run(position: position, live: live, built: built)
                }
            }
            await live.close()
            try await RebuildRecord.keep(found, of: projection.name, on: control)
            report(.compared(found))
            return found
        } catch {
            await live.close()
            throw error
        }
    }

    // MARK: Exchanging

    private func swap(_ copy: ProjectionCopy, _ control: Connection) async throws {
        report(.swapping)
        if copy == .next { try await RebuildRecord.dropOld(options.dropsOld, of: projection.name, on: control) }
        let exchange = ReadModelSwap(name: projection.name, schema: schema, tables: projection.tables, copy: copy)
        let model = ReadModelMaking(
            name: projection.name, schema: schema, tables: projection.tables, stream: projection.stream)
        let deadline = ContinuousClock.now + options.lockWait
        var (attempts, failures) = (0, 0)
        try await with(copy) { runner in
            while true {
                do {
                    let isDone = try await runner.takeOver(lockTimeout: options.lockTimeout) { connection in
                        try await model.check(copy, on: connection)
                        try await exchange.exchange(on: connection)
                        try await exchange.exchangeRecords(on: connection)
                        try await RebuildRecord.swapped(
                            projection.name, to: copy == .next ? .swapped : .undone, on: connection)
                        try await exchange.raiseSequences(on: connection)
                    }
                    if isDone { return }
                    // The live one has gone ahead.
                } catch let error as PostgresError where error.isPassing {
                    attempts += 1
                    try await wait(attempts, until: deadline, error)
                } catch let error as PostgresError where error.isOfItsStatement && error.isOfAnEvent && failures < 100 {
                    // Found out alone below: set aside, or the reason to stop.
                    failures += 1
                }
                guard let end = try await position(.live, control) else { throw RebuildRefusal.notRun }
                while try await runner.step(upTo: end) {}
            }
        }
        report(.swapped(position: try await position(.live, control) ?? 0))
    }

    private func wait(_ attempt: Int, until deadline: ContinuousClock.Instant, _ error: PostgresError) async throws {
        let left = deadline - ContinuousClock.now
        guard left > .zero else { throw RebuildRefusal.lockNotFree(error.message) }
        // Longer each time, and not at the same moment as others.
        let longest = Double(min(100 << min(attempt, 6), 5_000))
        let delay = min(Duration.milliseconds(Int64(Double.random(in: 0.5...1) * longest)), left)
        report(.waiting(reason: error.message, delay))
        try await Task.sleep(for: delay)
    }

    /// A short transaction that takes strong locks: where one is not free it steps back, and tries again.
    private func patiently(
        _ connection: Connection, _ body: (Connection) async throws -> Void
    ) async throws {
        let deadline = ContinuousClock.now + options.lockWait
        var attempts = 0
        while true {
            do {
                return try await connection.transaction { connection in
                    try await connection.execute(
                        "SET LOCAL lock_timeout = \(options.lockTimeout.milliseconds); SET LOCAL client_min_messages = warning"
                    )
                    try await body(connection)
                }
            } catch let error as PostgresError where error.isPassing {
                attempts += 1
                try await wait(attempts, until: deadline, error)
            }
        }
    }

    /// The store may be another database: after the swap, and again where that was cut off.
    private func settleLetters(_ control: Connection) async throws {
        let letters = try await control.query(
            "SELECT position, reason, kind FROM strata.projection_letters WHERE name = $1 AND copy = 'live' ORDER BY position",
            [.text(projection.name)])
        try await reader.lettersAre(
            try letters.map { (try $0.int("position"), try $0.string("reason"), try $0.string("kind")) },
            group: projection.group, on: projection.stream, projection.organization)
        try await RebuildRecord.settled(projection.name, on: control)
    }

    private func drop(_ copy: ProjectionCopy, _ control: Connection) async throws {
        let model = ReadModelMaking(
            name: projection.name, schema: schema, tables: projection.tables, stream: projection.stream)
        try await patiently(control) { try await model.drop(copy, on: $0) }
        report(.dropped)
    }
}
