package import PostgresDriver
import SQLSyntax
import Synchronization

/// Compares the file with the target, row by row by digests, and says which rows differ.
package struct ImportVerification: Sendable {
    /// What a table's comparison found.
    package struct Table: Sendable, Hashable, Codable {
        /// Of the file.
        package var table: String
        /// Schema and name in PostgreSQL.
        package var target: String
        /// Rows of the file that an import loads.
        package var expected: Int
        package var found: Int
        /// Rowids that differ, are missing or too many, at most ten; empty for a table that has no rowid in PostgreSQL.
        package var rowids: [Int64] = []
        /// Columns whose values are not compared, for their type's text is not what was loaded.
        package var notCompared: [String] = []
        package var isEqual: Bool
    }

    let snapshot: SourceSnapshot
    let settings: ConnectionSettings
    let tables: [PlannedTable]
    let jobs: Int
    let listener: @Sendable (ImportEvent) -> Void

    package init(
        _ snapshot: SourceSnapshot, target: ConnectionSettings, tables: [PlannedTable], jobs: Int,
        listener: @escaping @Sendable (ImportEvent) -> Void = { _ in }
    ) {
        (self.snapshot, settings, self.tables, self.jobs, self.listener) = (snapshot, target, tables, jobs, listener)
    }

    /// - Parameter refused: rows that the server refused, of the journal.
    package func run(refused: [String: [Reject]] = [:]) async throws -> [Table] {
        let control = try await Connection.open(settings)
        var texts: Set<String> = []
        do { texts = try await Self.textTypes(control) } catch {
            await control.close()
            throw error
        }
        await control.close()
        let box = WorkBox(work: tables.indices.reversed())
        let found = try await withThrowingTaskGroup(of: [(Int, Table)].self) { group in
            for reader in snapshot.readers.prefix(max(1, min(jobs, tables.count))) {
                group.addTask { [texts] in
                    let connection = try await Connection.open(settings)
                    do {
                        var found: [(Int, Table)] = []
                        while let index = box.next() {
                            let table = tables[index]
                            let comparison = TableComparison(
                                table: table, reader: reader, connection: connection,
                                refused: refused[table.load.source.name] ?? [], textTypes: texts, listener: listener)
                            found.append((index, try await comparison.run()))
                        }
                        await connection.close()
                        return found
                    } catch {
                        await connection.close()
                        throw error
                    }
                }
            }
            var all: [(Int, Table)] = []
            for try await found in group { all += found }
            return all
        }
        return found.sorted { $0.0 < $1.0 }.map(\.1)
    }

    /// Types of the target's own whose text is what was loaded: enums, and kinds of text such as citext.
    private static func textTypes(_ connection: Connection) async throws -> Set<String> {
        Set(
            try await connection.query(
                """
                SELECT format_type(oid, NULL) AS name FROM pg_type
                WHERE typtype = 'e' OR typcategory = 'S' AND typtype IN ('b', 'd')
                """
            ).map { try $0.string("name") })
    }
}

/// The tables that wait to be compared.
private final class WorkBox: Sendable {
    private let work: Mutex<[Int]>
    init(work: some Sequence<Int>) { self.work = Mutex(Array(work)) }
    func next() -> Int? { work.withLock { $0.popLast() } }
}

/// One table, in ranges where it has rowids on both sides.
private struct TableComparison {
    let table: PlannedTable
    let reader: SourceReader
    let connection: Connection
    let refused: [Reject]
    let textTypes: Set<String>
    let listener: @Sendable (ImportEvent) -> Void

    private var load: LoadTable { table.load }

    private var values: [CanonicalValue] {
        load.columns.map { column in
            guard case .other(let name) = column.type else { return CanonicalValue(column, isCompared: true) }
            if column.type.isInterval { return CanonicalValue(column, isCompared: column.unit != nil) }
            let isText = name.hasPrefix("character(") || textTypes.contains(String(name.prefix { $0 != "(" }))
            return CanonicalValue(column, isCompared: isText)
        }
    }

    /// The column of the target that has the rowid, if it came there as a whole number.
    private var key: String? {
        guard let alias = load.source.rowidAlias, let column = load.columns.first(where: { $0.source == alias }) else {
            return nil
        }
        return [.bigint, .integer].contains(column.type) ? column.name : nil
    }

    func run() async throws -> ImportVerification.Table {
        let digests = (
            source: SourceDigest(
                table: load, values: values, refused: Set(refused.compactMap(\.rowid)),
                refusedKeys: Set(refused.filter { $0.rowid == nil }.map(\.key))),
            target: TargetDigest(table: load, values: values)
        )
        var source = RowDigest()
        var different: [ClosedRange<Int64>] = []
        for range in ranges {
            let (left, right) = try await compare(range, digests.source, digests.target, reports: true)
            source = source + left
            if left != right { different.append(range ?? Int64.min...Int64.max) }
        }
        // Also those beyond all ranges of the file.
        let total = try await connection.query("SELECT count(*) AS rows FROM \(load.target)").only().int("rows")
        var result = ImportVerification.Table(
            table: load.source.name, target: load.target, expected: source.rows, found: total, isEqual: true)
        result.isEqual = different.isEmpty && total == source.rows
        result.notCompared = zip(load.columns, values).filter { !$0.1.isCompared }.map(\.0.name)
        if key != nil {
            for range in different where result.rowids.count < 10 {
                try await narrow(range, digests.source, digests.target, &result.rowids)
            }
        }
        return result
    }

    /// About 200,000 rows each.
    private var ranges: [ClosedRange<Int64>?] {
        guard key != nil, let low = table.evidence.smallestRowid, let high = table.evidence.largestRowid else {
            return [nil]
        }
        let boundaries = table.evidence.boundaries
        let step = max(1, 200_000 * (boundaries.count + 1) / max(1, table.evidence.rows))
        var ranges: [ClosedRange<Int64>] = []
        var start = low
        for index in stride(from: step - 1, to: boundaries.count, by: step) where boundaries[index] > start {
            ranges.append(start...boundaries[index] - 1)
            start = boundaries[index]
        }
        return ranges + [start...high]
    }

    private func compare(
        _ range: ClosedRange<Int64>?, _ source: SourceDigest, _ target: TargetDigest, reports: Bool
    ) async throws -> (RowDigest, RowDigest) {
        let sql = target.sql(range, key: key)
        let (listener, name) = (listener, load.source.name)
        async let left = reader.run { database in
            try source.digest(database, range) { if reports { listener(.looked(table: name, rows: $0)) } }
        }
        let row = try await connection.query(sql).only()
        let right = RowDigest(rows: try row.int("rows"), sum: Int128(try row.string("sum")) ?? 0)
        return (try await left, right)
    }

    /// By halves, down to rows; at most ten of them, in a bounded number of looks.
    private func narrow(
        _ range: ClosedRange<Int64>, _ source: SourceDigest, _ target: TargetDigest, _ found: inout [Int64]
    ) async throws {
        var waiting = [range]
        var looks = 0
        while let range = waiting.popLast(), found.count < 10, looks < 1000 {
            looks += 1
            let (left, right) = try await compare(range, source, target, reports: false)
            if left == right { continue }
            if range.lowerBound == range.upperBound {
                found.append(range.lowerBound)
                continue
            }
            let middle = range.lowerBound + (range.upperBound - range.lowerBound) / 2
            waiting.append(middle + 1...range.upperBound)
            waiting.append(range.lowerBound...middle)
        }
    }
}
