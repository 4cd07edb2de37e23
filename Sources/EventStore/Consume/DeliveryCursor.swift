package import Foundation
import PostgresDriver

/// What a member has been given, as one word: for a member that is several processes, one after the other, such as the commands
/// of a shell script. It says what to commit, and under which leases; the store refuses it once they are another member's.
package struct DeliveryCursor: Sendable, Hashable {
    package struct Letter: Sendable, Hashable {
        package var id: UUID
        package var epoch: Int
    }

    package let group: UUID
    package let member: String
    /// Those with something to commit.
    package let leases: [SlotLease]
    /// Dead letters that were redriven. They stand behind the events of the slots.
    package let letters: [Letter]

    package init(_ delivery: Delivery, of group: UUID, as member: String) {
        (self.group, self.member) = (group, member)
        leases = delivery.leases.filter { ($0.through ?? 0) > $0.position }
        letters = delivery.redriven.map { Letter(id: $0.deadLetter, epoch: $0.epoch) }
    }

    // MARK: As text

    /// The most that is read: 256 slots, 100 letters and a name are less.
    package static let longest = 64 << 10
    private static let version = "evc1_"

    private struct Form: Codable {
        var g: UUID
        var m: String
        /// Slot, epoch, from, through.
        var s: [[Int]]
        var d: [String]
    }

    package var text: String {
        let form = Form(
            g: group, m: member, s: leases.map { [$0.slot, $0.epoch, $0.position, $0.through ?? $0.position] },
            d: letters.map { "\($0.id.uuidString).\($0.epoch)" })
        let data = (try? JSONEncoder().encode(form)) ?? Data()
        return Self.version
            + data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// nil: it is no cursor, or not all of one.
    package init?(_ text: String) {
        guard text.utf8.count <= Self.longest, text.hasPrefix(Self.version) else { return nil }
        var rest = String(text.dropFirst(Self.version.count)).replacing("-", with: "+").replacing("_", with: "/")
        rest += String(repeating: "=", count: (4 - rest.utf8.count % 4) % 4)
        guard let data = Data(base64Encoded: rest), let form = try? JSONDecoder().decode(Form.self, from: data) else {
            return nil
        }
        (group, member) = (form.g, form.m)
        leases = form.s.compactMap {
            $0.count == 4 ? SlotLease(slot: $0[0], epoch: $0[1], position: $0[2], through: $0[3], attempt: 1) : nil
        }
        letters = form.d.compactMap { text in
            let parts = text.split(separator: ".")
            guard parts.count == 2, let id = UUID(uuidString: String(parts[0])), let epoch = Int(parts[1]) else {
                return nil
            }
            return Letter(id: id, epoch: epoch)
        }
        guard leases.count == form.s.count, letters.count == form.d.count else { return nil }
    }
}

extension EventReader {
    /// All that the cursor stands for is done.
    ///
    /// - Throws: `EventStoreRefusal.leaseLost`: then no event of it counts; a dead letter that is lost leaves those before it done.
    package func commit(_ cursor: DeliveryCursor, of organization: UUID) async throws {
        try await commit(cursor.leases.map { ($0, $0.through ?? $0.position) }, of: cursor, organization)
        try await settle(cursor.letters[...], of: cursor, organization)
    }

    /// The event at a position could not be done. What stands before it in the delivery is done, what stands behind it is not: it
    /// comes again with the next poll.
    ///
    /// First the failure and then the rest: whoever is killed in between gets the rest once more.
    ///
    /// - Parameter slot: of the event.
    package func fail(
        _ position: Int, slot: Int, _ cursor: DeliveryCursor, of organization: UUID, reason: String, kind: String,
        isFinal: Bool
    ) async throws -> FailureOutcome {
        guard let lease = cursor.leases.first(where: { $0.slot == slot }),
            position > lease.position, position <= lease.through ?? 0
        else { throw EventStoreRefusal.invalid("the cursor does not stand for an event at \(position)") }
        let outcome = try await fail(
            position, in: lease, cursor.group, of: organization, as: cursor.member, reason: reason, kind: kind,
            isFinal: isFinal)
        let before = cursor.leases.filter { $0.slot != slot }.map { ($0, min($0.through ?? 0, position - 1)) }
        try await commit(before.filter { $1 > $0.position }, of: cursor, organization)
        return outcome
    }

    /// A redriven dead letter could not be done: it is dead once more. What stands before it is done.
    package func fail(
        letter: UUID, _ cursor: DeliveryCursor, of organization: UUID, reason: String, kind: String
    ) async throws {
        guard let index = cursor.letters.firstIndex(where: { $0.id == letter }) else {
            throw EventStoreRefusal.invalid("the cursor does not stand for that dead letter")
        }
        try await settle(
            letter, epoch: cursor.letters[index].epoch, of: organization, as: cursor.member, failure: (reason, kind))
        try await commit(cursor.leases.map { ($0, $0.through ?? $0.position) }, of: cursor, organization)
        try await settle(cursor.letters[..<index], of: cursor, organization)
    }

    private func commit(
        _ done: [(lease: SlotLease, through: Int)], of cursor: DeliveryCursor, _ organization: UUID
    ) async throws {
        if !done.isEmpty { try await commit(done, cursor.group, of: organization, as: cursor.member) }
    }

    private func settle(
        _ letters: ArraySlice<DeliveryCursor.Letter>, of cursor: DeliveryCursor, _ organization: UUID
    ) async throws {
        for letter in letters {
            try await settle(letter.id, epoch: letter.epoch, of: organization, as: cursor.member, failure: nil)
        }
    }
}

extension Directory {
    /// The slot of an event in a group; nil: there is no such event.
    package func slot(of position: Int, in group: UUID, _ organization: UUID) async throws -> Int? {
        let s = schema.schema
        return try await within(
            organization,
            """
            SELECT e.slot % g.slots AS slot FROM \(s).consumer_groups g JOIN \(s).events e ON e.stream_id = g.stream_id
            WHERE g.id = $1::uuid AND e.position = $2 AND e.created_at >= \(s).partition_of(g.stream_id, $2)
            """, [.id(group), .int(position)]
        ).first?.int("slot")
    }
}
