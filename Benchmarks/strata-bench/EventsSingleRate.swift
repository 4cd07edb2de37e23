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

    /// How one event goes to its stream, whoever calls: what takes the place of the library, such as HTTP, is one more.
    private enum Contender: Hashable {
        case gathered
        /// Each by a connection that has no other event meanwhile.
        case alone(connections: Int)

        var name: String {
            switch self {
            case .gathered: "gathered"
            case .alone(let connections): "a commit for each, \(connections) connections"
            }
        }
    }

    let rounds: Int
    let callers: Int
    let seconds: Int

    func run(_ place: EventsPlace, _ interruption: Interruption) async throws -> [ResultLine] {
        var lines: [ResultLine] = []
        var base = Double.nan
        for count in [1, callers] {
            let found = try await compare(place, try await place.streams(count, "single of \(count)"), interruption)
            lines += found.lines
            if count == 1 { base = found.alone }
            let name = count == 1 ? "one stream" : "\(count) streams"
            lines.append(
                .ratio("  single, \(name): of a commit for each, one stream", found.own / base, least: Self.target))
            guard count > 1 else { continue }
            let ratio = found.own / found.alone
            lines.append(
                ResultLine(
                    what: "  single, \(name): of a commit for each, as many streams", figure: decimal(ratio),
                    value: ratio))
        }
        return lines
    }

    private func compare(
        _ place: EventsPlace, _ streams: [UUID], _ interruption: Interruption
    ) async throws -> (lines: [ResultLine], own: Double, alone: Double) {
        let others: [Contender] = [.alone(connections: min(8, callers)), .alone(connections: callers)]
        let all = [.gathered] + others
        var (rates, times) = ([Contender: [EventsRate]](), [Contender: Histogram]())
        for round in 0..<rounds {
            for step in all.indices {
                try interruption.check()
                let contender = all[(step + round) % all.count]
                let (rate, histogram) = try await measure(contender, place, streams)
                progress("  \(streams.count) streams, round \(round + 1): \(contender.name) \(Int(rate.perSecond))")
                rates[contender, default: []].append(rate)
                times[contender, default: Histogram()].merge(histogram)
            }
        }
        let name = streams.count == 1 ? "one stream" : "\(streams.count) streams"
        var lines: [ResultLine] = []
        for contender in all {
            let lead = contender == .gathered ? "events: " : "  "
            lines.append((rates[contender] ?? []).line("\(lead)single, \(callers) callers, \(name): \(contender.name)"))
            lines.append(ResultLine(what: "    answered within", figure: (times[contender] ?? Histogram()).sentence))
        }
        // Beside the better one of the others.
        let best = others.compactMap { rates[$0]?.middle?.perSecond }.max() ?? .nan
        return (lines, rates[.gathered]?.middle?.perSecond ?? .nan, best)
    }

    private func measure(
        _ contender: Contender, _ place: EventsPlace, _ streams: [UUID]
    ) async throws -> (EventsRate, Histogram) {
        switch contender {
        case .gathered:
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
