import Planning
package import PostgresDriver

/// What a comparison of both sides found.
package struct SplitDiffReport: Sendable, Equatable, Codable {
    package struct Table: Sendable, Equatable, Codable {
        package enum Method: String, Sendable, Codable {
            case keyRanges = "key ranges"
            /// It has no key that both sides sort alike.
            case wholeTable = "whole table"
        }
        package enum Outcome: String, Sendable, Codable {
            case equal
            case differs
            /// It was written all the while, so that nothing can be said of some rows.
            case changing
        }

        package var name: String
        package var method: Method
        package var outcome: Outcome
        /// Read at the source.
        package var rows: Int
        /// Rows that differ, or are on one side only; of whole tables how many more one side has, at least 1.
        package var differing = 0
        /// Rows that were written whenever they were looked at.
        package var changing = 0
        /// Keys of some that differ.
        package var examples: [[String]] = []
    }

    package var split: Int
    package var schema: String
    package var database: String
    package var tables: [Table]

    package var isClean: Bool { tables.allSatisfy { $0.outcome == .equal } }
}

/// Compares every table of a followed schema on both sides, while it is written to.
///
/// Ranges of keys by sums of hashes; what differs is looked at again row by row, once the target has everything that the
/// source had: only a row that stood still at the source meanwhile, and is another one on the target, differs.
package struct SplitDiff: Sendable {
    let schema: String
    let source: ConnectionSettings
    let target: ConnectionSettings
    /// Rows of a range, 100 to 100,000.
    let rangeRows: Int
    let progress: @Sendable (_ table: String, _ rows: Int) -> Void

    static let rounds = 6
    /// Rows that never stand still are locked, so many at a time and not more altogether of a range, for no longer than this
    /// and the time the target needs to catch up.
    static let hotRows = 1_000
    static let hotBatch = 100
    static let hotPatience = Duration.seconds(1)
    static let examples = 5

    package init(
        _ schema: String, source: ConnectionSettings, target: ConnectionSettings, rangeRows: Int = 5_000,
        progress: @escaping @Sendable (_ table: String, _ rows: Int) -> Void = { _, _ in }
    ) {
        self.schema = schema
        self.source = source
        self.target = target
        self.rangeRows = rangeRows
        self.progress = progress
    }

    /// Goes on where an earlier one was cut off; where that was finished, it begins anew.
    package func run() async throws -> SplitDiffReport {
        try await SplitSite.with(source, target) { ends in
            let ledger = SplitLedger(ends.source)
            guard let record = try await ledger.open(schema), [.following, .switched].contains(record.state) else {
                throw EngineFailure(
                    .failed,
                    Diagnostic(
                        .error, "nothing-to-compare", "schema \(schema) is not followed by another database yet",
                        nextStep: "strata split \(schema)"))
            }
            try await ledger.prepare()
            // After the switch rows flow the other way.
            let site = record.isSwitched ? SplitSite(source: ends.target, target: ends.source) : ends
            try await site.source.execute(SplitDiffTable.settings)
            try await site.target.execute(SplitDiffTable.settings)
            let keys = try await SplitDiffTable.keys(in: schema, site.source)
            var report = SplitDiffReport(split: record.id, schema: schema, database: record.database, tables: [])
            let known = try await ledger.beginDiff(record.id)
            // Kept by their numbers in the main database.
            let numbers = Dictionary(record.tables.map { ($0.name, $0.relation) }) { first, _ in first }
            for table in try await SourceTable.all(in: schema, site.source) {
                let number = numbers[table.name] ?? table.oid
                if let done = known[number] {
                    report.tables.append(done)
                    continue
                }
                let compared = SplitDiffTable(
                    oid: table.oid, name: table.name, columns: table.columns, key: keys[table.oid] ?? [])
                let comparison = TableComparison(
                    table: compared, site: site,
                    streams: SplitStreams(
                        record: record, source: site.source, target: site.target,
                        direction: record.isSwitched ? .back : .out),
                    rangeRows: rangeRows, progress: { progress(table.name, $0) })
                let found = try await comparison.run()
                try await ledger.add(found, number, to: record.id)
                report.tables.append(found)
            }
            report.tables.sort { $0.name < $1.name }
            return report
        }
    }
}

/// One table.
private struct TableComparison: Sendable {
    typealias Key = [String]

    let table: SplitDiffTable
    let site: SplitSite
    let streams: SplitStreams
    let rangeRows: Int
    let progress: @Sendable (Int) -> Void

    private struct Sum: Equatable {
        var rows: Int
        var sum: String
    }

    func run() async throws -> SplitDiffReport.Table {
        try await table.key.isEmpty ? whole() : ranges()
    }

    // MARK: By key

    private func ranges() async throws -> SplitDiffReport.Table {
        var result = SplitDiffReport.Table(name: table.name, method: .keyRanges, outcome: .equal, rows: 0)
        var last: Key?
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
        if ours.count == limit || theirs.count == limit { result.changing += 1 }
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
            guard let found = try await still(batch) else { continue }
            open.subtract(batch)
            differing += batch.filter { found.ours[$0] != found.theirs[$0] }
        }
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
        return table.key.indices.map { column in Parameter.textArray(list.map { $0[column] }) }
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
        if result.outcome == .changing { result.changing = result.rows }
        progress(result.rows)
        return result
    }
}

extension SplitLedger {
    /// - Returns: what an unfinished comparison has done; nothing where the last one was finished.
    func beginDiff(_ split: Int) async throws -> [UInt32: SplitDiffReport.Table] {
        _ = try await connection.query(
            """
            DELETE FROM strata.split_diffs d WHERE d.split = $1 AND NOT EXISTS (
                SELECT FROM strata.split_tables t WHERE t.split = $1
                   AND NOT EXISTS (SELECT FROM strata.split_diffs o WHERE o.split = $1 AND o.relation = t.relation))
            """, [.int(split)])
        var known: [UInt32: SplitDiffReport.Table] = [:]
        for row in try await connection.query(
            "SELECT relation, found::text AS found FROM strata.split_diffs WHERE split = $1", [.int(split)])
        {
            known[try row.uint32("relation")] = try JSONRecord.decode(
                SplitDiffReport.Table.self, try row.string("found"))
        }
        return known
    }

    func add(_ found: SplitDiffReport.Table, _ relation: UInt32, to split: Int) async throws {
        _ = try await connection.query(
            """
            INSERT INTO strata.split_diffs (split, relation, found) VALUES ($1, $2, $3::jsonb)
            ON CONFLICT (split, relation) DO UPDATE SET found = excluded.found, finished_at = clock_timestamp()
            """, [.int(split), .oid(relation), .text(try JSONRecord.encode(found))])
    }
}
