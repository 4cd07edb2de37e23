import EventStore
import Foundation
import JSONSchemas
import PostgresDriver
import Synchronization

/// Single events of many callers, of whom each waits for its answer before it sends the next: gathered, and with a commit for
/// each event.
struct EventsSingleRate {
    /// Of the rate with a commit for each, of one stream. Of many streams that is no measure: PostgreSQL itself writes commits
    /// together that come at the same time, and with one call a caller there are never more events under way than callers.
    static let target = 10.0

    /// How one event goes to its stream.
    private enum Contender: Hashable {
        case gathered
        /// By `strata serve`, which gathers them.
        case served
        /// Each by a connection that has no other event meanwhile.
        case alone(connections: Int)

        var name: String {
            switch self {
            case .gathered: "gathered"
            case .served: "over HTTP"
            case .alone(let connections): "a commit for each, \(connections) connections"
            }
        }
    }

    let rounds: Int
    let callers: Int
    let seconds: Int

    func run(_ place: EventsPlace, _ interruption: Interruption) async throws -> [ResultLine] {
        let served = try await EventsServed(place)
        defer { served.stop() }
        var lines: [ResultLine] = []
        var base = Double.nan
        for count in [1, callers] {
            let name = count == 1 ? "one stream" : "\(count) streams"
            let found = try await compare(
                place, try await place.streams(count, "single of \(count)"), served.address, interruption)
            lines += found.lines(callers, name)
            if count == 1 { base = found.alone }
            for contender in [Contender.gathered, .served] {
                let what = "  single, \(name), \(contender.name): of a commit for each"
                let own = found.rate(contender)
                lines.append(.ratio("\(what), one stream", own / base, least: Self.target))
                guard count > 1 else { continue }
                let ratio = own / found.alone
                lines.append(ResultLine(what: "\(what), as many streams", figure: decimal(ratio), value: ratio))
            }
        }
        return lines
    }

    /// What was measured of one number of streams.
    private struct Found {
        let others: [Contender]
        var rates: [Contender: [EventsRate]] = [:]
        var times: [Contender: Histogram] = [:]
        var audit = EventsAudit()

        var all: [Contender] { [.gathered, .served] + others }

        func rate(_ contender: Contender) -> Double { rates[contender]?.middle?.perSecond ?? .nan }
        /// Of the better one of the others.
        var alone: Double { others.map { rate($0) }.filter { !$0.isNaN }.max() ?? .nan }

        func lines(_ callers: Int, _ name: String) -> [ResultLine] {
            var lines: [ResultLine] = []
            for contender in all {
                let what = "\(contender == .gathered ? "events: " : "  ")single, \(callers) callers, \(name)"
                lines.append((rates[contender] ?? []).line("\(what): \(contender.name)"))
                lines.append(
                    ResultLine(what: "    answered within", figure: (times[contender] ?? Histogram()).sentence))
                if contender == .served { lines.append(audit.line("    answers beside the table")) }
            }
            return lines
        }
    }

    private func compare(
        _ place: EventsPlace, _ streams: [UUID], _ service: EventsServed.Address, _ interruption: Interruption
    ) async throws -> Found {
        var found = Found(others: [.alone(connections: min(8, callers)), .alone(connections: callers)])
        let all = found.all
        for round in 0..<rounds {
            for step in all.indices {
                try interruption.check()
                let contender = all[(step + round) % all.count]
                let (rate, histogram) =
                    contender == .served
                    ? try await serve(place, streams.count, service, &found.audit)
                    : try await measure(contender, place, streams)
                progress("  \(streams.count) streams, round \(round + 1): \(contender.name) \(Int(rate.perSecond))")
                found.rates[contender, default: []].append(rate)
                found.times[contender, default: Histogram()].merge(histogram)
            }
        }
        return found
    }

    /// To streams of its own, so that all that is in them was sent here.
    private func serve(
        _ place: EventsPlace, _ count: Int, _ service: EventsServed.Address, _ audit: inout EventsAudit
    ) async throws -> (EventsRate, Histogram) {
        let crowd = EventsCrowd(
            service: service, callers: callers, streams: try await place.streams(count, "served \(UUID())"))
        let before = try await service.onThread { try crowd.warmUp() }
        var outcome = EventsCrowd.Outcome()
        let rate = try await EventsRate.measure(place, service: service.pid) {
            outcome = try await service.onThread { try crowd.run(seconds: seconds, from: 1) }
            return outcome.marks.count
        }
        try await audit.look(before.marks + outcome.marks, place)
        return (rate, outcome.times)
    }

    private func measure(
        _ contender: Contender, _ place: EventsPlace, _ streams: [UUID]
    ) async throws -> (EventsRate, Histogram) {
        switch contender {
        case .gathered, .served:
            let writer = EventWriter(place.settings, schema: place.schema)
            let intake = EventIntake(writer, SchemaCache(place.directory))
            let measured = try await call(place, streams) { request, payload in
                _ = try await intake.append(request, payloads: [[payload]])
            }
            await writer.close()
            return measured
        case .alone(let connections):
            // The queue of a pool is in the order of asking, too.
            let pool = SingleWriters(
                (0..<connections).map { _ in EventWriter(place.settings, schema: place.schema, lanes: 1) })
            let measured = try await call(place, streams) { request, _ in
                let writer = await pool.take()
                do { _ = try await writer.append(request) } catch {
                    await pool.give(writer)
                    throw error
                }
                await pool.give(writer)
            }
            await pool.close()
            return measured
        }
    }

    /// All callers for so many seconds, each to a stream of its own or all to one.
    private func call(
        _ place: EventsPlace, _ streams: [UUID],
        _ append: @escaping @Sendable (AppendRequest, JSONValue) async throws -> Void
    ) async throws -> (EventsRate, Histogram) {
        // Connections are opened, and schemas known.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<callers {
                group.addTask { try await Self.one(caller, place, streams[caller % streams.count], append) }
            }
            try await group.waitForAll()
        }
        let times = Mutex(Histogram())
        let rate = try await EventsRate.measure(place) {
            let end = ContinuousClock.now + .seconds(seconds)
            return try await withThrowingTaskGroup(of: Histogram.self) { group in
                for caller in 0..<callers {
                    group.addTask {
                        var (own, number) = (Histogram(), caller)
                        while ContinuousClock.now < end {
                            let began = ContinuousClock.now
                            try await Self.one(number, place, streams[caller % streams.count], append)
                            own.add(ContinuousClock.now - began)
                            number += callers
                        }
                        return own
                    }
                }
                for try await own in group { times.withLock { $0.merge(own) } }
                return times.withLock { $0.total }
            }
        }
        return (rate, times.withLock { $0 })
    }

    private static func one(
        _ number: Int, _ place: EventsPlace, _ stream: UUID,
        _ append: (AppendRequest, JSONValue) async throws -> Void
    ) async throws {
        let event = EventsPlace.event(number)
        // As who takes it from outside reads it.
        let payload = try JSONParser.parse(event.payload)
        try await append(AppendRequest(place.organization, [AppendPart(stream, [event])]), payload)
    }
}

/// Writers of one connection each, lent to one caller at a time.
private actor SingleWriters {
    private let all: [EventWriter]
    private var free: [EventWriter]
    private var waiting: [CheckedContinuation<EventWriter, Never>] = []

    init(_ writers: [EventWriter]) { (all, free) = (writers, writers) }

    func take() async -> EventWriter {
        if let writer = free.popLast() { return writer }
        return await withCheckedContinuation { waiting.append($0) }
    }

    func give(_ writer: EventWriter) {
        guard !waiting.isEmpty else { return free.append(writer) }
        waiting.removeFirst().resume(returning: writer)
    }

    func close() async { for writer in all { await writer.close() } }
}

extension Histogram {
    /// `p50 1.2 ms, p99 3.4 ms, p99.9 12 ms`.
    var sentence: String {
        [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)].map {
            "\($0.0) \(milliseconds(percentile($0.1).inMilliseconds))"
        }.joined(separator: ", ")
    }
}
