import Foundation

/// What stands beside a file of events: what is in it, and how to find out whether it still is.
package struct EventManifest: Sendable, Hashable, Codable {
    package enum Kind: String, Sendable, Codable {
        /// Of streams, by `strata events export`.
        case export
        /// A whole partition of the store, by `strata events archive`.
        case partition
    }

    package struct Stream: Sendable, Hashable, Codable {
        package var name: String
        package var id: String
        package var events: Int
        package var firstPosition: Int
        package var lastPosition: Int

        enum CodingKeys: String, CodingKey {
            case name, id, events
            case firstPosition = "first_position"
            case lastPosition = "last_position"
        }
    }

    /// Of the lines.
    package static let format = "strata-events-1"
    /// So many streams are listed at most.
    static let mostStreams = 10_000

    package var format = EventManifest.format
    package var kind: Kind
    /// The name of the file it is about, which stands beside it.
    package var file: String
    package var events: Int
    package var bytes: Int
    package var sha256: String
    package var createdAt: String
    /// Of an export: its streams with events in it, at most 10,000 of them.
    package var streams: [Stream]?
    /// Of a partition: the store that it was of, its name there, and the time that it was for, its end not in it.
    package var store: String?
    package var partition: String?
    package var from: String?
    package var until: String?

    enum CodingKeys: String, CodingKey {
        case format, kind, file, events, bytes, sha256, streams, store, partition, from, until
        case createdAt = "created_at"
    }

    init(_ kind: Kind, of path: String, _ tally: EventTally) {
        (self.kind, events, bytes, sha256) = (kind, tally.events, tally.bytes, tally.sha256)
        file = URL(fileURLWithPath: path).lastPathComponent
        createdAt = UTCText.text(Date())
    }

    package var tally: EventTally { EventTally(events: events, bytes: bytes, sha256: sha256) }

    package static func path(beside file: String) -> String { file + ".manifest.json" }

    func write(beside path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try FileBytes.replace(
            Self.path(beside: path), with: String(decoding: try encoder.encode(self), as: UTF8.self) + "\n")
    }

    /// - Returns: nil where there is none.
    /// - Throws: `EventStoreProblem` where it cannot be read or is none of this format.
    package static func read(beside path: String) throws -> EventManifest? {
        let own = Self.path(beside: path)
        guard FileManager.default.fileExists(atPath: own) else { return nil }
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: own))
            defer { try? handle.close() }
            let data = try handle.read(upToCount: 8 << 20) ?? Data()
            let manifest = try JSONDecoder().decode(EventManifest.self, from: data)
            guard manifest.format == format else {
                throw EventStoreProblem(
                    "manifest", "\(own) is of format \(manifest.format), which this strata does not know",
                    next: "use the strata that wrote it, or a newer one")
            }
            return manifest
        } catch let error as EventStoreProblem {
            throw error
        } catch {
            throw EventStoreProblem(
                "manifest", "\(own) is no manifest of events: \(error.localizedDescription)",
                next: "take it from a backup, or remove it if the file beside it is of no use")
        }
    }
}
