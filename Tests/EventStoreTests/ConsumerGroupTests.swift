import Foundation
import PostgresDriver
import TestSupport
import Testing

@testable import EventStore

/// Groups: leases, epochs, commits, seek.
@Suite("Events: consumer groups")
struct ConsumerGroupTests {
    private func numbers(_ delivery: Delivery) -> [Int] { delivery.events.map(\.event.position) }

    @Test("S3.2 S3.13 What is committed does not come again, what is not does")
    func commit() async throws {
        try await EventStoreFixture.with { store in
            let stream = try await store.stream()
            try await store.append((1...30).map { .counted($0, key: "k\($0 % 5)") }, to: stream)
            let (reader, one) = (store.reader, store.organization)
            let group = try await reader.createGroup("g", on: stream, of: one)
            #expect(try await reader.createGroup("g", on: stream, of: one) == group)
            let first = try await reader.poll(group, of: one, as: "m", limit: 10)
            #expect(numbers(first) == Array(1...10) && first.leases.count == 16)
            #expect(first.events.map(\.event.payload) == (1...10).map { "{\"n\": \($0)}" })
            #expect(first.leases.allSatisfy { $0.through == 10 && $0.position == 0 && $0.attempt == 1 })
            #expect(numbers(try await reader.poll(group, of: one, as: "m", limit: 10)) == Array(1...10))
            try await reader.commit(first, group, of: one, as: "m")
            let second = try await reader.poll(group, of: one, as: "m")
            #expect(numbers(second) == Array(11...30))
            // A second time: the slots stand elsewhere by now.
            await #expect(throws: EventStoreRefusal.self) { try await reader.commit(first, group, of: one, as: "m") }
            try await reader.commit(second, group, of: one, as: "m")
            #expect(try await reader.poll(group, of: one, as: "m").isEmpty)
            let offset = try await store.rows("SELECT position, last_event_id::text AS id FROM events.consumer_offsets")
                .only()
            #expect(try offset.int("position") == 30)
            #expect(try offset.id() == second.events.last?.event.id)
        }
    }

    @Test("Members share the slots; events of a key come to one of them, in order")
    func sharing() async throws {
        try await EventStoreFixture.with { store in
            let (reader, one) = (store.reader, store.organization)
            let stream = try await store.stream()
            try await store.append((1...200).map { .counted($0, key: "k\($0 % 20)") }, to: stream)
            let group = try await reader.createGroup("g", on: stream, of: one)
            #expect(try await reader.poll(group, of: one, as: "a").leases.count == 16)
            // The second comes: the first gives up its half at its next poll, and the second takes it at its own.
            #expect(try await reader.poll(group, of: one, as: "b").leases.isEmpty)
            let first = try await reader.poll(group, of: one, as: "a")
            let second = try await reader.poll(group, of: one, as: "b")
            #expect(first.leases.count == 8 && second.leases.count == 8)
            #expect(
                Set(numbers(first) + numbers(second)) == Set(1...200) && first.events.count + second.events.count == 200
            )
            let keys = [first, second].map { Set($0.events.map(\.event.key)) }
            #expect(keys[0].isDisjoint(with: keys[1]))
            #expect(numbers(first) == numbers(first).sorted())
            try await reader.commit(first, group, of: one, as: "a")
            try await reader.commit(second, group, of: one, as: "b")
        }
    }

    @Test("A lease that has run out goes to another member, and what the first still commits is refused")
    func fencing() async throws {
        try await EventStoreFixture.with { store in
            let (reader, one) = (store.reader, store.organization)
            let stream = try await store.stream()
            try await store.append((1...10).map { .counted($0) }, to: stream)
            let group = try await reader.createGroup("g", on: stream, of: one)
            let lost = try await reader.poll(group, of: one, as: "a")
            try await store.rows(
                "UPDATE events.group_slots SET lease_until = now() - interval '1 second'")
            try await store.rows("UPDATE events.group_members SET seen_until = now() - interval '1 second'")
            let taken = try await reader.poll(group, of: one, as: "b")
            #expect(numbers(taken) == Array(1...10) && taken.leases.allSatisfy { $0.epoch == 2 })
            await #expect(throws: EventStoreRefusal.self) { try await reader.commit(lost, group, of: one, as: "a") }
            await #expect(throws: EventStoreRefusal.self) {
                _ = try await reader.fail(1, in: lost.leases[0], group, of: one, as: "a", reason: "late")
            }
            try await reader.commit(taken, group, of: one, as: "b")
            // Under the name of the new owner the old epoch is of no use either.
            await #expect(throws: EventStoreRefusal.self) { try await reader.commit(lost, group, of: one, as: "b") }
        }
    }

    @Test("A member that leaves gives its slots up at once; what it had not committed goes to another")
    func leaving() async throws {
        try await EventStoreFixture.with { store in
            let (reader, one) = (store.reader, store.organization)
            let stream = try await store.stream()
            try await store.append((1...10).map { .counted($0) }, to: stream)
            let group = try await reader.createGroup("g", on: stream, of: one)
            let left = try await reader.poll(group, of: one, as: "a", lease: .seconds(3_600))
            try await reader.leave(group, of: store.other, as: "a")
            #expect(try await reader.poll(group, of: one, as: "b").leases.isEmpty, "another organisation's word counts")
            for member in ["a", "a", "nobody"] { try await reader.leave(group, of: one, as: member) }
            let taken = try await reader.poll(group, of: one, as: "b")
            #expect(numbers(taken) == Array(1...10) && taken.leases.count == 16)
            await #expect(throws: EventStoreRefusal.self) { try await reader.commit(left, group, of: one, as: "a") }
            try await reader.commit(taken, group, of: one, as: "b")
        }
    }

    @Test("Offsets move neither back nor beyond the end, but by seek; a commit of several slots counts as a whole")
    func bounds() async throws {
        try await EventStoreFixture.with { store in
            let (reader, one) = (store.reader, store.organization)
            let stream = try await store.stream()
            try await store.append((1...10).map { .counted($0) }, to: stream)
            let group = try await reader.createGroup("g", on: stream, of: one)
            let delivery = try await reader.poll(group, of: one, as: "m")
            let lease = delivery.leases[0]
            for through in [-1, 11] {
                await #expect(throws: EventStoreRefusal.self) {
                    try await reader.commit([(delivery.leases[1], 10), (lease, through)], group, of: one, as: "m")
                }
            }
            let moved = try await store.rows("SELECT count(*) AS n FROM events.group_slots WHERE position > 0").only()
                .int("n")
            #expect(moved == 0)
        }
    }

    @Test("S3.3 A group begins anew at any position, time, the start or the end; who works in it is fenced")
    func seek() async throws {
        try await EventStoreFixture.with { store in
            let (reader, one) = (store.reader, store.organization)
            let stream = try await store.stream()
            try await store.append((1...10).map { .counted($0) }, to: stream)
            try await store.rows("SELECT pg_sleep(0.005)")
            let later = try await store.append((11...20).map { .counted($0) }, to: stream)
            var settings = GroupSettings()
            settings.after = 15
            let group = try await reader.createGroup("g", on: stream, of: one, settings)
            let working = try await reader.poll(group, of: one, as: "m")
            #expect(numbers(working) == Array(16...20))
            for (target, position) in [
                (EventReader.SeekTarget.start, 0), (.end, 20), (.after(7), 7), (.time(later.at), 10),
                (.time(.distantFuture), 20), (.time(Date(timeIntervalSince1970: 0)), 0),
            ] {
                #expect(try await reader.seek(group, of: one, to: target) == position, "\(target)")
                #expect(numbers(try await reader.poll(group, of: one, as: "m")) == Array(position..<20).map { $0 + 1 })
            }
            await #expect(throws: EventStoreRefusal.self) { try await reader.seek(group, of: one, to: .after(21)) }
            await #expect(throws: EventStoreRefusal.self) { try await reader.commit(working, group, of: one, as: "m") }
        }
    }

    @Test("What is archived is out of range for a reader and a group, never skipped")
    func outOfRange() async throws {
        try await EventStoreFixture.with { store in
            let (reader, one) = (store.reader, store.organization)
            let stream = try await store.stream()
            try await store.append((1...10).map { .counted($0) }, to: stream)
            let group = try await reader.createGroup("g", on: stream, of: one)
            try await store.rows("UPDATE events.event_streams SET floor_position = 4")
            await #expect(throws: EventStoreRefusal.outOfRange(floor: 4)) {
                try await reader.read(stream, of: one, after: 3)
            }
            await #expect(throws: EventStoreRefusal.outOfRange(floor: 4)) {
                try await reader.poll(group, of: one, as: "m")
            }
            await #expect(throws: EventStoreRefusal.outOfRange(floor: 4)) {
                try await reader.seek(group, of: one, to: .after(3))
            }
            #expect(try await reader.seek(group, of: one, to: .start) == 4)
            #expect(numbers(try await reader.poll(group, of: one, as: "m")) == Array(5...10))
        }
    }

    @Test("Positions lead to the partitions that have them, over the border of two")
    func overPartitions() async throws {
        try await EventStoreFixture.with(every: .day) { store in
            let (reader, one) = (store.reader, store.organization)
            let stream = try await store.stream()
            let group = try await reader.createGroup("g", on: stream, of: one)
            // As if the last event had come on the day before, and the one before that: the clock goes on, and so do times.
            for day in [-2, -1, 0] {
                try await store.rows(
                    """
                    DO $$ DECLARE d timestamp := date_trunc('day', now() AT TIME ZONE 'UTC') + \(day) * interval '1 day'; n text := 'events_' || to_char(d, 'YYYY_MM_DD'); BEGIN
                        IF to_regclass('events.' || n) IS NULL THEN
                            EXECUTE format('CREATE TABLE events.%I PARTITION OF events.events FOR VALUES FROM (%L) TO (%L)', n, d, d + interval '1 day');
                        END IF;
                    END $$
                    """)
                if day == 0 {
                    try await store.append((1...10).map { .counted($0) }, to: stream)
                } else {
                    try await appendEarlier(store, stream, days: day)
                }
            }
            let marks = try await store.rows("SELECT first_position AS p FROM events.stream_partitions ORDER BY 1")
            #expect(try marks.map { try $0.int("p") } == [1, 11, 21])
            let partitions = try await store.rows("SELECT count(DISTINCT tableoid) AS n FROM events.events").only().int(
                "n")
            #expect(partitions == 3)
            for after in 0...30 {
                let slice = try await reader.read(stream, of: one, after: after)
                #expect(slice.events.map(\.position) == Array(after..<30).map { $0 + 1 })
            }
            #expect(numbers(try await reader.poll(group, of: one, as: "m")) == Array(1...30))
        }
    }

    /// Appends by the function itself, whose clock is set back for one transaction.
    private func appendEarlier(_ store: EventStoreFixture, _ stream: UUID, days: Int) async throws {
        let clock =
            "CREATE OR REPLACE FUNCTION events.now() RETURNS timestamp LANGUAGE sql VOLATILE AS $$ SELECT date_trunc('milliseconds', clock_timestamp() AT TIME ZONE 'UTC')"
        try await store.rows(clock + " + \(days) * interval '1 day' $$")
        try await store.append((1...10).map { .counted($0) }, to: stream)
        try await store.rows(clock + " $$")
    }

    @Test(
        "Names of groups, members and streams that are none or too long are refused by the functions and tables themselves"
    )
    func names() async throws {
        try await EventStoreFixture.with { store in
            let (reader, one) = (store.reader, store.organization)
            let stream = try await store.stream()
            let group = try await reader.createGroup(String(repeating: "ä", count: 200), on: stream, of: one)
            for name in ["", String(repeating: "a", count: 201)] {
                await #expect(throws: EventStoreRefusal.invalid("a group's name has 1 to 200 characters")) {
                    _ = try await reader.createGroup(name, on: stream, of: one)
                }
                await #expect(throws: EventStoreRefusal.invalid("a member's name has 1 to 200 bytes")) {
                    _ = try await reader.poll(group, of: one, as: name)
                }
                // Whatever was to write it: not by a function.
                await #expect(throws: PostgresError.self) { _ = try await store.stream(name) }
            }
            // 101 characters of two bytes each; and one character of 201 scalars is no short name.
            await #expect(throws: EventStoreRefusal.self) {
                _ = try await reader.poll(group, of: one, as: String(repeating: "ä", count: 101))
            }
            let directory = Directory(store.database.settings, schema: store.schema)
            await #expect(throws: Directory.Refusal.self) {
                _ = try await directory.createStream("e" + String(repeating: "\u{301}", count: 200), of: one)
            }
            await directory.close()
            #expect(try await reader.poll(group, of: one, as: String(repeating: "m", count: 200)).leases.count == 16)
        }
    }

    @Test("Bounds of names come to a store that was made without them, but where a longer name is there already")
    func olderStore() async throws {
        try await EventStoreFixture.with { store in
            let long = String(repeating: "a", count: 201)
            let connection = try await Connection.open(store.database.settings)
            try await connection.execute(
                """
                ALTER TABLE events.event_streams DROP CONSTRAINT event_streams_name_length;
                ALTER TABLE events.group_members DROP CONSTRAINT group_members_member_length;
                """)
            let stream = try await store.stream(long)
            try await store.schema.install(on: connection)
            let names = try await connection.query(
                "SELECT conname::text AS name FROM pg_constraint WHERE conname LIKE '%\\_length' ORDER BY 1"
            ).map { try $0.string("name") }
            #expect(names == ["consumer_groups_name_length", "group_members_member_length"])
            // The stream of that name goes on.
            try await store.append([.counted(1)], to: stream)
            await connection.close()
        }
    }

    @Test("A group has at most 1,000 members at a time: further ones are told so, those that are there go on")
    func members() async throws {
        try await EventStoreFixture.with { store in
            let (reader, one) = (store.reader, store.organization)
            let stream = try await store.stream()
            let group = try await reader.createGroup("g", on: stream, of: one)
            _ = try await reader.poll(group, of: one, as: "first", lease: .seconds(3_600))
            try await store.rows(
                """
                INSERT INTO events.group_members (group_id, member, org_id, seen_until)
                SELECT $1::uuid, 'm' || n, $2::uuid, now() + interval '1 hour' FROM generate_series(1, 998) n
                """, [.text(group.uuidString), .text(one.uuidString)])
            // Of those who come at once exactly one finds room.
            let refused = try await withThrowingTaskGroup(of: Int.self) { tasks in
                for number in 0..<8 {
                    tasks.addTask {
                        do {
                            _ = try await reader.poll(group, of: one, as: "late \(number)", lease: .seconds(3_600))
                            return 0
                        } catch EventStoreRefusal.tooMany { return 1 }
                    }
                }
                return try await tasks.reduce(0, +)
            }
            #expect(refused == 7)
            _ = try await reader.poll(group, of: one, as: "first", lease: .seconds(3_600))
            _ = try await reader.poll(group, of: one, as: "m7", lease: .seconds(3_600))
            try await reader.leave(group, of: one, as: "m7")
            _ = try await reader.poll(group, of: one, as: "next", lease: .seconds(3_600))
            await #expect(throws: EventStoreRefusal.self) {
                _ = try await reader.poll(group, of: one, as: "one too many")
            }
            // Those whose time is over make room.
            try await store.rows(
                "UPDATE events.group_members SET seen_until = now() - interval '1 second' WHERE member = 'm8'")
            _ = try await reader.poll(group, of: one, as: "one too many")
            #expect(try await store.rows("SELECT count(*) AS n FROM events.group_members").only().int("n") == 1_000)
        }
    }
}
