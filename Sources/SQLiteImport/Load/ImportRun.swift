package import Planning
package import PostgresDriver

/// From a plan to the rows, keys and sequences in the target; goes on where an earlier call was cut off.
package struct ImportRun: Sendable {
    let snapshot: SourceSnapshot
    let settings: ConnectionSettings
    let tables: [PlannedTable]
    let options: ImportOptions
    let listener: @Sendable (ImportEvent) -> Void

    package init(
        _ snapshot: SourceSnapshot, target: ConnectionSettings, tables: [PlannedTable], options: ImportOptions,
        listener: @escaping @Sendable (ImportEvent) -> Void = { _ in }
    ) {
        (self.snapshot, settings, self.tables) = (snapshot, target, tables)
        (self.options, self.listener) = (options, listener)
    }

    package struct Outcome: Sendable {
        /// By table of the file.
        package var tables: [String: Count] = [:]
        /// Somebody has written the file meanwhile: it was imported as it was before.
        package var sourceHasChanged = false

        package struct Count: Sendable, Hashable {
            package var read = 0
            package var loaded = 0
            package var rejected = 0

            package init(read: Int = 0, loaded: Int = 0, rejected: Int = 0) {
                (self.read, self.loaded, self.rejected) = (read, loaded, rejected)
            }
        }
    }

    /// The steps before the rows, the rows, the steps after them. The caller holds the lock and has begun the journal.
    ///
    /// Throws `ImportFailure`, `PostgresError`, `SourceError` or `CancellationError`; after each of them the same call goes on.
    package func run(_ journal: ImportJournal) async throws -> Outcome {
        try await steps(journal) { $0.isBeforeRows }
        try await load(journal)
        try await journal.set(state: "finishing")
        try await steps(journal) { !$0.isBeforeRows }
        var outcome = Outcome()
        for (table, loaded) in try await journal.loaded() {
            outcome.tables[table] = Outcome.Count(read: loaded.read, loaded: loaded.loaded, rejected: loaded.rejected)
        }
        outcome.sourceHasChanged = try await snapshot.hasChanged()
        return outcome
    }

    // MARK: Steps

    /// A step that fails before the rows ends the import. One that fails after them is reported, and tried again by the
    /// next call: the rows are there.
    private func steps(_ journal: ImportJournal, _ isMeant: (ImportStep.Stage) -> Bool) async throws {
        let all = try await journal.steps()
        for (number, step, state, _) in all where isMeant(step.stage) && state != "done" {
            listener(.step(object: step.object, number: number + 1, of: all.count))
            do {
                try await journal.connection.transaction { connection in
                    try await connection.execute(step.sql)
                    try await journal.mark(number, "done", on: connection)
                }
            } catch let error as PostgresError where !error.isConnectionLost && !step.stage.isBeforeRows {
                let text = [error.message, error.detail].compactMap { $0 }.joined(separator: "; ")
                try await journal.mark(number, "failed", error: text, on: journal.connection)
            } catch let error as PostgresError where !error.isConnectionLost {
                throw ImportFailure(
                    .resumable,
                    Diagnostic(
                        .error, "step-failed", "\(step.object): \(error.message)", object: step.object,
                        nextStep: error.hint
                            ?? "mend what is said there, and call the same command again; --restart begins anew"))
            }
        }
    }

    // MARK: Rows

    private func load(_ journal: ImportJournal) async throws {
        let done = try await journal.loaded()
        // One after the other takes longest: they begin first.
        let size = options.chunkRows
        let long = tables.filter { $0.load.order != nil && $0.evidence.rows > size }
        let others = tables.filter { $0.load.order == nil || $0.evidence.rows <= size }
        let chunks = (long + others).flatMap { table in
            let loaded = done[table.load.source.name]
            return Chunk.remaining(
                table.load.source, table.evidence, done: loaded?.ranges ?? [], next: loaded?.next,
                isDone: loaded?.isWhole ?? false, size: size)
        }
        let read = done.values.reduce(0) { $0 + $1.read }
        listener(
            .began(
                tables: tables.count, rows: tables.reduce(0) { $0 + $1.evidence.rows } - read, resumed: !done.isEmpty))
        let work = ChunkWork(
            chunks, rejected: done.values.reduce(0) { $0 + $1.rejected }, mostRejects: options.mostRejects)
        if let excess = work.excess { throw tooMany(excess) }
        guard !chunks.isEmpty else { return }
        let names = Dictionary(uniqueKeysWithValues: tables.map { ($0.load.source.name, $0) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            for reader in snapshot.readers.prefix(min(options.jobs, chunks.count)) {
                group.addTask { try await self.work(reader, work, names, journal) }
            }
            for try await _ in group {}
        }
    }

    private func work(
        _ reader: SourceReader, _ work: ChunkWork, _ names: [String: PlannedTable], _ journal: ImportJournal
    ) async throws {
        var connection = try await open()
        do {
            while let chunk = work.next() {
                guard let table = names[chunk.table] else { continue }
                let result = try await load(chunk, table, reader, &connection, journal)
                if work.finish(chunk, result) { listener(.tableDone(table: chunk.table, rows: table.evidence.rows)) }
                if let excess = work.excess { throw tooMany(excess) }
            }
        } catch {
            await connection.close()
            throw described(error)
        }
        await connection.close()
    }

    private static let mostTries = 6

    /// Again where the connection was lost, on a new one; what had been committed all the same is found in the journal.
    private func load(
        _ chunk: Chunk, _ table: PlannedTable, _ reader: SourceReader, _ connection: inout Connection,
        _ journal: ImportJournal
    ) async throws -> ChunkResult {
        var tries = 0
        while true {
            do {
                if tries > 0 {
                    connection = try await open()
                    try await journal.waitForCommits(on: connection)
                    if let result = try await journal.result(of: chunk, on: connection) { return result }
                }
                return try await load(chunk, table, reader, connection, journal)
            } catch let error as PostgresError
                where (error.isConnectionLost || error.isRetryable) && tries < Self.mostTries
            {
                tries += 1
                let delay = Duration.milliseconds(100 << tries)
                listener(.retrying(reason: error.message, delay: delay))
                await connection.close()
                try await Task.sleep(for: delay)
            }
        }
    }

    private func load(
        _ chunk: Chunk, _ table: PlannedTable, _ reader: SourceReader, _ connection: Connection,
        _ journal: ImportJournal
    ) async throws -> ChunkResult {
        let listener = listener
        let name = chunk.table
        return try await connection.transaction { connection in
            let loader = ChunkLoader(
                reader: reader, connection: connection, table: table.load, chunk: chunk, size: options.chunkRows
            ) { listener(.loaded(table: name, rows: $0, bytes: $1)) }
            let result = try await loader.load()
            try checkRows(chunk, result, table)
            do { try await journal.add(chunk, result, on: connection) } catch let error as PostgresError
                where error.sqlState == .uniqueViolation
            {
                throw Self.another
            }
            return result
        }
    }

    /// Chunks that follow one another have all rows of their table only where these are in the order that SQLite says, as
    /// they are but in a damaged file.
    private func checkRows(_ chunk: Chunk, _ result: ChunkResult, _ table: PlannedTable) throws {
        guard case .keys(let place) = chunk.rows else { return }
        let read = place.rowsBefore + result.read
        guard result.stop == nil ? read != table.evidence.rows : read > table.evidence.rows else { return }
        throw SourceError.damaged("rows of table \(chunk.table) are out of order", path: snapshot.file.path)
    }

    /// The rows and their line in the journal are lost or kept together, so a chunk need not wait for the disk: what comes
    /// after all rows does, and with it all that was before.
    private func open() async throws -> Connection {
        let connection = try await Connection.open(settings)
        try await connection.execute(
            "SET synchronous_commit = off; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
        return connection
    }

    // MARK: Failures

    private func tooMany(_ rejected: Int) -> ImportFailure {
        ImportFailure(
            .rejects,
            Diagnostic(
                .error, "too-many-rejects",
                "\(grouped(rejected)) \(rejected == 1 ? "row was" : "rows were") rejected, and \(grouped(options.mostRejects ?? 0)) may be",
                nextStep:
                    "look at the rejects; then the same command with --max-rejects NUMBER goes on, or --restart with another --mapping"
            ))
    }

    /// The session lock of one of the two was lost with its connection.
    private static let another = ImportFailure(
        .resumable,
        Diagnostic(
            .error, "run-in-progress",
            "another call of this import loads the same rows; its rows stay, those here do not",
            nextStep: "wait until it has ended; the same command goes on"))

    private func described(_ error: any Error) -> any Error {
        switch error {
        case let failed as RowReader.Failed:
            let reject = failed.reject
            return ImportFailure(
                .rejects,
                Diagnostic(
                    .error, "value-refused",
                    "\(reject.table).\(reject.column ?? ""), \(reject.rowid.map { "rowid \($0)" } ?? "\(reject.key)"): \(reject.reason.text)",
                    nextStep:
                        "the mapping says invalid: fail for this column; mend the value, or choose reject, null or text"
                ))
        case let error as ChunkLoader.TooManyRejects:
            return ImportFailure(
                .rejects,
                Diagnostic(
                    .error, "too-many-rejects",
                    "table \(error.table) has neither a rowid that can be named nor a unique key of columns NOT NULL, is loaded in one transaction, and had more than 1,000 rejects",
                    nextStep: "choose other types for it in the mapping: --review shows what does not fit"))
        case let error as PostgresError where error.sqlState == .diskFull:
            // The server says "No space left on device", or how much of a block it could still write.
            return ImportFailure(
                .resumable,
                Diagnostic(
                    .error, "disk-full", "the target's disk is full: \(error.message)",
                    nextStep: "make room there: all chunks that were committed are kept; the same command goes on"))
        case let error as PostgresError where error.isConnectionLost:
            return ImportFailure(
                .resumable,
                Diagnostic(
                    .error, "connection-lost", error.message,
                    nextStep: "all chunks that were committed are kept; the same command goes on"))
        default: return error
        }
    }
}
