import EventStore
import Foundation
import Planning
import PostgresDriver
import Synchronization

/// How long after its commit an event is with a consumer, at a steady rate of single events: one consumer is in the process
/// that appends, another is woken from outside as in another process.
struct EventsLatency {
    /// Milliseconds, at the median.
    static let target = 20.0
    private static let perSecond = 1_000

    let seconds: Int

    private final class Journal: Sendable {
        private let times = Mutex<[Int: ContinuousClock.Instant]>([:])

        func note(_ position: Int, at time: ContinuousClock.Instant = .now) {
            times.withLock { $0[position] = time }
        }
        func time(_ position: Int) -> ContinuousClock.Instant? { times.withLock { $0[position] } }
        var count: Int { times.withLock { $0.count } }
    }

    func run(_ place: EventsPlace) async throws -> [ResultLine] {
        let stream = try await place.streams(1, "latency")[0]
        let reader = EventReader(place.settings, schema: place.schema)
        let watches = (0..<2).map { _ in StreamWatch(place.settings, schema: place.schema) }
        let watching = watches.map { watch in Task { await watch.run() } }
        let (sent, committed) = (Journal(), Journal())
        let received = [Journal(), Journal()]
        let total = seconds * Self.perSecond
        let writer = EventWriter(place.settings, schema: place.schema) { [watch = watches[0]] parts in
            for part in parts { for position in part.positions { committed.note(position) } }
            Task { await watch.grown(parts) }
        }
        progress("  latency: \(Self.perSecond) events a second for \(seconds) s")
        let before = try place.processorTime()
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for (number, watch) in watches.enumerated() {
                let group = try await reader.createGroup("g\(number)", on: stream, of: place.organization)
                let member = GroupMember(
                    "m", of: group, on: stream, place.organization, reader: reader, watch: watch)
                tasks.addTask { [journal = received[number]] in
                    while journal.count < total {
                        let delivery = try await member.next(waiting: .seconds(1))
                        for delivered in delivery.events { journal.note(delivered.event.position) }
                        try await reader.commit(delivery, group, of: place.organization, as: "m")
                    }
                }
            }
            try await produce(total, stream, place, writer, sent)
            try await tasks.waitForAll()
        }
        let cost = try place.processorTime() - before
        for task in watching { task.cancel() }
        for task in watching { await task.value }
        await writer.close()
        await reader.close()
        return lines(total, sent, committed, received, cost)
    }

    /// One event each millisecond, whether those before have been answered or not.
    private func produce(
        _ total: Int, _ stream: UUID, _ place: EventsPlace, _ writer: EventWriter, _ sent: Journal
    ) async throws {
        let began = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for number in 0..<total {
                let due = began + .milliseconds(number * 1_000 / Self.perSecond)
                if due > .now { try await Task.sleep(until: due, tolerance: .zero, clock: .continuous) }
                tasks.addTask {
                    let start = ContinuousClock.now
                    let part = try await writer.append(
                        AppendRequest(place.organization, [AppendPart(stream, [EventsPlace.event(number)])]))[0]
                    sent.note(part.positions.lowerBound, at: start)
                }
            }
            try await tasks.waitForAll()
        }
    }

    private func lines(
        _ total: Int, _ sent: Journal, _ committed: Journal, _ received: [Journal], _ cost: EventsCost
    ) -> [ResultLine] {
        var lines: [ResultLine] = []
        for (number, place) in ["in the process that appends", "in another process"].enumerated() {
            var (sinceCommit, sinceSent) = (Histogram(), Histogram())
            for position in 1...total {
                guard let end = received[number].time(position) else { continue }
                // It may be read before the answer has reached the one who appended it.
                if let time = committed.time(position) { sinceCommit.add(max(.zero, end - time)) }
                if let time = sent.time(position) { sinceSent.add(end - time) }
            }
            let median = sinceCommit.percentile(0.5).inMilliseconds
            lines.append(
                ResultLine(
                    what: "\(number == 0 ? "events: " : "  ")from commit to a consumer \(place)",
                    figure: sinceCommit.sentence, target: "p50 < 20 ms", isMet: median < Self.target, value: median))
            lines.append(ResultLine(what: "    from the call that appends it", figure: sinceSent.sentence))
        }
        let each = 1_000_000 / Double(total)
        lines.append(
            ResultLine(
                what: "    at \(grouped(Self.perSecond)) events/s, one by one, two consumers",
                figure:
                    "CPU of each \(microseconds(cost.client * each)) client, \(microseconds(cost.server * each)) server"
            ))
        return lines
    }
}
