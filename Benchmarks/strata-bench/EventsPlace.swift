import EventStore
import Foundation
import Planning
import PostgresDriver

/// An empty event store in a database of its own.
struct EventsPlace: Sendable {
    static let database = "strata_bench_events"
    /// Of an event's payload and metadata, about; see `event`.
    static let bytes = 215

    let url: String
    let settings: ConnectionSettings
    let schema = EventSchema()
    let directory: Directory
    let organization: UUID
    private let postmaster: pid_t

    init(_ server: BenchServer) async throws {
        try await server.create(Self.database)
        url = server.url(Self.database)
        settings = try server.settings(Self.database)
        let connection = try await Connection.open(settings)
        guard try await connection.query("SHOW fsync").only().string(0) == "on" else {
            throw BenchFailure("the server does not wait for its disk (fsync is off): nothing here means anything")
        }
        try await schema.install(on: connection)
        let line = try await connection.query("SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)")
        postmaster = pid_t(try line.only().string(0)) ?? 0
        await connection.close()
        directory = Directory(settings, schema: schema)
        organization = try await directory.createOrganization("bench").id
    }

    func close() async { await directory.close() }

    func streams(_ count: Int, _ name: String) async throws -> [UUID] {
        var made: [UUID] = []
        for number in 0..<count {
            made.append(try await directory.createStream("\(name) \(number)", of: organization).id)
        }
        return made
    }

    /// Of a thousand keys and five types; about 215 bytes of JSON.
    static func event(_ number: Int) -> NewEvent {
        NewEvent(
            type: "type_\(number % 5)", key: "animal-\(number % 1_000)",
            payload: """
                {"n": \(number), "name": "animal number \(number)", "weight": \(number % 97).5, "tags": ["calm", "small"], "owner": \
                {"name": "Ann Example", "city": "Somewhere"}, "note": "as long as a sentence is"}
                """,
            metadata: "{\"by\": \"bench\", \"trace\": \"\(number)\"}")
    }

    /// Appends events to a stream, in batches of 1,000.
    func fill(_ stream: UUID, _ count: Int) async throws {
        let writer = EventWriter(settings, schema: schema, lanes: 1)
        for first in stride(from: 0, to: count, by: 1_000) {
            let events = (first..<min(first + 1_000, count)).map { Self.event($0) }
            _ = try await writer.append(AppendRequest(organization, [AppendPart(stream, events)]))
        }
        await writer.close()
    }

    /// Seconds of processor time until now: of this process, of the service where there is one, and of the server with all
    /// its sessions.
    func processorTime(service: pid_t? = nil) throws -> EventsCost {
        // What this process has started is below it.
        let service = try service.map { try BackgroundProcess.usage(of: $0).total }
        return EventsCost(
            client: try BackgroundProcess.usage(of: getpid()).total - (service ?? 0), service: service,
            server: try BackgroundProcess.usage(of: postmaster, includingEnded: true).total)
    }

    /// Resident memory of a process, in bytes.
    static func memory(of pid: pid_t = getpid()) -> Int {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/statm", encoding: .utf8)) ?? ""
        return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * Int(getpagesize())
    }
}

/// Processor time in seconds.
struct EventsCost: Sendable {
    var client: Double
    /// nil: the client asks the server itself.
    var service: Double?
    var server: Double

    static func - (later: EventsCost, earlier: EventsCost) -> EventsCost {
        EventsCost(
            client: later.client - earlier.client, service: later.service.map { $0 - (earlier.service ?? 0) },
            server: later.server - earlier.server)
    }
}

/// So many events in so much time, and what they cost.
struct EventsRate: Sendable {
    var events: Int
    var seconds: Double
    var cost: EventsCost

    var perSecond: Double { Double(events) / seconds }

    /// Measures what `body` does with the number of events that it gives.
    ///
    /// - Parameter service: the process between this one and the server, whose time is told apart.
    static func measure(
        _ place: EventsPlace, service: pid_t? = nil, _ body: () async throws -> Int
    ) async throws -> EventsRate {
        let before = try place.processorTime(service: service)
        let began = ContinuousClock.now
        let events = try await body()
        let seconds = (ContinuousClock.now - began).inSeconds
        return EventsRate(events: events, seconds: seconds, cost: try place.processorTime(service: service) - before)
    }
}

extension [EventsRate] {
    /// The round whose rate is the median.
    var middle: EventsRate? { isEmpty ? nil : sorted { $0.perSecond < $1.perSecond }[count / 2] }

    func line(_ what: String) -> ResultLine {
        guard let rate = middle else { return ResultLine(what: what, figure: "unknown") }
        let each = 1_000_000 / Double(rate.events)
        let megabytes = rate.perSecond * Double(EventsPlace.bytes) / 1_000_000
        return ResultLine(
            what: what,
            figure: "\(grouped(Int(rate.perSecond))) events/s, \(decimal(megabytes)) MB/s; CPU of each "
                + "\(microseconds(rate.cost.client * each)) client, "
                + (rate.cost.service.map { "\(microseconds($0 * each)) service, " } ?? "")
                + "\(microseconds(rate.cost.server * each)) server",
            value: rate.perSecond)
    }
}

extension ResultLine {
    static func ratio(_ what: String, _ ratio: Double, least: Double) -> ResultLine {
        ResultLine(what: what, figure: decimal(ratio), target: ">= \(least)", isMet: ratio >= least, value: ratio)
    }
}
