/// What a file of events, or the same lines from the database, add up to.
package struct EventTally: Sendable, Hashable, Codable {
    /// Lines, each with its end.
    package var events: Int
    package var bytes: Int
    /// Of all bytes, in hexadecimal.
    package var sha256: String
}

/// Adds lines up as they pass.
struct EventTallying: ~Copyable {
    private(set) var events = 0
    private(set) var bytes = 0
    private var digest: Digest

    init() throws { digest = try Digest() }

    mutating func add(_ chunk: [UInt8]) throws {
        bytes += chunk.count
        try chunk.withUnsafeBytes { buffer in
            events += buffer.reduce(0) { $0 + ($1 == 0x0A ? 1 : 0) }
            try digest.add(buffer)
        }
    }

    mutating func finish() throws -> EventTally {
        EventTally(events: events, bytes: bytes, sha256: try digest.finish())
    }
}
