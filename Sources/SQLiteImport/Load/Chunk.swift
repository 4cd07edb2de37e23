/// Rows of a table that are loaded in one transaction, with the line of the journal that says so.
package struct Chunk: Sendable, Hashable {
    /// Of the file.
    package var table: String
    package var rows: Rows

    package enum Rows: Sendable, Hashable {
        /// Rowids, both included.
        case rowids(ClosedRange<Int64>)
        /// Of a table without rowids: as many as a chunk is meant to have, in the order of its key.
        case keys(Place)
        /// Of a table whose rows nothing tells apart.
        case all
    }

    /// Where a chunk begins that follows others of its table.
    package struct Place: Sendable, Hashable {
        /// 1 for the first chunk of the table.
        package var number: Int
        /// The key of the last row before it; nil for the first.
        package var behind: [KeyValue]?
        /// Rows of the chunks before it.
        package var rowsBefore: Int

        package init(number: Int = 1, behind: [KeyValue]? = nil, rowsBefore: Int = 0) {
            (self.number, self.behind, self.rowsBefore) = (number, behind, rowsBefore)
        }
    }

    package init(_ table: String, _ rows: Rows) { (self.table, self.rows) = (table, rows) }

    package var rowids: ClosedRange<Int64>? {
        if case .rowids(let range) = rows { range } else { nil }
    }

    /// Rows that a chunk is meant to have: a kill loses the work on one chunk of each connection at most.
    package static let usualRows = 50_000

    /// What can be loaded next of a table: all that is left by ranges of rowids, or else the one chunk that comes next.
    ///
    /// - Parameters:
    ///   - done: ranges that the journal has, in any order.
    ///   - next: where the journal's last chunk by keys ended.
    ///   - size: rows of a chunk.
    package static func remaining(
        _ table: SourceTable, _ evidence: TableEvidence, done: [ClosedRange<Int64>] = [], next: Place? = nil,
        isDone: Bool = false, size: Int = usualRows
    ) -> [Chunk] {
        guard !isDone, evidence.rows > 0 else { return [] }
        if table.rowidName != nil, let low = evidence.smallestRowid, let high = evidence.largestRowid {
            return gaps(in: low...high, done).flatMap { split($0, evidence, size) }.map {
                Chunk(table.name, .rowids($0))
            }
        }
        return [Chunk(table.name, KeyOrder(table) == nil ? .all : .keys(next ?? Place()))]
    }

    /// What is left of it, where it ended before its end.
    package func rest(_ result: ChunkResult) -> Chunk? {
        switch (rows, result.stop) {
        case (.rowids(let range), .rowid(let last)) where last < range.upperBound:
            return Chunk(table, .rowids(last + 1...range.upperBound))
        case (.keys(let place), .key(let key)):
            let next = Place(number: place.number + 1, behind: key, rowsBefore: place.rowsBefore + result.read)
            return Chunk(table, .keys(next))
        default: return nil
        }
    }

    /// Parts of a range that no other covers.
    static func gaps(in whole: ClosedRange<Int64>, _ done: [ClosedRange<Int64>]) -> [ClosedRange<Int64>] {
        var gaps: [ClosedRange<Int64>] = []
        var next = whole.lowerBound
        for range in done.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if range.lowerBound > next { gaps.append(next...min(range.lowerBound - 1, whole.upperBound)) }
            guard range.upperBound < whole.upperBound else { return gaps }
            next = max(next, range.upperBound + 1)
        }
        if next <= whole.upperBound { gaps.append(next...whole.upperBound) }
        return gaps
    }

    /// At boundaries that the evidence pass has left, so that parts have about as many rows as they are meant to.
    private static func split(
        _ gap: ClosedRange<Int64>, _ evidence: TableEvidence, _ size: Int
    ) -> [ClosedRange<Int64>] {
        guard evidence.rows > size, !evidence.boundaries.isEmpty else { return [gap] }
        let rowsBetween = max(1, evidence.rows / (evidence.boundaries.count + 1))
        let step = max(1, size / rowsBetween)
        let starts = stride(from: step - 1, to: evidence.boundaries.count, by: step).map { evidence.boundaries[$0] }
            .filter { $0 > gap.lowerBound && $0 <= gap.upperBound }
        var ranges: [ClosedRange<Int64>] = []
        var low = gap.lowerBound
        for start in starts {
            ranges.append(low...start - 1)
            low = start
        }
        ranges.append(low...gap.upperBound)
        return ranges
    }
}
