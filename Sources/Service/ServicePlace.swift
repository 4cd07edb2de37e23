import EventStore
import Foundation
import PostgresDriver
import ServiceLifecycle

/// How much a request may be.
package struct ServiceLimits: Sendable {
    /// Of one request's body, but for NDJSON, which comes in parts: 1 KiB to 16 MiB.
    package var requestBytes = 8 << 20
    /// Of one event: 1 KiB to 1 MiB.
    package var eventBytes = 1 << 20
    /// Requests of one key, or person, a second on average, and at once.
    package var requestsPerSecond = 2_000
    package var requestsAtOnce = 4_000
    /// Attempts to log in with one address, on average, and at once.
    package var loginsPerMinute = 6.0
    package var loginsAtOnce = 10
    /// How long polls and reads wait for events at most, whatever they ask for.
    package var longestWait = Duration.seconds(30)
    /// Connections of clients at a time; further ones wait.
    package var connections = 10_000
    /// How long a connection may be silent.
    package var idleTime = Duration.seconds(75)

    package init() {}
}

/// What routes work with. One for all requests, whose copies of it would cost more than some of them.
final class ServicePlace: Sendable {
    let limits: ServiceLimits
    let directory: Directory
    let reader: EventReader
    let writer: EventWriter
    let intake: EventIntake
    let watch: StreamWatch
    let callers: Callers
    let names: StreamNames
    let groups: GroupNames
    let metrics = ServiceMetrics()
    let groupGauge: GroupGauge
    /// What is asked for the metrics, on a connection of its own: requests do not wait for it.
    private let figures: Directory
    let subjects: SubjectAccess
    /// Attempts to log in, by address.
    let logins: RequestLimits<String>

    init(
        _ settings: ConnectionSettings, schema: EventSchema, limits: ServiceLimits, subjects: SubjectAccess
    ) {
        (self.limits, self.subjects) = (limits, subjects)
        let figures = Directory(settings, schema: schema, connections: 1)
        self.figures = figures
        groupGauge = GroupGauge { try await figures.groupFigures(most: GroupGauge.most, limit: .seconds(2)) }
        directory = Directory(settings, schema: schema)
        reader = EventReader(settings, schema: schema, connections: 16, subjects: subjects)
        let watch = StreamWatch(settings, schema: schema)
        self.watch = watch
        let metrics = metrics
        writer = EventWriter(settings, schema: schema) { parts in
            metrics.appended(parts.reduce(0) { $0 + $1.ids.count })
            Task { await watch.grown(parts) }
        }
        intake = EventIntake(writer, SchemaCache(directory), subjects: subjects)
        callers = Callers(settings, schema: schema)
        names = StreamNames(directory)
        groups = GroupNames(directory)
        logins = RequestLimits(rate: limits.loginsPerMinute / 60, burst: Double(limits.loginsAtOnce))
    }

    func close() async {
        await writer.close()
        await reader.close()
        await directory.close()
        await figures.close()
        await callers.close()
    }

    nonisolated(nonsending) func streamID(_ name: String, _ organization: UUID) async throws -> UUID {
        if let id = UUID(text: name) { return id }
        return try await names.id(of: name, organization)
    }

    // MARK: Waiting

    /// Waits as long as the service goes on.
    func untilEnding(_ body: @escaping @Sendable () async -> Void) async {
        await cancelWhenGracefulShutdown { await body() }
    }

    /// Waits for something; when the service ends, looks once more without waiting, so that nobody is left without an answer.
    func unlessEnding<T: Sendable>(
        _ wait: Duration, _ body: @escaping @Sendable (Duration) async throws -> T
    ) async throws -> T {
        let wait = min(wait, limits.longestWait)
        guard wait > .zero else { return try await body(.zero) }
        do {
            return try await cancelWhenGracefulShutdown { try await body(wait) }
        } catch is CancellationError {
            try Task.checkCancellation()
            return try await body(.zero)
        }
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

/// Ids of groups, by name or id, that are known to be on a stream; a group's name too is its own for good.
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
        guard let id = groups.first(where: { $0.name == name || $0.id == UUID(uuidString: name) })?.id else {
            throw Problem(.notFound, "The stream has no such group.")
        }
        if known.count >= Self.most { known.removeAll(keepingCapacity: true) }
        known[key] = id
        return id
    }
}
