import EventStore
import Foundation
import PostgresDriver

/// How much a request may be.
package struct ServiceLimits: Sendable {
    /// Of one request's body, but for NDJSON, which comes in parts: 1 KiB to 16 MiB.
    package var requestBytes = 8 << 20
    /// Of one event: 1 KiB to 1 MiB.
    package var eventBytes = 1 << 20
    /// Requests of one key, or person, a second on average, and at once.
    package var requestsPerSecond = 2_000
    package var requestsAtOnce = 4_000
    /// How long a poll may wait for events.
    package var longestPoll = Duration.seconds(30)

    package init() {}
}

/// What routes work with.
struct ServicePlace: Sendable {
    let limits: ServiceLimits
    let directory: Directory
    let reader: EventReader
    let writer: EventWriter
    let intake: EventIntake
    let watch: StreamWatch
    let callers: Callers
    let names: StreamNames
    let groups: GroupNames

    init(_ settings: ConnectionSettings, schema: EventSchema, limits: ServiceLimits) {
        self.limits = limits
        directory = Directory(settings, schema: schema)
        reader = EventReader(settings, schema: schema, connections: 16)
        let watch = StreamWatch(settings, schema: schema)
        self.watch = watch
        writer = EventWriter(settings, schema: schema) { parts in Task { await watch.grown(parts) } }
        intake = EventIntake(writer, SchemaCache(directory))
        callers = Callers(settings, schema: schema)
        names = StreamNames(directory)
        groups = GroupNames(directory)
    }

    func close() async {
        await writer.close()
        await reader.close()
        await directory.close()
        await callers.close()
    }

    /// The stream that the path names, by id or name.
    func streamID(_ context: ServiceContext, _ caller: Caller) async throws -> UUID {
        try await streamID(try Self.parameter("stream", context), caller)
    }

    func streamID(_ name: String, _ caller: Caller) async throws -> UUID {
        if let id = UUID(uuidString: name) { return id }
        return try await names.id(of: name, caller.organization)
    }

    func stream(_ context: ServiceContext, _ scope: Scope) async throws -> (caller: Caller, stream: EventStream) {
        let caller = try context.caller(for: scope)
        let name = try Self.parameter("stream", context)
        if let id = UUID(uuidString: name) { return (caller, try await directory.stream(id, of: caller.organization)) }
        return (caller, try await directory.stream(named: name, of: caller.organization))
    }

    static func parameter(_ name: String, _ context: ServiceContext) throws -> String {
        guard let text = context.parameters.get(name)?.removingPercentEncoding, (1...800).contains(text.utf8.count) else {
            throw Problem(.malformed, "The path's \(name) cannot be read.")
        }
        return text
    }

    static func id(_ name: String, _ context: ServiceContext) throws -> UUID {
        guard let id = UUID(uuidString: try parameter(name, context)) else {
            throw Problem(.notFound, "There is no such \(name): the path has its id.")
        }
        return id
    }
}

/// Ids of streams by name. A stream's name is its own for good, so what is known stays true.
actor StreamNames {
    private struct Key: Hashable {
        var organization: UUID
        var name: String
    }

    private let directory: Directory
    private var known: [Key: UUID] = [:]
    private static let most = 100_000

    init(_ directory: Directory) { self.directory = directory }

    func id(of name: String, _ organization: UUID) async throws -> UUID {
        let key = Key(organization: organization, name: name)
        if let id = known[key] { return id }
        let id = try await directory.stream(named: name, of: organization).id
        if known.count >= Self.most { known.removeAll(keepingCapacity: true) }
        known[key] = id
        return id
    }
}

/// Ids of groups by name; those too are its own for good.
actor GroupNames {
    private struct Key: Hashable {
        var organization: UUID
        var stream: UUID
        var name: String
    }

    private let directory: Directory
    private var known: [Key: UUID] = [:]
    private static let most = 100_000

    init(_ directory: Directory) { self.directory = directory }

    func id(of name: String, on stream: UUID, _ organization: UUID) async throws -> UUID {
        let key = Key(organization: organization, stream: stream, name: name)
        if let id = known[key] { return id }
        let groups = try await directory.groups(on: stream, of: organization)
        guard let id = groups.first(where: { $0.name == name })?.id else {
            throw Problem(.notFound, "The stream has no such group.")
        }
        if known.count >= Self.most { known.removeAll(keepingCapacity: true) }
        known[key] = id
        return id
    }
}
