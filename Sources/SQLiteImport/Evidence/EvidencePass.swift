import GRDB
import Synchronization

/// Looks at every value of every column before anything is decided, in bounded memory, over all connections at once.
package struct EvidencePass: Sendable {
    private let snapshot: SourceSnapshot
    /// Rows that have been read, by table; called every few thousand rows, from any thread.
    private let progress: @Sendable (_ table: String, _ rows: Int) -> Void

    package init(
        _ snapshot: SourceSnapshot, progress: @escaping @Sendable (_ table: String, _ rows: Int) -> Void = { _, _ in }
    ) {
        (self.snapshot, self.progress) = (snapshot, progress)
    }

    /// Evidence by table. Throws `SourceError` where the file is damaged, or `CancellationError`.
    package func run(_ tables: [SourceTable]) async throws -> [String: TableEvidence] {
        let parts = PartQueue(try await self.parts(of: tables))
        let found = try await withThrowingTaskGroup(of: [(Part, TableEvidence)].self) { group in
            for reader in snapshot.readers {
                group.addTask {
                    var found: [(Part, TableEvidence)] = []
                    while let part = parts.next() { found.append((part, try await scan(part, reader))) }
                    return found
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        return merged(found, tables)
    }

    /// A table, or the rows of one whose rowids lie in a range.
    private struct Part: Sendable {
        var table: SourceTable
        var rowids: ClosedRange<Int64>?
    }

    /// What the connections take their work from.
    private final class PartQueue: Sendable {
        private let parts: Mutex<[Part]>
        init(_ parts: [Part]) { self.parts = Mutex(parts.reversed()) }
        func next() -> Part? { parts.withLock { $0.popLast() } }
    }

    /// A table with many rowids is read in as many parts as there are connections.
    private func parts(of tables: [SourceTable]) async throws -> [Part] {
        let readers = Int64(snapshot.readers.count)
        return try await snapshot.readers[0].run { database in
            try tables.flatMap { table -> [Part] in
                guard readers > 1, let rowid = table.rowidName else { return [Part(table: table)] }
                let name = SourceSQL.identifier(table.name)
                // Apart: only alone is each of them a look at one end of the table.
                guard let low = try Int64.fetchOne(database, sql: "SELECT min(\(rowid)) FROM \(name)"),
                    let high = try Int64.fetchOne(database, sql: "SELECT max(\(rowid)) FROM \(name)"),
                    low >= 0, high - low >= 100_000
                else { return [Part(table: table)] }
                let width = (high - low) / readers + 1
                return (0..<readers).map { index in
                    let start = low + index * width
                    return Part(table: table, rowids: start...max(start, min(start + width - 1, high)))
                }
            }
        }
    }

    private func scan(_ part: Part, _ reader: SourceReader) async throws -> TableEvidence {
        let (path, progress) = (reader.path, progress)
        return try await reader.run { database in
            let table = part.table
            let names = table.columns.map(\.name)
            let scan = EvidenceScan(columns: names.count)
            let cursor = try SourceCursor(database, Self.query(part, names))
            if let range = part.rowids { cursor.bind([range.lowerBound, range.upperBound]) }
            let first: Int32 = table.rowidName == nil ? 0 : 1
            var reported = 0
            while try cursor.step() {
                guard scan.add(cursor.handle, first: first) else {
                    throw SourceError.damaged("rows of table \(table.name) are out of order", path: path)
                }
                if scan.rows - reported >= 4096 {
                    progress(table.name, scan.rows - reported)
                    reported = scan.rows
                }
            }
            progress(table.name, scan.rows - reported)
            return scan.evidence(names)
        }
    }

    private static func query(_ part: Part, _ names: [String]) -> String {
        let table = part.table
        let columns = ([table.rowidName].compactMap { $0 } + names.map(SourceSQL.identifier)).joined(separator: ", ")
        var sql = "SELECT \(columns.isEmpty ? "NULL" : columns) FROM \(SourceSQL.identifier(table.name)) NOT INDEXED"
        if let rowid = table.rowidName {
            if part.rowids != nil { sql += " WHERE \(rowid) BETWEEN ?1 AND ?2" }
            sql += " ORDER BY \(rowid)"
        }
        return sql
    }

    private func merged(_ found: [(Part, TableEvidence)], _ tables: [SourceTable]) -> [String: TableEvidence] {
        var result: [String: TableEvidence] = [:]
        for table in tables {
            let parts = found.filter { $0.0.table.name == table.name }
                .sorted { ($0.0.rowids?.lowerBound ?? 0) < ($1.0.rowids?.lowerBound ?? 0) }.map(\.1)
            result[table.name] = parts.dropFirst().reduce(into: parts.first ?? TableEvidence()) { $0.add($1) }
        }
        return result
    }
}

extension TableEvidence {
    /// Of the rows behind.
    mutating func add(_ next: TableEvidence) {
        if rows > 0, next.rows > 0, let start = next.smallestRowid { boundaries.append(start) }
        boundaries += next.boundaries
        rows += next.rows
        smallestRowid = smallestRowid ?? next.smallestRowid
        largestRowid = next.largestRowid ?? largestRowid
        for (name, column) in next.columns { columns[name, default: ColumnEvidence()].add(column) }
    }
}
