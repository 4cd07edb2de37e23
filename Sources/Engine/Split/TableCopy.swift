import Planning
import PostgresDriver
import SQLSyntax

/// Copies tables by several connections at once, each a range of pages of one table, all in the slot's snapshot.
struct TableCopy: Sendable {
    struct Job: Sendable {
        var table: Int
        var range: PageRange
    }

    let source: ConnectionSettings
    let target: ConnectionSettings
    let snapshot: String
    let tables: [SourceTable]
    /// How many ranges are copied at once.
    let width: Int
    /// The source seeks rows by page (PostgreSQL 14 and later); without that a range would read the whole table.
    let seeksPages: Bool
    /// Pages of the smallest range.
    let rangePages: Int64
    let progress: @Sendable (CopyProgress) -> Void
    /// A table is whole.
    let finished: @Sendable (SourceTable, _ rows: Int, _ bytes: Int) async throws -> Void

    func run() async throws {
        let jobs = self.jobs
        let board = CopyBoard(jobs: jobs, tables: tables)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<max(1, min(width, jobs.count)) { group.addTask { try await work(board) } }
            // The first error stops the others.
            try await group.waitForAll()
        }
    }

    /// Large tables first, so that no worker is left with the largest at the end.
    private var jobs: [Job] {
        let size =
            seeksPages
            ? PageRange.size(of: tables.map(\.pages), workers: width, least: rangePages) : Int64.max / 4
        return tables.indices.flatMap { index in
            PageRange.ranges(pages: tables[index].pages, size: size).map { Job(table: index, range: $0) }
        }
    }

    private func work(_ board: CopyBoard) async throws {
        let reader = try await Connection.open(source.settings(["application_name": "strata split"]))
        let writer: Connection
        do {
            writer = try await Connection.open(target.settings(["application_name": "strata split"]))
        } catch {
            await reader.close()
            throw error
        }
        do {
            try await reader.execute(
                """
                SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0; SET row_security = off;
                SET extra_float_digits = 3; SET datestyle = 'ISO'; SET intervalstyle = 'postgres';
                """)
            try await reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try await reader.execute("SET TRANSACTION SNAPSHOT \(SQL.literal(snapshot))")
            // No triggers, foreign keys or guards: what comes has passed them where it comes from.
            try await writer.execute(
                """
                SET session_replication_role = replica; SET statement_timeout = 0; SET datestyle = 'ISO';
                SET intervalstyle = 'postgres';
                """)
            while let job = await board.next() {
                let table = tables[job.table]
                let copied = try await copy(job, table, reader, writer, board)
                if let whole = await board.done(job, rows: copied.rows, bytes: copied.bytes) {
                    try await finished(table, whole.rows, whole.bytes)
                }
                progress(await board.progress)
            }
        } catch {
            await reader.close()
            await writer.close()
            throw error
        }
        await reader.close()
        await writer.close()
    }

    private func copy(
        _ job: Job, _ table: SourceTable, _ reader: Connection, _ writer: Connection, _ board: CopyBoard
    ) async throws -> (rows: Int, bytes: Int) {
        let columns = table.columns.joined(separator: ", ")
        let condition = job.range.condition
        let query =
            "COPY (SELECT \(columns) FROM ONLY \(table.name)\(condition.isEmpty ? "" : " WHERE \(condition)")) TO STDOUT"
        // A table may have no columns.
        let list = columns.isEmpty ? "" : " (\(columns))"
        var bytes = 0
        let rows = try await writer.copyIn("COPY \(table.name)\(list) FROM STDIN") { out in
            try await reader.copyOut(query) { chunk in
                bytes += chunk.count
                try await out.write(chunk)
                if let shown = await board.add(bytes: chunk.count) { progress(shown) }
            }
        }
        return (rows, bytes)
    }
}

/// How far a copy is.
package struct CopyProgress: Sendable, Equatable {
    package var tables: Int
    package var tablesDone: Int
    package var rows: Int
    package var bytes: Int
    /// What the tables occupy at the source: more than the bytes that are sent, as a rule.
    package var sourceBytes: Int64
    package var sourceBytesDone: Int64
}

/// Who copies what, and what is done.
private actor CopyBoard {
    private var waiting: ArraySlice<TableCopy.Job>
    private var left: [Int: Int] = [:]
    private var totals: [Int: (rows: Int, bytes: Int)] = [:]
    private var shownAt: ContinuousClock.Instant?
    private let shares: [Int64]
    private(set) var progress: CopyProgress

    init(jobs: [TableCopy.Job], tables: [SourceTable]) {
        waiting = jobs[...]
        for job in jobs { left[job.table, default: 0] += 1 }
        let counts = left
        shares = tables.indices.map { tables[$0].bytes / Int64(max(counts[$0] ?? 1, 1)) }
        progress = CopyProgress(
            tables: tables.count, tablesDone: 0, rows: 0, bytes: 0, sourceBytes: tables.reduce(0) { $0 + $1.bytes },
            sourceBytesDone: 0)
    }

    func next() -> TableCopy.Job? { waiting.popFirst() }

    /// - Returns: what to show, some times a second.
    func add(bytes: Int) -> CopyProgress? {
        progress.bytes += bytes
        let now = ContinuousClock.now
        if let shownAt, now - shownAt < .milliseconds(200) { return nil }
        shownAt = now
        return progress
    }

    /// - Returns: the table's sums, once nothing of it is left.
    func done(_ job: TableCopy.Job, rows: Int, bytes: Int) -> (rows: Int, bytes: Int)? {
        progress.rows += rows
        progress.sourceBytesDone += shares[job.table]
        let known = totals[job.table] ?? (0, 0)
        let sum = (rows: known.rows + rows, bytes: known.bytes + bytes)
        totals[job.table] = sum
        left[job.table, default: 1] -= 1
        guard left[job.table] == 0 else { return nil }
        progress.tablesDone += 1
        return sum
    }
}
