package import Planning
import PostgresDriver

/// Does to children what was written down of their parents, wherever both are now.
///
/// A batch is taken from the queue in a transaction that stays open; the children are changed in transactions of their own;
/// only then the batch goes and its transaction ends. Killed in between, the batch is there again, and doing it twice does
/// nothing more. Several workers at once leave each other's batches alone.
package struct LooseKeyWorker: Sendable {
    /// Bounds of a pass; all of them keep transactions short.
    package struct Options: Sendable {
        /// Entries of a batch.
        package var batch = 500
        /// Rows of a child that one transaction changes.
        package var chunk = 5_000
        /// Transactions on a child before the queue's own ends and the rest is left to the next pass.
        package var chunks = 20
        /// How long an entry that failed waits; it doubles each time.
        package var firstPause: Duration = .seconds(1)
        package var longestPause: Duration = .seconds(900)
        /// How long the worker waits when there is nothing to do.
        package var idle: Duration = .seconds(1)
        /// How often it looks whether triggers and keys are where the parents are.
        package var tending: Duration = .seconds(30)

        package init() {}
    }

    package struct Tally: Sendable, Equatable {
        package var entries = 0
        /// Of children, changed or deleted.
        package var rows = 0
        /// Entries whose parent row was there again.
        package var returned = 0
        /// Times that an entry failed.
        package var failures = 0

        package init() {}
        package var isIdle: Bool { entries == 0 && rows == 0 && returned == 0 && failures == 0 }

        static func += (left: inout Tally, right: Tally) {
            left.entries += right.entries
            left.rows += right.rows
            left.returned += right.returned
            left.failures += right.failures
        }
    }

    package enum Event: Sendable {
        /// What a pass did, and how old its oldest entry was, in seconds.
        case passed(LooseKey, Tally, lag: Double)
        case problem(String)
    }

    let databases: LooseKeyDatabases
    let options: Options
    let report: @Sendable (Event) -> Void
    /// Between a child's commit and the queue's: where a test has the worker die.
    let afterChange: @Sendable () async throws -> Void

    package init(
        _ databases: LooseKeyDatabases, options: Options = Options(),
        report: @escaping @Sendable (Event) -> Void = { _ in },
        afterChange: @escaping @Sendable () async throws -> Void = {}
    ) {
        (self.databases, self.options, self.report, self.afterChange) = (databases, options, report, afterChange)
    }

    // MARK: Running

    /// Works until the task is cancelled.
    package func run() async throws {
        var tended: ContinuousClock.Instant?
        var complaints: Set<String> = []
        while true {
            try Task.checkCancellation()
            if tended.map({ ContinuousClock.now - $0 > options.tending }) ?? true {
                await tend()
                tended = .now
            }
            let (tally, problems) = try await round()
            // Each once, until it is over.
            for problem in problems.subtracting(complaints).sorted() { report(.problem(problem)) }
            complaints = problems
            if tally.isIdle { try await Task.sleep(for: options.idle) }
        }
    }

    /// Works until nothing is due any more; what failed waits for its time.
    package func runOnce() async throws -> Tally {
        await tend()
        var total = Tally()
        while true {
            try Task.checkCancellation()
            let (tally, problems) = try await round()
            total += tally
            if tally.isIdle {
                for problem in problems.sorted() { report(.problem(problem)) }
                return total
            }
        }
    }

    /// Works on one key until nothing of it is due.
    func drain(_ key: LooseKey) async throws {
        for name in databases.names {
            guard let connection = try? await databases.connection(to: name),
                try await LooseKeyStore(connection).exists()
            else { continue }
            while try await !pass(key.name, in: name).isIdle {}
        }
    }

    /// One pass for each key of each database that has something to do.
    func round() async throws -> (tally: Tally, problems: Set<String>) {
        var tally = Tally()
        var problems: Set<String> = []
        // One that fails holds up no other, of its own database neither.
        func noting<T>(_ what: String, _ body: () async throws -> T) async throws -> T? {
            do {
                return try await body()
            } catch let error as PostgresError where !Task.isCancelled {
                problems.insert("\(what): \(error.message)")
            } catch let error as DiagnosticsError {
                problems.insert(error.diagnostics.map(\.message).joined(separator: "; "))
            }
            return nil
        }
        for name in databases.names {
            let due = try await noting("database \(name)") {
                try await LooseKeyStore(databases.connection(to: name)).due()
            }
            for key in due ?? [] {
                if let passed = try await noting(key, { try await pass(key, in: name) }) { tally += passed }
            }
        }
        return (tally, problems)
    }

    /// Sees to it that keys and triggers are where the parents are: after a move, and on partitions made since.
    package func tend() async {
        for name in databases.names {
            guard let source = try? await databases.connection(to: name),
                let records = try? await LooseKeyStore(source).keys()
            else { continue }
            for record in records {
                do {
                    guard let home = try? await databases.place(of: record.key.parent) else { continue }
                    let connection = try await databases.connection(to: home.database)
                    let store = LooseKeyStore(connection)
                    if home.database != name {
                        if try await store.exists(), try await store.record(record.key.name) != nil { continue }
                        try await store.prepare()
                        try await store.adopt(record)
                    }
                    try await LooseKeyInstaller(connection).installTriggers(record.key, resume: "the worker")
                } catch is CancellationError {
                    return
                } catch {
                    report(
                        .problem(
                            "\(record.key.name) is not written down where \(record.key.parent) is: \(Self.text(error))")
                    )
                }
            }
        }
    }

    // MARK: A pass

    /// Takes a batch and does it.
    package func pass(_ name: String, in database: String) async throws -> Tally {
        let queue = try await databases.connection(to: database, .queue)
        guard let key = try await LooseKeyStore(queue).record(name)?.key, try await mayBegin(key, in: database) else {
            return Tally()
        }
        let (tally, lag) = try await queue.transaction { queue -> (Tally, Double) in
            let store = LooseKeyStore(queue)
            let entries = try await store.take(key, limit: options.batch)
            guard let oldest = entries.map(\.age).max() else { return (Tally(), 0) }
            var batch = LooseKeyBatch(entries, limit: options.chunks)
            do {
                try await LooseKeyChange(key: key, databases: databases, chunk: options.chunk).perform(&batch)
            } catch let failure as EngineFailure {
                // A table that nobody has, or several: nothing of the key can be done.
                let message = failure.diagnostics.map(\.message).joined(separator: "; ")
                for entry in batch.open { batch.fail(entry, message) }
            }
            try await afterChange()
            try await store.remove(batch.finished)
            for (entry, message) in batch.failed {
                try await store.postpone(entry.position, error: message, pause: pause(after: entry.attempts))
            }
            var tally = Tally()
            tally.entries = batch.finished.count
            (tally.rows, tally.returned, tally.failures) = (batch.rows, batch.returned, batch.failed.count)
            return (tally, oldest)
        }
        if !tally.isIdle { report(.passed(key, tally, lag: lag)) }
        return tally
    }

    /// Where changes have to be made in their order, what was written down before the parent moved comes first.
    private func mayBegin(_ key: LooseKey, in database: String) async throws -> Bool {
        guard key.isOrdered, (try? await databases.place(of: key.parent).database) == database else { return true }
        for name in databases.names where name != database {
            guard let other = try? await databases.connection(to: name), try await LooseKeyStore(other).exists() else {
                continue
            }
            if try await !LooseKeyStore(other).isEmpty(key.name) { return false }
        }
        return true
    }

    private func pause(after attempts: Int) -> Duration {
        min(options.firstPause * (1 << min(max(attempts, 0), 20)), options.longestPause)
    }

    static func text(_ error: any Error) -> String {
        switch error {
        case let error as PostgresError: error.message
        case let failure as EngineFailure: failure.diagnostics.map(\.message).joined(separator: "; ")
        case let error as DiagnosticsError: error.diagnostics.map(\.message).joined(separator: "; ")
        default: "\(error)"
        }
    }
}
