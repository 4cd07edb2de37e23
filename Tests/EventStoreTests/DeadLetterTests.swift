import Foundation
import PostgresDriver
import TestSupport
import Testing

@testable import EventStore

/// Events that cannot be done: attempts, dead letters, redrive.
@Suite("Events: dead letters")
struct DeadLetterTests {
    fileprivate struct Place {
        let store: EventStoreFixture
        let group: UUID
        var reader: EventReader { store.reader }

        /// A delivery once the slots' next attempts have come.
        func poll(_ member: String = "m") async throws -> Delivery {
            try await store.rows("UPDATE events.group_slots SET next_try = '-infinity'")
            return try await reader.poll(group, of: store.organization, as: member)
        }

        func fail(_ delivery: Delivery, _ position: Int, isFinal: Bool = false) async throws -> FailureOutcome {
            let event = try #require(delivery.events.first { $0.event.position == position })
            let lease = try #require(delivery.leases.first { $0.slot == event.slot })
            return try await reader.fail(
                position, in: lease, group, of: store.organization, as: "m", reason: "cannot do \(position)",
                kind: "Bad", isFinal: isFinal)
        }

        func letters() async throws -> [String] {
            try await store.rows(
                "SELECT concat_ws(' ', position, attempts, status, error_class, payload) AS text FROM events.dead_letter_events ORDER BY position"
            ).map { try $0.string("text") }
        }
    }

    /// One slot, three attempts, events 1 to 6.
    private func with(_ body: (Place) async throws -> Void) async throws {
        try await EventStoreFixture.with { store in
            let stream = try await store.stream()
            try await store.append((1...6).map { .counted($0) }, to: stream)
            var settings = GroupSettings()
            (settings.slots, settings.attempts) = (1, 3)
            settings.firstRetry = .seconds(3_600)
            settings.longestRetry = .seconds(7_200)
            let group = try await store.reader.createGroup("g", on: stream, of: store.organization, settings)
            try await body(Place(store: store, group: group))
        }
    }

    @Test(
        "An event that fails is tried again later, nothing overtakes it, and after the last attempt it is a dead letter"
    )
    func attempts() async throws {
        try await with { place in
            let first = try await place.poll()
            guard case .retry(1, let again) = try await place.fail(first, 3) else { return #expect(Bool(false)) }
            #expect(again > Date().addingTimeInterval(1_700) && again < Date().addingTimeInterval(3_700))
            // The events before it are done; its slot waits.
            let waiting = try await place.reader.poll(place.group, of: place.store.organization, as: "m")
            #expect(waiting.isEmpty && waiting.leases.first?.through == nil && waiting.leases.first?.position == 2)
            let second = try await place.poll()
            #expect(second.events.map(\.event.position) == [3, 4, 5, 6] && second.leases.first?.attempt == 2)
            guard case .retry(2, _) = try await place.fail(second, 3) else { return #expect(Bool(false)) }
            let third = try await place.poll()
            #expect(try await place.fail(third, 3) == .dead(attempts: 3))
            #expect(try await place.letters() == ["3 3 dead Bad {\"n\": 3}"])
            let after = try await place.poll()
            #expect(after.events.map(\.event.position) == [4, 5, 6] && after.leases.first?.attempt == 1)
            // Another event has attempts of its own.
            guard case .retry(1, _) = try await place.fail(after, 5) else { return #expect(Bool(false)) }
        }
    }

    @Test("A final failure is a dead letter at once; redriven, it comes once more to its group, and is resolved")
    func redrive() async throws {
        try await with { place in
            let (reader, one) = (place.reader, place.store.organization)
            #expect(try await place.fail(try await place.poll(), 1, isFinal: true) == .dead(attempts: 1))
            #expect(try await place.fail(try await place.poll(), 2, isFinal: true) == .dead(attempts: 1))
            let rest = try await place.poll()
            try await reader.commit(rest, place.group, of: one, as: "m")
            #expect(try await place.poll().isEmpty)
            #expect(try await reader.redrive(place.group, of: one) == 2)
            let redriven = try await place.poll().redriven
            #expect(redriven.map(\.event.position) == [1, 2] && redriven.allSatisfy { $0.attempt == 2 })
            // Until its lease runs out nobody else gets it.
            #expect(try await place.poll("other").redriven.isEmpty)
            try await reader.settle(redriven[0], of: one, as: "m", failure: nil)
            try await reader.settle(redriven[1], of: one, as: "m", failure: ("still", "Worse"))
            await #expect(throws: EventStoreRefusal.self) {
                try await reader.settle(redriven[0], of: one, as: "m", failure: nil)
            }
            #expect(try await place.letters() == ["1 2 resolved Bad {\"n\": 1}", "2 2 dead Worse {\"n\": 2}"])
            #expect(try await reader.discard(place.group, of: one) == 1)
            #expect(try await reader.redrive(place.group, of: one) == 0)
        }
    }

    @Test("The wait stays within its bounds however often and long")
    func backoff() async throws {
        try await EventStoreFixture.with { store in
            for (first, last, tries, low, high) in [(60, 300, 100, 150, 300), (1, 300, 1, 0.5, 1), (1, 300, 4, 4, 8)]
                as [(Int, Int, Int, Double, Double)]
            {
                let row = try await store.rows(
                    "SELECT min(x) AS low, max(x) AS high FROM (SELECT extract(epoch FROM events.backoff($1 * interval '1 second', $2 * interval '1 second', $3::int))::float8 AS x FROM generate_series(1, 200)) s",
                    [.int(first), .int(last), .int(tries)]
                ).only()
                #expect(try row.double("low") >= low && row.double("high") <= high)
            }
        }
    }

    @Test("What failed in one slot does not keep the others of the delivery")
    func otherSlots() async throws {
        try await EventStoreFixture.with { store in
            let (reader, one) = (store.reader, store.organization)
            let stream = try await store.stream()
            try await store.append((1...40).map { .counted($0, key: "k\($0)") }, to: stream)
            let group = try await reader.createGroup("g", on: stream, of: one)
            let delivery = try await reader.poll(group, of: one, as: "m")
            let bad = delivery.events[5]
            let lease = try #require(delivery.leases.first { $0.slot == bad.slot })
            _ = try await reader.fail(bad.event.position, in: lease, group, of: one, as: "m", reason: "bad")
            await #expect(throws: EventStoreRefusal.self) { try await reader.commit(delivery, group, of: one, as: "m") }
            try await reader.commit(delivery, group, of: one, as: "m", except: [bad.slot])
            try await store.rows("UPDATE events.group_slots SET next_try = '-infinity'")
            let rest = try await reader.poll(group, of: one, as: "m")
            let wanted = delivery.events.filter { $0.slot == bad.slot && $0.event.position >= bad.event.position }
            #expect(rest.events == wanted)
        }
    }

    @Test("Only what is named is redriven; nothing that is not the slot's can fail")
    func some() async throws {
        try await with { place in
            let (reader, one) = (place.reader, place.store.organization)
            for position in 1...2 { _ = try await place.fail(try await place.poll(), position, isFinal: true) }
            let ids = try await place.store.rows(
                "SELECT id::text AS id FROM events.dead_letter_events ORDER BY position"
            ).map { try $0.id() }
            #expect(try await reader.redrive(place.group, of: one, [ids[1]]) == 1)
            #expect(try await place.poll().redriven.map(\.event.position) == [2])
            let lease = try #require(try await place.poll().leases.first)
            for position in [2, 7] {
                await #expect(throws: EventStoreRefusal.self) {
                    _ = try await reader.fail(position, in: lease, place.group, of: one, as: "m", reason: "no")
                }
            }
        }
    }

    @Test("Dead letters are listed up to a number and to a size, at least one, and the list says where it goes on")
    func pages() async throws {
        try await with { place in
            try await place.reader.fail(of: place, 1...6)
            // Events of some 1,000 bytes, but the third, which alone is beyond the bound.
            try await place.store.rows(
                "UPDATE events.dead_letter_events SET payload = to_jsonb(repeat('x', CASE position WHEN 3 THEN 5000 ELSE 1000 END))"
            )
            let (directory, one) = (
                Directory(place.store.database.settings, schema: place.store.schema), place.store.organization
            )
            func walk(_ limit: Int, _ bytes: Int) async throws -> [[Int]] {
                var (pages, after): ([[Int]], Int?) = ([], 0)
                while let from = after {
                    let page = try await directory.deadLetters(
                        of: place.group, one, after: from, limit: limit, bytes: bytes)
                    pages.append(page.letters.map(\.event.position))
                    after = page.next
                }
                return pages
            }
            #expect(try await walk(100, 1 << 20) == [[1, 2, 3, 4, 5, 6]])
            #expect(try await walk(4, 1 << 20) == [[1, 2, 3, 4], [5, 6]])
            #expect(try await walk(3, 1 << 20) == [[1, 2, 3], [4, 5, 6]])
            #expect(try await walk(100, 2_000) == [[1, 2], [3], [4, 5], [6]])
            #expect(try await walk(100, 1) == [[1], [2], [3], [4], [5], [6]])
            let page = try await directory.deadLetters(of: place.group, one, status: nil, limit: 1)
            #expect(page.letters.first?.reason == "cannot do 1" && page.letters.first?.kind == "Bad")
            #expect(try await directory.deadLetters(of: place.group, one, status: .resolved).letters.isEmpty)
            #expect(try await directory.deadLetters(of: place.group, place.store.other).letters.isEmpty)
            await directory.close()
        }
    }
}

extension EventReader {
    fileprivate func fail(of place: DeadLetterTests.Place, _ positions: ClosedRange<Int>) async throws {
        for position in positions { _ = try await place.fail(try await place.poll(), position, isFinal: true) }
    }
}
