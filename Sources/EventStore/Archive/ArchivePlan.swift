package import Foundation

/// Which partitions are over, and what keeps others.
package struct ArchivePlan: Sendable, Hashable {
    /// A stream that has its events kept longer.
    package struct Hold: Sendable, Hashable, Codable {
        package var organization: String
        package var stream: String
        /// nil: for ever.
        package var until: Date?
    }

    /// A consumer group that has not done a partition's events.
    package struct Behind: Sendable, Hashable, Codable {
        package var organization: String
        package var stream: String
        package var group: String
        package var position: Int
        /// Up to where the partition goes.
        package var needed: Int
    }

    package struct Partition: Sendable, Hashable {
        package var name: String
        package var from: Date
        /// Not in it.
        package var until: Date
        /// As the server estimates them, for people.
        package var events: Int
        /// On the server, with indexes.
        package var bytes: Int
        package var streams: Int
        /// The first ten of those that keep it.
        package var holds: [Hold]
        /// The first ten.
        package var behind: [Behind]
        package var isOldEnough: Bool

        package var isDue: Bool { isOldEnough && holds.isEmpty }
    }

    /// Those that an earlier call has detached and not come to the end with.
    package struct Unfinished: Sendable, Hashable {
        package var table: String
        package var partition: String
        package var from: Date
        package var until: Date
    }

    package var unfinished: [Unfinished]
    /// All that have ended, oldest first.
    package var partitions: [Partition]

    /// From the oldest on without a gap: a stream's events go from its beginning.
    package var due: [Partition] { Array(partitions.prefix { $0.isDue }) }
}
