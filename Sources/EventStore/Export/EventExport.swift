package import Foundation
import PostgresDriver

/// Streams as lines of JSON, read in slices: no transaction stays open, so that it holds up neither vacuum nor the archive, and
/// a replica may be read that replays meanwhile. Memory is that of one slice.
package struct EventExport: Sendable {
    /// What is wanted of a stream. Positions and times bound it together.
    package struct Bounds: Sendable, Hashable {
        /// Events behind this position; nil: from the first that is there.
        package var after: Int?
        /// Up to this position; nil: to the end as it is when the export comes to the stream.
        package var upTo: Int?
        /// Events of this time or later.
        package var from: Date?
        /// Events before this time.
        package var to: Date?

        package init(after: Int? = nil, upTo: Int? = nil, from: Date? = nil, to: Date? = nil) {
            (self.after, self.upTo, self.from, self.to) = (after, upTo, from, to)
        }
    }

    private let reader: EventReader
    private let directory: Directory
    private let organization: UUID
    private let bounds: Bounds
    /// Bytes of events in one slice.
    private static let sliceBytes = 1 << 20

    package init(_ reader: EventReader, _ directory: Directory, of organization: UUID, _ bounds: Bounds = Bounds()) {
        (self.reader, self.directory, self.organization, self.bounds) = (reader, directory, organization, bounds)
    }

    /// One stream.
    ///
    /// - Parameter onProgress: after each slice, with its events.
    /// - Throws: `EventStoreRefusal.outOfRange` where `after` is below what is archived; `EventStoreProblem`, `PostgresError`.
    /// - Returns: nil where there is no event within the bounds.
    package func write(
        _ stream: EventStream, to file: EventFile, onProgress: @Sendable (Int) -> Void = { _ in }
    ) async throws -> EventManifest.Stream? {
        let place = EventLine.Place(organization: organization, stream: stream.id, name: stream.name)
        var position = try await start(stream)
        let end = try await end(stream)
        var found: EventManifest.Stream?
        while position < end {
            try Task.checkCancellation()
            let slice = try await reader.read(
                stream.id, of: organization, after: position, upTo: end, limit: 1_000, bytes: Self.sliceBytes)
            guard let last = slice.next else { break }
            var chunk: [UInt8] = []
            for event in slice.events { EventLine.append(event, place, to: &chunk) }
            try await file.write(chunk)
            found =
                found
                ?? EventManifest.Stream(
                    name: stream.name, id: stream.id.uuidString.lowercased(), events: 0,
                    firstPosition: slice.events[0].position, lastPosition: last)
            found?.events += slice.events.count
            found?.lastPosition = last
            position = last
            onProgress(slice.events.count)
        }
        return found
    }

    /// All active streams of the organisation, in the order of their names.
    ///
    /// - Returns: those with events within the bounds, at most 10,000, and how many were left out because they are inactive.
    package func writeAll(
        to file: EventFile, onProgress: @Sendable (Int) -> Void = { _ in }
    ) async throws -> (streams: [EventManifest.Stream], inactive: Int) {
        var (streams, inactive, name) = ([EventManifest.Stream](), 0, "")
        while true {
            let page = try await directory.streams(of: organization, after: name, limit: 1_000)
            guard let last = page.last else { return (streams, inactive) }
            name = last.name
            for stream in page {
                guard stream.isActive else {
                    inactive += 1
                    continue
                }
                if let written = try await write(stream, to: file, onProgress: onProgress),
                    streams.count < EventManifest.mostStreams
                {
                    streams.append(written)
                }
            }
        }
    }

    private func start(_ stream: EventStream) async throws -> Int {
        if let after = bounds.after, after < stream.floorPosition {
            throw EventStoreRefusal.outOfRange(floor: stream.floorPosition)
        }
        let first = bounds.after ?? stream.floorPosition
        guard let from = bounds.from else { return first }
        return max(first, try await reader.position(before: from, in: stream.id, of: organization))
    }

    private func end(_ stream: EventStream) async throws -> Int {
        let last = min(bounds.upTo ?? .max, stream.lastPosition)
        guard let to = bounds.to else { return last }
        return min(last, try await reader.position(before: to, in: stream.id, of: organization))
    }
}

extension EventReader {
    /// The position before the first event of that time or later; that of the last event where there is none.
    package func position(before time: Date, in stream: UUID, of organization: UUID) async throws -> Int {
        try await call(
            """
            SELECT \(schema.schema).position_before($1::uuid, $2::uuid, timestamp '1970-01-01' + $3 * interval '1 millisecond') AS position
            """,
            [.id(organization), .id(stream), .int(Int((time.timeIntervalSince1970 * 1000).rounded()))]
        ).only().int("position")
    }
}

/// An export that is to be a file with a manifest beside it.
package struct EventExportFile: Sendable {
    package let path: String

    /// - Parameter replaces: what is there may be written over.
    /// - Throws: `EventStoreProblem`: there is a whole export of that name already.
    package init(_ path: String, replaces: Bool) throws {
        self.path = path
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
            throw EventStoreProblem("file", "\(path) is a folder", next: "name a file in it")
        }
        // Without a manifest it was cut off between the two.
        if !replaces, FileManager.default.fileExists(atPath: path),
            FileManager.default.fileExists(atPath: EventManifest.path(beside: path))
        {
            throw EventStoreProblem(
                "file", "\(path) is there already", next: "name another file, or say --replace to write over it")
        }
    }

    /// Writes what `body` gives to the file; nothing of it stays where that fails.
    package func write(
        _ body: (EventFile) async throws -> [EventManifest.Stream]
    ) async throws -> EventManifest {
        let file = try EventFile(path)
        do {
            let streams = try await body(file)
            // The old one is not that of the new file.
            unlink(EventManifest.path(beside: path))
            var manifest = EventManifest(.export, of: path, try await file.finish())
            manifest.streams = streams
            try manifest.write(beside: path)
            return manifest
        } catch {
            file.discard()
            throw error
        }
    }
}
