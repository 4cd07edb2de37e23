/// Rows of a table that are loaded in one transaction, with the line of the journal that says so.
package struct Chunk: Sendable, Hashable {
    /// Of the file.
    package var table: String
    /// Rowids, both included; nil for a table without them, which is one chunk.
    package var rowids: ClosedRange<Int64>?

    package init(_ table: String, _ rowids: ClosedRange<Int64>?) { (self.table, self.rowids) = (table, rowids) }

    /// Rows that a chunk is meant to have: a kill loses the work on one chunk of each connection at most.
    package static let rows = 50_000

    /// What is still to be loaded of a table.
    ///
    /// - Parameters:
    ///   - done: ranges that the journal has, in any order.
    package static func remaining(
        _ table: SourceTable, _ evidence: TableEvidence, done: [ClosedRange<Int64>], isDone: Bool
    ) -> [Chunk] {
        guard !isDone, evidence.rows > 0 else { return [] }
        guard table.rowidName != nil, let low = evidence.smallestRowid, let high = evidence.largestRowid else {
            return [Chunk(table.name, nil)]
        }
        return gaps(in: low...high, done).flatMap { gap in split(gap, evidence) }.map { Chunk(table.name, $0) }
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
    private static func split(_ gap: ClosedRange<Int64>, _ evidence: TableEvidence) -> [ClosedRange<Int64>] {
        guard evidence.rows > rows, !evidence.boundaries.isEmpty else { return [gap] }
        let rowsBetween = max(1, evidence.rows / (evidence.boundaries.count + 1))
        let step = max(1, rows / rowsBetween)
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
