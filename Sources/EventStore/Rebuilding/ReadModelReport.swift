/// What a comparison of two read models has found, table by table.
package struct ReadModelReport: Sendable, Hashable, Codable {
    package struct Table: Sendable, Hashable, Codable {
        package var name: String
        package var liveRows: Int
        package var rebuiltRows: Int
        /// Of all rows, in any order.
        package var liveChecksum: String
        package var rebuiltChecksum: String
        /// Filled where the checksums differ.
        package var difference: Difference?

        package var isEqual: Bool { liveRows == rebuiltRows && liveChecksum == rebuiltChecksum }
    }

    package struct Difference: Sendable, Hashable, Codable {
        package var onlyLive = 0
        package var onlyRebuilt = 0
        package var changed = 0
        /// Columns that differ in rows that both have, with the number of those.
        package var columns: [String: Int] = [:]
        /// Keys of the first rows that differ, at most 5.
        package var examples: [String] = []

        mutating func note(_ key: String) {
            if examples.count < 5 { examples.append(String(key.prefix(200))) }
        }
    }

    /// Both read models were compared as they are after this event.
    package var position: Int
    package var tables: [Table]

    package var isEqual: Bool { tables.allSatisfy(\.isEqual) }
}

/// Rows of both sides, sorted by the bytes of their keys, side by side. No I/O.
struct ReadModelMerge {
    struct Row: Hashable {
        var key: String
        /// A hash of each column.
        var hashes: [String]
    }

    let columns: [String]
    private(set) var difference = ReadModelReport.Difference()

    init(columns: [String]) { self.columns = columns }

    enum Next: Hashable { case live, rebuilt, both, end }

    /// Takes the smaller of the two, or both where they have one key.
    mutating func take(_ live: Row?, _ rebuilt: Row?) -> Next {
        guard let live else {
            guard let rebuilt else { return .end }
            difference.onlyRebuilt += 1
            difference.note(rebuilt.key)
            return .rebuilt
        }
        guard let rebuilt, !live.key.utf8.lexicographicallyPrecedes(rebuilt.key.utf8) else {
            difference.onlyLive += 1
            difference.note(live.key)
            return .live
        }
        guard live.key == rebuilt.key else {
            difference.onlyRebuilt += 1
            difference.note(rebuilt.key)
            return .rebuilt
        }
        guard live.hashes != rebuilt.hashes else { return .both }
        difference.changed += 1
        difference.note(live.key)
        for (column, pair) in zip(columns, zip(live.hashes, rebuilt.hashes)) where pair.0 != pair.1 {
            difference.columns[column, default: 0] += 1
        }
        return .both
    }
}
