import EventStore
public import Foundation
import PostgresDriver

/// An organisation's streams, for a Swift service.
///
/// It talks to the database itself, with the rights of the role that the URL names, which has to be a member of
/// `strata_events` and is trusted with every organisation. Appends of all tasks of a process share transactions.
public final class EventClient: Sendable {
    let organization: UUID
    let reader: EventReader
    let writer: EventWriter
    let intake: EventIntake
    let watch: StreamWatch
    private let directory: Directory
    private let watching: Task<Void, Never>

    /// - Parameters:
    ///   - url: of the database, as psql takes it; empty: what PG* variables say.
    ///   - schema: of the event store.
    ///   - organization: its id or name.
    ///   - connections: for reading and consuming, 1 to 1,000; opened when needed. Appends have four more.
    /// - Throws: `EventError`.
    public init(
        url: String = "", schema: String = "events", organization: String, connections: Int = 8
    ) async throws {
        let (settings, schema) = try await EventError.told {
            (try ConnectionSettings(url), EventSchema(name: schema))
        }
        let directory = Directory(settings, schema: schema)
        let found: UUID
        do {
            found = try await Self.find(organization, directory)
        } catch {
            await directory.close()
            throw error
        }
        let watch = StreamWatch(settings, schema: schema)
        (self.organization, self.directory, self.watch) = (found, directory, watch)
        reader = EventReader(settings, schema: schema, connections: min(max(connections, 1), 1_000))
        writer = EventWriter(settings, schema: schema) { parts in Task { await watch.grown(parts) } }
        intake = EventIntake(writer, SchemaCache(directory))
        watching = Task { await watch.run() }
    }

    private static func find(_ organization: String, _ directory: Directory) async throws -> UUID {
        try await EventError.told {
            try await directory.requireStore()
            let all = try await directory.organizations().filter(\.isActive)
            let found = all.filter { $0.id == UUID(uuidString: organization) || $0.name == organization }
            guard found.count == 1 else {
                throw EventError.notFound(
                    found.isEmpty
                        ? "there is no active organisation \(organization)"
                        : "\(found.count) organisations are called \(organization): give the id")
            }
            return found[0].id
        }
    }

    /// Ends its connections. What is under way ends first.
    public func close() async {
        watching.cancel()
        await watching.value
        await writer.close()
        await reader.close()
        await directory.close()
    }

    /// A stream that is there.
    ///
    /// - Throws: `EventError.notFound`.
    public func stream(_ name: String) async throws -> EventStreamHandle {
        try await EventError.told {
            EventStreamHandle(
                client: self, id: try await directory.stream(named: name, of: organization).id, name: name)
        }
    }

    /// A stream, which is made if it is not there.
    public func makeStream(_ name: String) async throws -> EventStreamHandle {
        do {
            return try await EventError.told {
                EventStreamHandle(
                    client: self, id: try await directory.createStream(name, of: organization).id, name: name)
            }
        } catch EventError.invalid {
            return try await stream(name)
        }
    }

    /// Appends to several streams, each named once: all or nothing.
    ///
    /// - Parameter idempotencyKey: the same parts under the same key are appended once; 1 to 200 bytes.
    /// - Returns: for each part what it has got.
    public func append(
        _ parts: [(stream: EventStreamHandle, events: [OutgoingEvent], expecting: StreamVersion)],
        idempotencyKey: String? = nil
    ) async throws -> [Recorded] {
        let request = AppendRequest(
            organization,
            parts.map { AppendPart($0.stream.id, $0.events.map(\.event), expected: $0.expecting.expected) },
            idempotencyKey: idempotencyKey)
        return try await EventError.told {
            try await intake.append(request, payloads: parts.map { $0.events.map(\.payload) })
        }.map { Recorded($0) }
    }
}

/// Which version of a stream its writer has seen: the position of its last event.
public enum StreamVersion: Sendable, Hashable {
    case any
    /// Nothing has been appended yet.
    case empty
    case at(Int)

    var expected: ExpectedVersion {
        switch self {
        case .any: .any
        case .empty: .none
        case .at(let position): position == 0 ? .none : .exact(position)
        }
    }
}

/// What was appended, and is on disk.
public struct Recorded: Sendable, Hashable {
    public let ids: [UUID]
    public let positions: ClosedRange<Int>
    public let at: Date
    /// It had been appended before, under the same idempotency key.
    public let isRepeated: Bool

    init(_ part: AppendedPart) {
        (ids, positions, at, isRepeated) = (part.ids, part.positions, part.at, part.isRepeated)
    }
}
