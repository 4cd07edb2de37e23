import EventStore
import Foundation
import PostgresDriver
import Synchronization

/// Batches of 1,000 by several connections beside COPY of the same rows into an equal table: partitioned, with the same
/// indexes, constraints and foreign key.
struct EventsBatchRate {
    /// Of the rate of COPY.
    static let target = 0.5

    private enum Contender: CaseIterable {
        case strata
        /// By `strata serve`.
        case served
        /// In batches of 1,000, too, each a transaction.
        case copy
        /// One session, one transaction.
        case oneCopy
    }

    let rounds: Int
    let connections: Int
    let batches: Int

    func run(_ place: EventsPlace, _ interruption: Interruption) async throws -> [ResultLine] {
        let streams = try await place.streams(connections, "batch")
        let served = try await EventsServed(place)
        defer { served.stop() }
        try await makeEqualTable(place)
        var measured: [Contender: [EventsRate]] = [:]
        let all = Contender.allCases
        for round in 0..<rounds {
            // Another one is first each time.
            for step in all.indices {
                try interruption.check()
                let contender = all[(step + round) % all.count]
                let rate = try await measure(contender, place, streams, served.address)
                progress("  append, round \(round + 1): \(contender) \(Int(rate.perSecond)) events/s")
                measured[contender, default: []].append(rate)
            }
        }
        return lines(measured)
    }

    private func lines(_ measured: [Contender: [EventsRate]]) -> [ResultLine] {
        let rates = { (contender: Contender) in measured[contender] ?? [] }
        // Of rounds that ran next to each other.
        let ratio = { (own: Contender, other: Contender) in
            zip(rates(own), rates(other)).map { $0.perSecond / $1.perSecond }.median ?? .nan
        }
        let single = ratio(.strata, .oneCopy)
        return [
            rates(.strata).line("events: append, batches of 1,000, \(connections) connections"),
            rates(.served).line("  append over HTTP, batches of 1,000, \(connections) connections"),
            rates(.copy).line("  COPY of the same rows, 1,000 each, \(connections) connections"),
            rates(.oneCopy).line("  COPY of the same rows, one session, one transaction"),
            .ratio(
                "  append: of the rate of COPY by \(connections) connections", ratio(.strata, .copy), least: Self.target
            ),
            .ratio(
                "  append over HTTP: of the rate of COPY by \(connections) connections", ratio(.served, .copy),
                least: Self.target),
            ResultLine(what: "  append: of the rate of one COPY", figure: decimal(single), value: single),
        ]
    }

    private func makeEqualTable(_ place: EventsPlace) async throws {
        let connection = try await Connection.open(place.settings)
        for statement in [
            "CREATE TABLE copied (LIKE events.events INCLUDING ALL) PARTITION BY RANGE (created_at)",
            "ALTER TABLE copied ADD FOREIGN KEY (stream_id) REFERENCES events.event_streams",
            """
            DO $$ DECLARE first timestamp := date_trunc('month', now() AT TIME ZONE 'UTC'); BEGIN
                FOR i IN 0..1 LOOP
                    EXECUTE format('CREATE TABLE copied_%s PARTITION OF copied FOR VALUES FROM (%L) TO (%L)', i,
                        first + i * interval '1 month', first + (i + 1) * interval '1 month');
                END LOOP;
            END $$
            """,
        ] { try await connection.execute(statement) }
        await connection.close()
    }

    private func measure(
        _ contender: Contender, _ place: EventsPlace, _ streams: [UUID], _ service: EventsServed.Address
    ) async throws -> EventsRate {
        switch contender {
        case .strata: try await append(place, streams)
        case .served: try await serve(place, streams, service)
        case .copy: try await copy(place, streams, rowsOfEach: 1_000)
        case .oneCopy: try await copy(place, [streams[0]], rowsOfEach: streams.count * batches * 1_000)
        }
    }

    private func append(_ place: EventsPlace, _ streams: [UUID]) async throws -> EventsRate {
        // A writer for each, so that each has a connection of its own.
        let writers = streams.map { _ in EventWriter(place.settings, schema: place.schema, lanes: 1) }
        let events = (0..<1_000).map { EventsPlace.event($0) }
        for (writer, stream) in zip(writers, streams) {
            _ = try await writer.append(AppendRequest(place.organization, [AppendPart(stream, [events[0]])]))
        }
        let rate = try await EventsRate.measure(place) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (writer, stream) in zip(writers, streams) {
                    group.addTask {
                        for _ in 0..<batches {
                            _ = try await writer.append(
                                AppendRequest(place.organization, [AppendPart(stream, events)]))
                        }
                    }
                }
                try await group.waitForAll()
            }
            return streams.count * batches * 1_000
        }
        for writer in writers { await writer.close() }
        return rate
    }

    /// Requests are ready before, as the events of the others are.
    private func serve(
        _ place: EventsPlace, _ streams: [UUID], _ service: EventsServed.Address
    ) async throws -> EventsRate {
        let events = (0..<1_000).map { EventsPlace.event($0) }
        let batches = batches
        func ask(_ requests: [[UInt8]], times: Int) async throws {
            try await service.onThread {
                var left = [Int](repeating: times, count: requests.count)
                try HTTPCrowd(requests.count, port: service.port).run { client in
                    guard left[client] > 0 else { return nil }
                    left[client] -= 1
                    return requests[client]
                } answered: { _, answer, _ in
                    try answer.require(201)
                }
            }
        }
        try await ask(streams.map { service.append($0, [events[0]]) }, times: 1)
        let requests = streams.map { service.append($0, events) }
        return try await EventsRate.measure(place, service: service.pid) {
            try await ask(requests, times: batches)
            return streams.count * batches * 1_000
        }
    }

    /// Ids and times are there before; who makes events in a client would have made them.
    private func copy(_ place: EventsPlace, _ streams: [UUID], rowsOfEach: Int) async throws -> EventsRate {
        let total = connections * batches * 1_000
        let each = total / streams.count
        let columns = "id, stream_id, payload, metadata, created_at, org_id, position, type, key, slot"
        var connections: [Connection] = []
        for _ in streams { connections.append(try await Connection.open(place.settings)) }
        let jobs = zip(connections, streams).map { ($0, rows($1, place.organization, each)) }
        let rate = try await EventsRate.measure(place) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (connection, rows) in jobs {
                    group.addTask {
                        for first in stride(from: 0, to: each, by: rowsOfEach) {
                            try await connection.copyIn("COPY copied (\(columns)) FROM STDIN") { writer in
                                for row in rows[first..<min(first + rowsOfEach, each)] {
                                    try await writer.write(row: row)
                                }
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            return total
        }
        for connection in connections { await connection.close() }
        return rate
    }

    private func rows(_ stream: UUID, _ organization: UUID, _ count: Int) -> [[String?]] {
        let milliseconds = Int(Date().timeIntervalSince1970 * 1_000)
        let time = Date(timeIntervalSince1970: (Double(milliseconds) + 0.5) / 1_000).formatted(
            Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        let prefix = String(milliseconds, radix: 16)
        let head = String(repeating: "0", count: 12 - prefix.count) + prefix
        return (0..<count).map { number in
            let event = EventsPlace.event(number % 1_000)
            let rest = UUID().uuidString.dropFirst(14)
            return [
                "\(head.prefix(8))-\(head.suffix(4))-7\(rest.dropFirst())", stream.uuidString, event.payload,
                event.metadata, String(time.dropLast()), organization.uuidString, String(number + 1), event.type,
                event.key, String(number & 0xFFFF),
            ]
        }
    }
}
