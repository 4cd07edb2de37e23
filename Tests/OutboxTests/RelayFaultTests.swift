import Foundation
import PostgresDriver
import TestSupport
import Testing

@testable import EventStore
@testable import Outbox

/// Redis and relays are killed, cut off, or full, while events are appended. In the end Redis has each event once, in order.
@Suite("Outbox: faults", .serialized)
struct RelayFaultTests {
    private static let total = 600

    /// Appends while relays run and something is done to them, until Redis has all.
    private func during(
        _ place: OutboxFixture, relays: [(name: String, reports: OutboxFixture.Reports)], lease: Duration = .seconds(5),
        _ change: (inout RelaySettings) -> Void = { _ in }, _ fault: (Int) async throws -> Void
    ) async throws {
        var running: [Task<Void, any Error>] = []
        for (name, reports) in relays {
            let relay = try await place.relay(name, lease: lease, reports: reports) { settings in
                settings.batch.events = 20
                change(&settings)
            }
            running.append(
                Task {
                    do { try await relay.run() } catch is CancellationError { await relay.close() }
                })
        }
        for round in 0..<6 {
            async let appended: Void = append(place, round)
            try await fault(round)
            try await appended
        }
        try await eventually("Redis has all") { try await place.entries().last?.position == Self.total }
        for task in running { task.cancel() }
        for task in running { try await task.value }
        try await place.checkAll(Self.total)
        // What is left to be committed is, and nothing comes twice.
        try await place.rows("UPDATE events.group_slots SET lease_until = '-infinity'")
        #expect(try await place.relayAll().events == 0)
        #expect(try await place.directory.groups(on: place.stream.id, of: place.organization)[0].lag == 0)
    }

    private func append(_ place: OutboxFixture, _ round: Int) async throws {
        for part in 0..<20 {
            let first = round * 100 + part * 5 + 1
            try await place.append(first...(first + 4))
        }
    }

    @Test("Redis killed with -9 and started again, with appendonly")
    func killedWithAppendOnly() async throws {
        try await OutboxFixture.with(redis: ["--appendonly", "yes", "--appendfsync", "always"]) { place in
            let reports = OutboxFixture.Reports()
            try await during(place, relays: [("r", reports)]) { round in
                let begun = round * 100
                try await eventually("some of this round is there") { (reports.progress?.position ?? 0) > begun }
                place.redis.kill()
                try await eventually("it is found out") { reports.failures.count > round }
                try await place.redis.start()
            }
        }
    }

    @Test("Redis killed with -9 that had written nothing, or an earlier state: what it has lost comes again")
    func killedWithLoss() async throws {
        try await OutboxFixture.with { place in
            let reports = OutboxFixture.Reports()
            try await during(place, relays: [("r", reports)]) { round in
                let begun = round * 100
                try await eventually("some of this round is there") { (reports.progress?.position ?? 0) > begun }
                if round % 2 == 0 { try await place.ask("SAVE") }
                place.redis.kill()
                try await eventually("it is found out") { reports.failures.count > round }
                try await place.redis.start()
            }
            #expect((reports.progress?.sentAgain ?? 0) > 0)
        }
    }

    @Test("Redis that loses its end while nothing is appended gets it again")
    func lossWhileIdle() async throws {
        try await OutboxFixture.with { place in
            let relay = try await place.relay()
            let task = Task { try await relay.run() }
            try await place.append(1...100)
            try await eventually("Redis has all") { try await place.entries().count == 100 }
            place.redis.kill()
            try await place.redis.start()
            try await eventually("Redis has all again") { try await place.entries().count == 100 }
            try await place.ask("FLUSHALL")
            try await eventually("and again") { try await place.entries().count == 100 }
            task.cancel()
            _ = await task.result
            await relay.close()
            try await place.checkAll(100)
        }
    }

    @Test("Connections cut in the middle")
    func cut() async throws {
        try await OutboxFixture.with { place in
            let reports = OutboxFixture.Reports()
            try await during(place, relays: [("r", reports)]) { round in
                try await eventually("cut") {
                    try await place.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                    return reports.failures.count > round
                }
            }
        }
    }

    @Test("Two relays whose lease goes from one to the other and back, neither of which knows")
    func takenOver() async throws {
        try await OutboxFixture.with { place in
            let reports = [OutboxFixture.Reports(), OutboxFixture.Reports()]
            let names = ["a", "b"]
            // The first is at work before the second comes.
            _ = try await place.relay("a", lease: .seconds(3)).runOnce()
            try await during(place, relays: Array(zip(names, reports)), lease: .seconds(3)) { round in
                // As if the lease of the one were over, and the other had polled first: the one finds out when it commits.
                let (owner, next) = (names[round % 2], names[1 - round % 2])
                let before = (told(reports[1 - round % 2], .progress), told(reports[round % 2], .standsBy))
                try await eventually("the one works") {
                    try await place.rows(
                        """
                        UPDATE events.group_slots SET lease_owner = '\(next)', epoch = epoch + 1, lease_until = now() + interval '5 seconds'
                        WHERE lease_owner = '\(owner)' RETURNING true
                        """
                    ).count == 1
                }
                try await eventually("the other goes on, and the one stands by") {
                    told(reports[1 - round % 2], .progress) > before.0 && told(reports[round % 2], .standsBy) > before.1
                }
            }
            for report in reports { #expect(told(report, .standsBy) >= 3) }
        }
    }

    private enum Kind { case progress, standsBy }

    private func told(_ reports: OutboxFixture.Reports, _ kind: Kind) -> Int {
        reports.list.count { report in
            switch report {
            case .progress: kind == .progress
            case .standsBy: kind == .standsBy
            default: false
            }
        }
    }

    @Test("A relay that comes back late, with a batch that another has done, changes nothing")
    func late() async throws {
        try await OutboxFixture.with { place in
            try await place.append(1...100)
            let events = try await place.reader.read(place.stream.id, of: place.organization).events
            try await place.relayAll()
            let connection = try await RedisConnection.open(RedisURL(place.redis.url))
            func send(_ events: [StoredEvent], _ mark: RelayMark) async throws -> String? {
                try await connection.ask(
                    RelayScript.add(
                        events, to: OutboxFixture.key, behind: mark, longest: nil, stream: "animals",
                        organization: place.organization)
                ).text
            }
            let end = RelayMark(events[99]).description
            #expect(try await send(Array(events[0..<50]), .start) == end)
            #expect(try await send(Array(events[50...]), RelayMark(events[49])) == end)
            // Too early is as bad: the one between would never come.
            try await place.append(101...110)
            let more = try await place.reader.read(place.stream.id, of: place.organization, after: 100).events
            #expect(try await send(Array(more[5...]), RelayMark(more[4])) == end)
            await connection.close()
            try await place.checkAllBut(10)
        }
    }

    @Test("A Redis that is full is waited for, and nothing is left out")
    func full() async throws {
        try await OutboxFixture.with { place in
            let reports = OutboxFixture.Reports()
            try await during(place, relays: [("r", reports)]) { round in
                try await place.ask("CONFIG", "SET", "maxmemory", "1")
                try await eventually("it is full") { reports.failures.contains { $0.contains("OOM") } }
                let failures = reports.failures.count
                try await eventually("and still") { reports.failures.count > failures }
                try await place.ask("CONFIG", "SET", "maxmemory", "0")
            }
        }
    }

    @Test("A Redis that stands still is given up after the time-out, and gone on with")
    func frozen() async throws {
        try await OutboxFixture.with { place in
            let reports = OutboxFixture.Reports()
            try await during(
                place, relays: [("r", reports)],
                {
                    $0.limits.command = .milliseconds(1_000)
                    $0.limits.connect = .milliseconds(1_000)
                }
            ) { round in
                guard round < 2 else { return }
                let failures = reports.failures.count
                place.redis.freeze()
                try await eventually("it is given up") {
                    reports.failures.dropFirst(failures).contains { $0.contains("no answer within 1 s") }
                }
                place.redis.thaw()
            }
        }
    }

    @Test("A relay that waits for Redis ends at once when it is told to", .timeLimit(.minutes(2)))
    func cancelled() async throws {
        try await OutboxFixture.with { place in
            try await place.append(1...10)
            let relay = try await place.relay { $0.limits.command = .seconds(3_600) }
            try await relay.check()
            place.redis.freeze()
            let task = Task { try await relay.run() }
            try await eventually("it has polled") {
                try await place.rows("SELECT count(*) AS n FROM events.group_members").only().int("n") == 1
            }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            place.redis.thaw()
            await relay.close()
        }
    }

    @Test("What is to be done once gives up after its patience, and says why")
    func impatient() async throws {
        try await OutboxFixture.with { place in
            try await place.append(1...10)
            place.redis.kill()
            await #expect {
                try await place.relayAll { $0.patience = .milliseconds(300) }
            } throws: {
                guard case RelayStop.gaveUp(let reason) = $0 else { return false }
                return reason.contains("127.0.0.1:\(place.redis.port)") && reason.contains("refused")
            }
            let holder = try await place.relay("other", lease: .seconds(3_600))
            try await place.redis.start()
            try await holder.runOnce()
            try await place.append(11...12)
            // Its lease goes on: it is another's work.
            let second = try await place.relay("second", lease: .seconds(1))
            await #expect(throws: RelayStop.busy(stream: "animals")) { try await second.runOnce() }
            for relay in [holder, second] { await relay.close() }
        }
    }
}

extension OutboxFixture {
    /// Redis has all events but the last.
    fileprivate func checkAllBut(_ missing: Int) async throws {
        let end = try await reader.read(stream.id, of: organization, limit: 1).lastPosition
        #expect(try await entries().map(\.position) == Array(1...(end - missing)))
    }
}
