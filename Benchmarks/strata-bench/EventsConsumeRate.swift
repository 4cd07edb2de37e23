import EventStore
import Foundation
import PostgresDriver
import Synchronization

/// A group with several members that takes what is in a stream already, beside what one stream takes in batches.
struct EventsConsumeRate {
    /// Of the rate of appends.
    static let target = 1.0

    let rounds: Int
    let members: Int
    let events: Int

    func run(_ place: EventsPlace, _ interruption: Interruption) async throws -> [ResultLine] {
        let stream = try await place.streams(1, "consume")[0]
        progress("  filling a stream with \(events) events")
        let filled = try await EventsRate.measure(place) {
            try await place.fill(stream, events)
            return events
        }
        let served = try await EventsServed(place)
        defer { served.stop() }
        var (rates, polls) = ([EventsRate](), [EventsRate]())
        for round in 0..<rounds {
            try interruption.check()
            let rate = try await consume(place, stream, "group \(round)")
            let poll = try await self.poll(place, stream, "polling group \(round)", served.address)
            progress(
                "  consume, round \(round + 1): \(Int(rate.perSecond)) events/s, over HTTP \(Int(poll.perSecond))")
            rates.append(rate)
            polls.append(poll)
        }
        let (own, over) = (rates.middle?.perSecond ?? .nan, polls.middle?.perSecond ?? .nan)
        return [
            rates.line("events: a group of \(members) members consumes"),
            polls.line("  a group of \(members) members polls over HTTP"),
            [filled].line("  appends to that stream, batches of 1,000, one connection"),
            .ratio("  consumes: of the rate of those appends", own / filled.perSecond, least: Self.target),
            .ratio("  polls over HTTP: of the rate of those appends", over / filled.perSecond, least: Self.target),
        ]
    }

    private func consume(_ place: EventsPlace, _ stream: UUID, _ name: String) async throws -> EventsRate {
        let reader = EventReader(place.settings, schema: place.schema, connections: members)
        let group = try await reader.createGroup(name, on: stream, of: place.organization)
        let watch = StreamWatch(place.settings, schema: place.schema)
        let workers = (0..<members).map {
            GroupMember("m\($0)", of: group, on: stream, place.organization, reader: reader, watch: watch)
        }
        try await share(workers, reader)
        let done = Count()
        let rate = try await EventsRate.measure(place) {
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for worker in workers {
                    tasks.addTask {
                        while done.value < events {
                            let delivery = try await worker.next(limit: 1_000, waiting: .milliseconds(50))
                            guard !delivery.isEmpty else { continue }
                            try await reader.commit(delivery, group, of: place.organization, as: worker.name)
                            done.add(delivery.events.count)
                        }
                    }
                }
                try await tasks.waitForAll()
            }
            return done.value
        }
        await reader.close()
        guard rate.events == events else { throw BenchFailure("\(rate.events) events came of \(events)") }
        return rate
    }

    /// What a poll has given is committed with the next one.
    private func poll(
        _ place: EventsPlace, _ stream: UUID, _ name: String, _ service: EventsServed.Address
    ) async throws -> EventsRate {
        let reader = EventReader(place.settings, schema: place.schema, connections: members)
        let group = try await reader.createGroup(name, on: stream, of: place.organization)
        let workers = (0..<members).map {
            GroupMember(
                "m\($0)", of: group, on: stream, place.organization, reader: reader,
                watch: StreamWatch(place.settings, schema: place.schema))
        }
        try await share(workers, reader)
        let path = "/v1/streams/\(stream)/groups/\(group)/poll"
        let (members, events) = (members, events)
        let rate = try await EventsRate.measure(place, service: service.pid) {
            try await service.onThread {
                var (slots, isDone) = (
                    [String?](repeating: nil, count: members), [Bool](repeating: false, count: members)
                )
                var (seen, count) = ([Bool](repeating: false, count: events + 1), 0)
                try HTTPCrowd(members, port: service.port).run { member in
                    guard !isDone[member] else { return nil }
                    // Its last poll commits what the one before gave.
                    isDone[member] = count == events
                    let commit = slots[member].map { ", \"commit\": \($0)" } ?? ""
                    return service.post(path, "{\"member\": \"m\(member)\", \"limit\": 1000\(commit)}")
                } answered: { member, answer, _ in
                    try answer.require(200)
                    for position in answer.numbers(after: "{\"position\":") {
                        guard 1...events ~= position, !seen[position] else {
                            throw BenchFailure("event \(position) came twice")
                        }
                        seen[position] = true
                        count += 1
                    }
                    slots[member] = answer.array(behind: "],\"slots\":")
                }
                return count
            }
        }
        let left = try await place.directory.groups(on: stream, of: place.organization).first { $0.id == group }?.lag
        await reader.close()
        guard left == 0 else { throw BenchFailure("a group has a lag of \(left ?? -1) after its last commit") }
        return rate
    }

    private final class Count: Sendable {
        private let number = Mutex(0)

        var value: Int { number.withLock { $0 } }
        func add(_ more: Int) { number.withLock { $0 += more } }
    }

    /// Polls until each has its share of the slots: what it gets is not committed, and comes again.
    private func share(_ workers: [GroupMember], _ reader: EventReader) async throws {
        var held: [Int] = []
        repeat {
            held = []
            for worker in workers {
                held.append(
                    try await reader.poll(worker.group, of: worker.organization, as: worker.name, limit: 1).leases.count
                )
            }
        } while (held.max() ?? 0) - (held.min() ?? 0) > 1
    }
}
