import Planning
import PostgresDriver

/// One table.
struct TableComparison: Sendable {
    typealias Key = [String]

    let table: SplitDiffTable
    let site: SplitSite
    let streams: SplitStreams
    let rangeRows: Int
    let progress: @Sendable (Int) -> Void
    let saveInterval: Duration
    /// Where an earlier one was cut off.
    let begun: Progress?
    let save: @Sendable (Progress) async throws -> Void

    struct Progress: Sendable, Equatable {
        /// The last key that was compared.
        var key: Key
        var found: SplitDiffReport.Table
    }

    private struct Sum: Equatable {
        var rows: Int
        var sum: String
    }

    func run() async throws -> SplitDiffReport.Table {
        if table.key.columns.isEmpty { return try await whole() }
        return try await table.key.isSorted ? ranges() : buckets()
    }

    // MARK: By key

    private func ranges() async throws -> SplitDiffReport.Table {
        var result = SplitDiffReport.Table(name: table.name, method: .keyRanges, outcome: .equal, rows: 0)
        var last: Key?
        // Its key is another one by now, or it was compared in another way.
        if let begun, begun.key.count == table.key.columns.count, begun.found.method == .keyRanges {
            (last, result) = (begun.key, begun.found)
        }
        var savedAt = ContinuousClock.now
        repeat {
            let end = try await site.source.query(
                table.boundary(isFirst: last == nil, rows: rangeRows), parameters(last)
            ).first.map { try $0.textArray("key") }
            let sql = table.sum(isFirst: last == nil, isLast: end == nil)
            let bounds = parameters(last) + parameters(end)
            async let theirs = sum(site.target, sql, bounds)
            let ours = try await sum(site.source, sql, bounds)
            if try await theirs != ours { try await lookAgain(last, end, &result) }
            result.rows += ours.rows
            progress(result.rows)
            last = end
            if let end, ContinuousClock.now - savedAt >= saveInterval {
                try await save(Progress(key: end, found: result))
                savedAt = .now
            }
        } while last != nil
        return result
    }

    private func parameters(_ key: Key?) -> [Parameter] { (key ?? []).map { .text($0) } }

    private func sum(_ connection: Connection, _ sql: String, _ parameters: [Parameter]) async throws -> Sum {
        let row = try await connection.query(sql, parameters).only()
        return Sum(rows: try row.int("rows"), sum: try row.string("sum"))
    }

    private func lookAgain(_ first: Key?, _ end: Key?, _ result: inout SplitDiffReport.Table) async throws {
        let limit = rangeRows * 4
        let sql = table.rows(isFirst: first == nil, isLast: end == nil, limit: limit)
        let bounds = parameters(first) + parameters(end)
        let ours = try await hashes(site.source, sql, bounds)
        let theirs = try await hashes(site.target, sql, bounds)
        try await examine(ours, theirs, isCut: ours.count == limit || theirs.count == limit, &result)
    }

    /// Rows of both sides that should be the same.
    /// - Parameter isCut: there were more of them than are read at a time.
    private func examine(
        _ ours: [Key: Int], _ theirs: [Key: Int], isCut: Bool, _ result: inout SplitDiffReport.Table
    ) async throws {
        var open = Set(ours.keys).union(theirs.keys).filter { ours[$0] != theirs[$0] }
        var differing: [Key] = []
        for round in 0..<SplitDiff.rounds where !open.isEmpty {
            if round > 0 { try await Task.sleep(for: .milliseconds(50 << min(round, 5))) }
            let before = try await hashes(site.source, of: open)
            try await streams.catchUp { _ in }
            let there = try await hashes(site.target, of: open)
            let after = try await hashes(site.source, of: open)
            for key in open where before[key] == after[key] {
                open.remove(key)
                if there[key] != before[key] { differing.append(key) }
            }
        }
        try await holdStill(&open, &differing)
        // Rows beyond what is read at a time, of a range that has grown meanwhile: nothing is said of them.
        if isCut { result.changing += 1 }
        result.differing += differing.count
        result.changing += open.count
        result.examples += differing.sorted { $0.lexicographicallyPrecedes($1) }.prefix(
            max(0, SplitDiff.examples - result.examples.count))
        if result.differing > 0 {
            result.outcome = .differs
        } else if result.changing > 0 {
            result.outcome = .changing
        }
    }

    /// Rows that somebody writes all the time, a counter say: they are locked for some tenths of a second, some at a time.
    /// Where the lock does not come, or the target is too far behind, nothing is said of them.
    private func holdStill(_ open: inout Set<Key>, _ differing: inout [Key]) async throws {
        guard open.count <= SplitDiff.hotRows else { return }
        let keys = Array(open)
        for start in stride(from: 0, to: keys.count, by: SplitDiff.hotBatch) {
            let batch = Set(keys[start...].prefix(SplitDiff.hotBatch))
            guard let found = try await patiently({ try await still(batch) }) else { continue }
            open.subtract(batch)
            differing += batch.filter { found.ours[$0] != found.theirs[$0] }
        }
    }

    /// Again where the lock did not come or the target was not quick enough: each time without the lock first, so that only what
    /// was written in between is waited for under it.
    private func patiently<T>(_ attempt: () async throws -> T?) async throws -> T? {
        for round in 0..<SplitDiff.hotAttempts {
            if round > 0 { try await Task.sleep(for: .milliseconds(100 << round)) }
            try await streams.catchUp { _ in }
            if let found = try await attempt() { return found }
        }
        return nil
    }

    private func still(_ keys: Set<Key>) async throws -> (ours: [Key: Int], theirs: [Key: Int])? {
        let source = site.source
        do {
            try await source.execute("BEGIN; SET LOCAL lock_timeout = '250ms'")
            _ = try await source.query(table.locked, columns(of: keys))
            let ours = try await hashes(source, of: keys)
            let isThere = try await streams.catchUp(within: SplitDiff.hotPatience) { _ in }
            let theirs = isThere ? try await hashes(site.target, of: keys) : [:]
            try await source.execute("COMMIT")
            return isThere ? (ours, theirs) : nil
        } catch let error as PostgresError where error.isLockTimeout || error.isRetryable {
            _ = try? await source.executeShielded("ROLLBACK")
            return nil
        } catch {
            _ = try? await source.executeShielded("ROLLBACK")
            throw error
        }
    }

    private func hashes(
        _ connection: Connection, _ sql: String, _ parameters: [Parameter]
    ) async throws -> [Key: Int] {
        var hashes: [Key: Int] = [:]
        for row in try await connection.query(sql, parameters) {
            hashes[try row.textArray("key")] = try row.int("hash")
        }
        return hashes
    }

    private func hashes(_ connection: Connection, of keys: Set<Key>) async throws -> [Key: Int] {
        try await hashes(connection, table.single, columns(of: keys))
    }

    private func columns(of keys: Set<Key>) -> [Parameter] {
        let list = Array(keys)
        return table.key.columns.indices.map { column in Parameter.textArray(list.map { $0[column] }) }
    }

    // MARK: In buckets

    private func buckets() async throws -> SplitDiffReport.Table {
        var result = SplitDiffReport.Table(name: table.name, method: .keyBuckets, outcome: .equal, rows: 0)
        let estimate = try await site.source.query(
            "SELECT greatest(reltuples, pg_relation_size(oid) / 100)::bigint AS rows FROM pg_class WHERE oid = $1",
            [.oid(table.oid)]
        ).only().int("rows")
        var count = 16
        while count < SplitDiff.buckets, count * rangeRows < estimate { count *= 2 }
        async let there = bucketSums(site.target, count)
        let ours = try await bucketSums(site.source, count)
        let theirs = try await there
        let different = Set(ours.keys).union(theirs.keys).filter { ours[$0] != theirs[$0] }.sorted()
        result.rows = ours.values.reduce(0) { $0 + $1.rows }
        progress(result.rows)
        // Some in one reading of the table, so that the keys of their rows fit into memory.
        let limit = SplitDiff.bucketRows
        let width = max(1, limit / 2 * count / max(result.rows, 1))
        for start in stride(from: 0, to: different.count, by: width) {
            let numbers: [Parameter] = [.textArray(different[start...].prefix(width).map { String($0) })]
            let sql = table.bucketRows(count, limit: limit)
            let ours = try await hashes(site.source, sql, numbers)
            let theirs = try await hashes(site.target, sql, numbers)
            try await examine(ours, theirs, isCut: ours.count == limit || theirs.count == limit, &result)
        }
        return result
    }

    private func bucketSums(_ connection: Connection, _ count: Int) async throws -> [Int: Sum] {
        var sums: [Int: Sum] = [:]
        for row in try await connection.query(table.bucketSums(count)) {
            sums[try row.int("bucket")] = Sum(rows: try row.int("rows"), sum: try row.string("sum"))
        }
        return sums
    }

    // MARK: As a whole

    private func whole() async throws -> SplitDiffReport.Table {
        let sql = table.sum(isFirst: true, isLast: true)
        var result = SplitDiffReport.Table(name: table.name, method: .wholeTable, outcome: .changing, rows: 0)
        for _ in 0..<SplitDiff.rounds {
            let before = try await sum(site.source, sql, [])
            try await streams.catchUp { _ in }
            let there = try await sum(site.target, sql, [])
            result.rows = before.rows
            if there == before {
                result.outcome = .equal
                break
            }
            guard try await sum(site.source, sql, []) == before else { continue }
            result.outcome = .differs
            result.differing = max(1, abs(there.rows - before.rows))
            break
        }
        if result.outcome == .changing, let found = try await patiently({ try await wholeStill() }) {
            result.outcome = found.ours == found.theirs ? .equal : .differs
            result.rows = found.ours.rows
            if result.outcome == .differs { result.differing = max(1, abs(found.theirs.rows - found.ours.rows)) }
        }
        if result.outcome == .changing { result.changing = result.rows }
        progress(result.rows)
        return result
    }

    /// A table without a key that is written all the time: nobody may write it for some seconds at most. nil: that was not
    /// enough, or the lock did not come.
    private func wholeStill() async throws -> (ours: Sum, theirs: Sum)? {
        let sql = table.sum(isFirst: true, isLast: true)
        do {
            try await site.source.execute(
                "BEGIN; SET LOCAL lock_timeout = '250ms'; SET LOCAL statement_timeout = '2s'; LOCK TABLE ONLY \(table.name) IN SHARE MODE"
            )
            let ours = try await sum(site.source, sql, [])
            var theirs: Sum?
            if try await streams.catchUp(within: SplitDiff.hotPatience, { _ in }) {
                try await site.target.execute("BEGIN; SET LOCAL statement_timeout = '2s'")
                theirs = try await sum(site.target, sql, [])
                try await site.target.execute("COMMIT")
            }
            try await site.source.execute("COMMIT")
            return theirs.map { (ours, $0) }
        } catch let error as PostgresError where error.isLockTimeout || error.isRetryable || error.isQueryCanceled {
            _ = try? await site.target.executeShielded("ROLLBACK")
            _ = try? await site.source.executeShielded("ROLLBACK")
            return nil
        } catch {
            _ = try? await site.target.executeShielded("ROLLBACK")
            _ = try? await site.source.executeShielded("ROLLBACK")
            throw error
        }
    }
}
