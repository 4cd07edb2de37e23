/// A part of a table that one worker copies: pages from `first` up to, and without, `end`; without an `end` all that
/// follow, for the table may have grown since it was measured.
///
/// Pages and not keys: they need no key, are of one size whatever the keys are, and are read from the disk in order. All
/// workers read the same snapshot, in which each row is on one page.
package struct PageRange: Sendable, Hashable {
    package var first: Int64
    package var end: Int64?

    package init(first: Int64, end: Int64?) {
        self.first = first
        self.end = end
    }

    /// - Parameters:
    ///   - pages: how many the table has.
    ///   - size: how many each range has; one more than half of it makes no range of its own.
    package static func ranges(pages: Int64, size: Int64) -> [PageRange] {
        guard pages > size + size / 2, size > 0 else { return [PageRange(first: 0, end: nil)] }
        let count = (pages + size / 2) / size
        return (0..<count).map { PageRange(first: $0 * size, end: $0 == count - 1 ? nil : ($0 + 1) * size) }
    }

    /// A worker's share of the pages of all tables: a table is cut only where one worker would be left with it. Rows of ranges
    /// that are copied at once mix on the target's pages, and an index is built faster of rows that come in its order.
    ///
    /// - Returns: `least` or more.
    package static func size(of pages: [Int64], workers: Int, least: Int64) -> Int64 {
        let workers = Int64(max(workers, 1))
        return max(least, (pages.reduce(0, +) + workers - 1) / workers)
    }

    /// The condition in SQL, empty for a whole table. Source: PostgreSQL 14's TID range scans.
    package var condition: String {
        var parts: [String] = []
        if first > 0 { parts.append("ctid >= '(\(first),0)'::tid") }
        if let end { parts.append("ctid < '(\(end),0)'::tid") }
        return parts.joined(separator: " AND ")
    }
}
