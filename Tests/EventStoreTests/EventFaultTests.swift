import Foundation
import PostgresDriver
import TestSupport
import Testing

@testable import EventStore

/// The race with a server that is killed with -9, told to restart, and loses its connections, again and again. Writers send
/// what was not acknowledged once more under the same key; members of the group poll, do and commit, and come back.
@Suite("Events: a server that dies", .serialized, .timeLimit(.minutes(10)))
struct EventFaultTests {
    private struct Place: Sendable {
        let cluster: ReplicationCluster
        let organization: UUID
        let stream: UUID
        let group: UUID
        let writer: EventWriter
        let reader: EventReader
        let settings: ConnectionSettings
    }

    @Test(
        "S3.1 S3.2 S3.22 Killed, restarted and cut off: none of Kafka's anomalies, and each event is once in the read model",
        arguments: [8, 64])
    func faults(_ writers: Int) async throws {
        let seed = SeededRandom.seed(for: "event faults, \(writers)", usual: 11)
        try await ReplicationCluster.with(replicas: 0) { cluster in
            let place = try await prepare(cluster)
            let log = EventHistoryLog()
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for consumer in 0..<4 {
                    tasks.addTask { try await consume(place, "c\(consumer)", seed &+ UInt64(100 + consumer), log) }
                }
                tasks.addTask { try await breakThings(place, seed, log) }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<writers {
                        group.addTask {
                            try await write(place, number, 1_920 / writers, seed &+ UInt64(1_000 + number), log)
                        }
                    }
                    try await group.waitForAll()
                }
                log.finish()
                try await tasks.waitForAll()
            }
            try await check(place, log)
            await place.writer.close()
            await place.reader.close()
        }
    }

    private func prepare(_ cluster: ReplicationCluster) async throws -> Place {
        let settings = try cluster.settings(of: 0, ["connect_timeout": "5"])
        let schema = EventSchema()
        let connection = try await Connection.open(settings)
        try await schema.install(on: connection)
        let organization = try await connection.query(
            "INSERT INTO events.organizations (name) VALUES ('one') RETURNING id::text AS id"
        ).only().id()
        let stream = try await connection.query(
            "INSERT INTO events.event_streams (org_id, name) VALUES ($1::uuid, 's') RETURNING id::text AS id",
            [.id(organization)]
        ).only().id()
        try await connection.execute(
            """
            CREATE TABLE read_model (event_id uuid NOT NULL, position bigint NOT NULL, key text NOT NULL, number int NOT NULL,
                done bigint GENERATED ALWAYS AS IDENTITY)
            """)
        await connection.close()
        let reader = EventReader(settings, schema: schema)
        var groupSettings = GroupSettings()
        groupSettings.slots = 8
        let group = try await reader.createGroup("g", on: stream, of: organization, groupSettings)
        return Place(
            cluster: cluster, organization: organization, stream: stream, group: group,
            writer: EventWriter(settings, schema: schema), reader: reader, settings: settings)
    }

    // MARK: Faults

    private func breakThings(_ place: Place, _ seed: UInt64, _ log: EventHistoryLog) async throws {
        var chance = SeededRandom(seed)
        var count = 0
        while !log.isDone {
            // After so many more events, and not after some time.
            let next = log.acknowledgedCount + 100 + chance.below(150)
            while !log.isDone, log.acknowledgedCount < next { try await Task.sleep(for: .milliseconds(5)) }
            if log.isDone { break }
            count += 1
            switch count % 3 {
            case 1:
                try await place.cluster.kill(0)
                try await place.cluster.startAgain(0)
            case 2:
                try await place.cluster.stop(0)
                try await place.cluster.start(0)
            default:
                _ = try? await place.cluster.query(
                    0,
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = current_user"
                )
            }
        }
        #expect(count >= 3, "the server was left alone")
    }

    /// Does it again while the server is away, which takes seconds at most.
    private func insisting<T>(_ body: () async throws -> T) async throws -> T {
        var attempts = 0
        while true {
            do { return try await body() } catch let error as PostgresError where attempts < 2_000 {
                // Gone, starting, ending, or two in each other's way.
                guard
                    error.connectionFailure != nil || error.sqlState?.rawValue.hasPrefix("57P") == true
                        || error.isRetryable
                else { throw error }
            } catch AppendRefusal.unknownOutcome where attempts < 2_000 {
            }
            attempts += 1
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    // MARK: Writers

    /// Events of its own key: through the writer under idempotency keys, and by hand in transactions that take their time and of
    /// which some are rolled back.
    private func write(
        _ place: Place, _ writer: Int, _ count: Int, _ seed: UInt64, _ log: EventHistoryLog
    ) async throws {
        var chance = SeededRandom(seed)
        let key = "w\(writer)"
        var (number, aborted) = (0, 0)
        while number < count {
            if chance.once(in: 8) {
                aborted += 1
                try await rollBack(place, EventHistory.Sent(key: key, number: -aborted), log)
                continue
            }
            let size = min(count - number, 1 + chance.below(4))
            let sent = (number..<(number + size)).map { EventHistory.Sent(key: key, number: $0) }
            if chance.once(in: 6) {
                try await byHand(place, sent[0], chance.below(10), log)
                number += 1
                continue
            }
            let request = AppendRequest(
                place.organization,
                [AppendPart(place.stream, sent.map { .counted($0.number, key: key) })],
                idempotencyKey: "\(key)-\(number)")
            let part = try await insisting { try await place.writer.append(request) }[0]
            log.acknowledged(key, sent, from: part.positions.lowerBound)
            number += size
        }
    }

    private func call(_ place: Place, _ sent: EventHistory.Sent) -> String {
        """
        SELECT first_position FROM events.append('\(place.organization)', '{0}', '{\(place.stream)}', '{-1}', '{1}',
            '{hand-\(sent.key)-\(sent.number)}', '{0}', '{1}', '[["counted", "\(sent.key)", {"n": \(sent.number)}, {}]]')
        """
    }

    private func byHand(_ place: Place, _ sent: EventHistory.Sent, _ delay: Int, _ log: EventHistoryLog) async throws {
        var isFirst = true
        let position = try await insisting {
            let connection = try await Connection.open(place.settings)
            do {
                let rows = try await connection.queryAll([
                    "BEGIN", call(place, sent), "SELECT pg_sleep(\(Double(delay) / 1_000))",
                ])
                // A second time it may be there already.
                if isFirst { log.committing(sent) }
                isFirst = false
                try await connection.execute("COMMIT")
                await connection.close()
                return try rows[1].only().int("first_position")
            } catch {
                await connection.close()
                throw error
            }
        }
        log.acknowledged(sent.key, [sent], from: position)
    }

    private func rollBack(_ place: Place, _ sent: EventHistory.Sent, _ log: EventHistoryLog) async throws {
        log.aborted(sent)
        try await insisting {
            let connection = try await Connection.open(place.settings)
            do {
                _ = try await connection.queryAll(["BEGIN", call(place, sent), "SELECT pg_sleep(0.003)", "ROLLBACK"])
                await connection.close()
            } catch {
                await connection.close()
                throw error
            }
        }
    }

    // MARK: Consumers

    private func consume(_ place: Place, _ name: String, _ seed: UInt64, _ log: EventHistoryLog) async throws {
        var chance = SeededRandom(seed)
        var life = 0
        while true {
            let member = "\(name).\(life)"
            let limit = 1 + chance.below(60)
            let delivery = try await insisting {
                try await place.reader.poll(
                    place.group, of: place.organization, as: member, limit: limit, lease: .seconds(1))
            }
            log.polled(polls(delivery, member))
            if delivery.isEmpty {
                try? await place.reader.commit(delivery, place.group, of: place.organization, as: member)
                if log.isDone, try await insisting({ try await isDone(place) }) { break }
                try await Task.sleep(for: .milliseconds(5))
                continue
            }
            // One in ten is killed with what it holds.
            if chance.once(in: 10) { life += 1 } else { await apply(delivery, member, place) }
        }
    }

    private func polls(_ delivery: Delivery, _ member: String) -> [EventHistory.Polled] {
        delivery.leases.compactMap { lease in
            guard let through = lease.through else { return nil }
            let events = delivery.events.filter { $0.slot == lease.slot }.map { delivered in
                (
                    position: delivered.event.position, id: delivered.event.id,
                    sent: EventHistory.Sent(key: delivered.event.key ?? "", number: Self.number(delivered.event))
                )
            }
            return EventHistory.Polled(
                member: member, slot: lease.slot, epoch: lease.epoch, from: lease.position, through: through,
                events: events, at: 0)
        }
    }

    private static func number(_ event: StoredEvent) -> Int {
        Int(event.payload.filter { "-0123456789".contains($0) }) ?? .min
    }

    private func isDone(_ place: Place) async throws -> Bool {
        try await place.cluster.query(
            0,
            """
            SELECT min(s.position) = max(e.last_position) AS done FROM events.group_slots s
            JOIN events.event_streams e ON e.id = '\(place.stream)' WHERE s.group_id = '\(place.group)'
            """
        ).only().bool("done")
    }

    /// The read model's rows and the offsets in one transaction, or neither.
    private func apply(_ delivery: Delivery, _ member: String, _ place: Place) async {
        let done = delivery.leases.compactMap { lease in
            lease.through.flatMap { $0 > lease.position ? (lease: lease, through: $0) : nil }
        }
        let values = delivery.events.map { delivered in
            "('\(delivered.event.id)', \(delivered.event.position), '\(delivered.event.key ?? "")', \(Self.number(delivered.event)))"
        }
        let (statement, parameters) = place.reader.commitment(done, place.group, of: place.organization, as: member)
        guard let connection = try? await Connection.open(place.settings) else { return }
        _ = try? await connection.transaction { connection in
            try await connection.execute("INSERT INTO read_model VALUES " + values.joined(separator: ","))
            _ = try await connection.query(statement, parameters)
        }
        await connection.close()
    }

    // MARK: What came out

    private func check(_ place: Place, _ log: EventHistoryLog) async throws {
        var history = log.history
        let rows = try await place.cluster.query(
            0,
            "SELECT position, id::text AS id, key, payload ->> 'n' AS n, slot % 8 AS slot FROM events.events ORDER BY position"
        )
        history.stored = try rows.map { row in
            (
                try row.int("position"), try row.id(),
                EventHistory.Sent(key: try row.string("key"), number: Int(try row.string("n")) ?? .min),
                try row.int("slot")
            )
        }
        #expect(history.anomalies().isEmpty, "\(history.anomalies())")
        #expect(history.stored.count == log.acknowledgedCount)
        let done = try await place.cluster.query(0, "SELECT position, key, number FROM read_model ORDER BY done")
        #expect(done.count == history.stored.count, "lost or twice in the read model")
        var last: [String: Int] = [:]
        for row in done {
            let (key, number) = (try row.string("key"), try row.int("number"))
            #expect(number == (last[key] ?? -1) + 1, "\(key) is out of order")
            last[key] = number
        }
    }
}
