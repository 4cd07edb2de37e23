import Planning
package import PostgresDriver

/// What a comparison of both sides found.
package struct SplitDiffReport: Sendable, Equatable, Codable {
    package struct Table: Sendable, Equatable, Codable {
        package enum Method: String, Sendable, Codable {
            case keyRanges = "key ranges"
            /// Both sides do not sort its key alike: rows are put into buckets by it.
            case keyBuckets = "key buckets"
            /// It has no key.
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
    /// Between two notes of how far it has come.
    let saveInterval: Duration
    let progress: @Sendable (_ table: String, _ rows: Int) -> Void

    static let rounds = 6
    /// Rows that never stand still are locked, so many at a time and not more altogether of a range, and the target has this
    /// long to catch up.
    static let hotRows = 1_000
    static let hotBatch = 100
    static let hotPatience = Duration.seconds(1)
    /// And so often.
    static let hotAttempts = 5
    /// Buckets of a table whose key is not sorted alike: a power of two.
    static let buckets = 65_536
    /// Keys with hashes that are held at a time.
    static let bucketRows = 200_000
    static let examples = 5

    package init(
        _ schema: String, source: ConnectionSettings, target: ConnectionSettings, rangeRows: Int = 5_000,
        saveInterval: Duration = .seconds(5),
        progress: @escaping @Sendable (_ table: String, _ rows: Int) -> Void = { _, _ in }
    ) {
        self.schema = schema
        self.source = source
        self.target = target
        self.rangeRows = rangeRows
        self.saveInterval = saveInterval
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
                    oid: table.oid, name: table.name, columns: table.columns,
                    key: keys[table.oid] ?? .init())
                let direction: SplitRecord.Direction = record.isSwitched ? .back : .out
                let comparison = TableComparison(
                    table: compared, site: site,
                    streams: SplitStreams(
                        record: record, source: site.source, target: site.target, direction: direction),
                    rangeRows: rangeRows, progress: { progress(table.name, $0) }, saveInterval: saveInterval,
                    begun: try await ledger.diffProgress(number, direction, of: record.id)
                ) { try await ledger.save($0, number, direction, of: record.id) }
                let found = try await comparison.run()
                try await ledger.add(found, number, to: record.id)
                report.tables.append(found)
            }
            report.tables.sort { $0.name < $1.name }
            return report
        }
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

    /// Where a comparison of the table was cut off within the last day.
    func diffProgress(
        _ relation: UInt32, _ direction: SplitRecord.Direction, of split: Int
    ) async throws -> TableComparison.Progress? {
        try await connection.query(
            """
            SELECT key, found::text AS found FROM strata.split_diff_progress
             WHERE split = $1 AND relation = $2 AND direction = $3 AND at > clock_timestamp() - interval '24 hours'
            """, [.int(split), .oid(relation), .text(direction.rawValue)]
        ).first.map { row in
            TableComparison.Progress(
                key: try row.textArray("key"),
                found: try JSONRecord.decode(SplitDiffReport.Table.self, try row.string("found")))
        }
    }

    func save(
        _ progress: TableComparison.Progress, _ relation: UInt32, _ direction: SplitRecord.Direction, of split: Int
    ) async throws {
        // The time stays that of the first part: that is how old the whole is.
        _ = try await connection.query(
            """
            INSERT INTO strata.split_diff_progress AS p (split, relation, direction, key, found) VALUES ($1, $2, $3, $4, $5::jsonb)
            ON CONFLICT (split, relation) DO UPDATE SET key = excluded.key, found = excluded.found, direction = excluded.direction,
                at = CASE WHEN p.direction = excluded.direction AND p.at > clock_timestamp() - interval '24 hours' THEN p.at
                     ELSE excluded.at END
            """,
            [
                .int(split), .oid(relation), .text(direction.rawValue), .textArray(progress.key),
                .text(try JSONRecord.encode(progress.found)),
            ])
    }

    func add(_ found: SplitDiffReport.Table, _ relation: UInt32, to split: Int) async throws {
        _ = try await connection.query(
            """
            WITH begun AS (DELETE FROM strata.split_diff_progress WHERE split = $1 AND relation = $2 RETURNING at)
            INSERT INTO strata.split_diffs (split, relation, found, finished_at)
            SELECT $1, $2, $3::jsonb, coalesce((SELECT at FROM begun), clock_timestamp())
            ON CONFLICT (split, relation) DO UPDATE SET found = excluded.found, finished_at = excluded.finished_at
            """, [.int(split), .oid(relation), .text(try JSONRecord.encode(found))])
    }
}
