import Foundation
import PostgresDriver
import TestSupport
import Testing

@testable import EventStore

/// Cursors of deliveries: as text, and what the store makes of them.
@Suite("Events: cursors of members")
struct DeliveryCursorTests {
    private static let lease = SlotLease(slot: 3, epoch: 7, position: 10, through: 20, attempt: 1)

    @Test("A cursor is one word for shells, and comes back as it was; slots with nothing to commit are not in it")
    func text() throws {
        let (group, letter) = (UUID(), UUID())
        var delivery = Delivery(
            events: [],
            leases: (0..<256).map { SlotLease(slot: $0, epoch: .max, position: .max - 1, through: .max, attempt: 1) },
            redriven: (0..<100).map { _ in
                .init(
                    deadLetter: letter, epoch: 2, attempt: 1,
                    event: StoredEvent(
                        id: letter, position: 1, type: "t", key: nil, payload: "1", metadata: "{}", at: Date()))
            })
        let name = String(repeating: "ä\"", count: 66)
        let large = DeliveryCursor(delivery, of: group, as: name)
        #expect(large.text.utf8.count < DeliveryCursor.longest && DeliveryCursor(large.text) == large)
        #expect(
            large.text.utf8.allSatisfy {
                ($0 >= 48 && $0 <= 57) || ($0 | 32 >= 97 && $0 | 32 <= 122) || $0 == 95 || $0 == 45
            })
        delivery.leases = [Self.lease, SlotLease(slot: 4, epoch: 1, position: 20, through: 20, attempt: 1)]
        delivery.leases.append(SlotLease(slot: 5, epoch: 1, position: 5, through: nil, attempt: 2, nextTry: Date()))
        #expect(DeliveryCursor(delivery, of: group, as: "m").leases.map(\.slot) == [3])
        let small = DeliveryCursor(delivery, of: group, as: "m").text
        for wrong in ["", "evc1_", String(small.dropLast(5)), "evc2_" + small.dropFirst(5), small + "x", "null"] {
            #expect(DeliveryCursor(wrong) == nil, "\(wrong)")
        }
        #expect(DeliveryCursor("evc1_" + String(repeating: "A", count: DeliveryCursor.longest)) == nil)
    }

    private struct Place {
        let store: EventStoreFixture
        let group: UUID

        func poll(_ limit: Int = 500) async throws -> DeliveryCursor {
            let delivery = try await store.reader.poll(group, of: store.organization, as: "m", limit: limit)
            return try #require(DeliveryCursor(DeliveryCursor(delivery, of: group, as: "m").text))
        }

        func slot(_ position: Int) async throws -> Int {
            let directory = Directory(store.database.settings, schema: store.schema)
            let slot = try await directory.slot(of: position, in: group, store.organization)
            #expect(try await directory.slot(of: position, in: group, store.other) == nil)
            await directory.close()
            return try #require(slot)
        }

        /// What a poll would give, of whichever member.
        func left() async throws -> [Int] {
            try await store.rows("UPDATE events.group_slots SET next_try = '-infinity'")
            return try await store.reader.poll(group, of: store.organization, as: "m").events.map(\.event.position)
        }
    }

    private func with(attempts: Int = 3, _ body: (Place) async throws -> Void) async throws {
        try await EventStoreFixture.with { store in
            let stream = try await store.stream()
            try await store.append((1...30).map { .counted($0, key: "k\($0)") }, to: stream)
            var settings = GroupSettings()
            (settings.slots, settings.attempts) = (4, attempts)
            settings.firstRetry = .seconds(3_600)
            settings.longestRetry = .seconds(3_600)
            let group = try await store.reader.createGroup("g", on: stream, of: store.organization, settings)
            try await body(Place(store: store, group: group))
        }
    }

    @Test("Committed once; a second time, after a seek, and under another member's name it is refused")
    func commit() async throws {
        try await with { place in
            let (reader, one) = (place.store.reader, place.store.organization)
            let cursor = try await place.poll(10)
            try await reader.commit(cursor, of: one)
            #expect(try await place.left() == Array(11...30))
            await #expect(throws: EventStoreRefusal.self) { try await reader.commit(cursor, of: one) }
            let fenced = try await place.poll()
            try await reader.seek(place.group, of: one, to: .start)
            await #expect(throws: EventStoreRefusal.self) { try await reader.commit(fenced, of: one) }
            await #expect(throws: EventStoreRefusal.self) {
                _ = try await reader.fail(
                    15, slot: try await place.slot(15), fenced, of: one, reason: "r", kind: "", isFinal: false)
            }
            #expect(try await place.left() == Array(1...30))
        }
    }

    @Test("What stands before an event that fails is done in all slots; it and all behind it come again")
    func fail() async throws {
        try await with { place in
            let (reader, one) = (place.store.reader, place.store.organization)
            let cursor = try await place.poll()
            let outcome = try await reader.fail(
                13, slot: try await place.slot(13), cursor, of: one, reason: "no", kind: "", isFinal: false)
            guard case .retry(1, _) = outcome else { throw EventStoreRefusal.invalid("\(outcome)") }
            #expect(try await place.left() == Array(13...30))
            let again = try await place.poll()
            for (position, slot) in [(12, try await place.slot(12)), (31, 0), (14, try await place.slot(13))] {
                await #expect(throws: EventStoreRefusal.self, "\(position)") {
                    _ = try await reader.fail(
                        position, slot: slot, again, of: one, reason: "no", kind: "", isFinal: false)
                }
            }
            #expect(
                try await reader.fail(
                    13, slot: try await place.slot(13), again, of: one, reason: "no", kind: "", isFinal: true)
                    == .dead(attempts: 2))
            #expect(try await place.left() == Array(14...30))
        }
    }

    @Test("Redriven dead letters are settled by the cursor: those before one that fails done, the others not")
    func letters() async throws {
        try await with(attempts: 1) { place in
            let (reader, one) = (place.store.reader, place.store.organization)
            for position in 1...3 {
                let cursor = try await place.poll()
                _ = try await reader.fail(
                    position, slot: try await place.slot(position), cursor, of: one, reason: "no", kind: "",
                    isFinal: true)
            }
            #expect(try await reader.redrive(place.group, of: one) == 3)
            let cursor = try await place.poll()
            #expect(cursor.letters.count == 3)
            await #expect(throws: EventStoreRefusal.self) {
                try await reader.fail(letter: UUID(), cursor, of: one, reason: "r", kind: "")
            }
            try await reader.fail(letter: cursor.letters[1].id, cursor, of: one, reason: "again", kind: "")
            let states = try await place.store.rows(
                "SELECT status || ' ' || reason AS text FROM events.dead_letter_events ORDER BY position"
            ).map { try $0.string("text") }
            #expect(states.sorted() == ["dead again", "redriving no", "resolved no"])
            #expect(try await place.left() == [])
            try await place.store.rows("UPDATE events.dead_letter_events SET next_try = '-infinity'")
            let rest = try await place.poll()
            #expect(rest.letters.map(\.id) == [cursor.letters[2].id])
            try await reader.commit(rest, of: one)
            await #expect(throws: EventStoreRefusal.self) { try await reader.commit(rest, of: one) }
        }
    }
}
