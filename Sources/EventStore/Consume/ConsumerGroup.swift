package import Foundation
package import PostgresDriver

/// How a group consumes, decided when it is made.
package struct GroupSettings: Sendable, Hashable {
    /// Into how many parts the keys are divided, and so how many members may work at once: 1 to 256.
    package var slots = 16
    /// Events after this position; nil: all that there are.
    package var after: Int?
    /// Attempts at an event before it becomes a dead letter: 1 to 1,000.
    package var attempts = 5
    /// How long an event waits for its second attempt; twice as long for each further one, up to the longest.
    package var firstRetry = Duration.seconds(1)
    package var longestRetry = Duration.seconds(300)

    package init() {}
}

/// What a member does: in one slot, in one epoch.
package struct SlotLease: Sendable, Hashable, Codable {
    package var slot: Int
    package var epoch: Int
    /// How far it was done when this was delivered.
    package var position: Int
    /// How far it is done once the delivered events are; nil: the slot waits for its next attempt.
    package var through: Int?
    /// Of the slot's first event: 1 for the first.
    package var attempt: Int
    /// When the slot's next attempt comes, where it waits for one.
    package var nextTry: Date?

    package init(slot: Int, epoch: Int, position: Int, through: Int?, attempt: Int, nextTry: Date? = nil) {
        (self.slot, self.epoch, self.position) = (slot, epoch, position)
        (self.through, self.attempt, self.nextTry) = (through, attempt, nextTry)
    }
}

/// What a poll has brought.
package struct Delivery: Sendable, Hashable {
    package struct Redriven: Sendable, Hashable {
        package var deadLetter: UUID
        package var epoch: Int
        package var attempt: Int
        package var event: StoredEvent
    }

    package struct Delivered: Sendable, Hashable {
        package var slot: Int
        package var event: StoredEvent
    }

    /// In the order of positions.
    package var events: [Delivered]
    package var leases: [SlotLease]
    package var redriven: [Redriven]
    /// The stream's last position when it was looked at; 0 without a slot.
    package var lastPosition = 0

    package var isEmpty: Bool { events.isEmpty && redriven.isEmpty }
}

/// How a failure was taken.
package enum FailureOutcome: Sendable, Hashable {
    case retry(attempts: Int, at: Date)
    case dead(attempts: Int)
}

/// Members of groups: what they get, and what they have done.
extension EventReader {
    /// Makes a group; where one of that name is there, its id.
    package func createGroup(
        _ name: String, on stream: UUID, of organization: UUID, _ settings: GroupSettings = GroupSettings()
    ) async throws -> UUID {
        let rows = try await call(
            """
            SELECT \(schema.schema).create_group($1::uuid, $2::uuid, $3::varchar, $4::integer, $5, $6::integer,
                $7 * interval '1 millisecond', $8 * interval '1 millisecond')::text AS id
            """,
            [
                .id(organization), .id(stream), .text(name), .int(settings.slots), .int(settings.after ?? 0),
                .int(settings.attempts), .int(settings.firstRetry.milliseconds),
                .int(settings.longestRetry.milliseconds),
            ])
        let text = try rows.only().string("id")
        guard let id = UUID(uuidString: text) else { throw EventStoreRefusal.invalid("\(text) is no id") }
        return id
    }

    /// Renews the member's leases and gives the next events of its slots.
    ///
    /// - Parameters:
    ///   - member: a name of its own for each process that works in the group, 1 to 200 bytes.
    ///   - lease: how long its slots are its own without another poll; 1 second to 1 hour.
    /// - Throws: `EventStoreRefusal`: `notFound`, `outOfRange`; `PostgresError`.
    package func poll(
        _ group: UUID, of organization: UUID, as member: String, limit: Int = 500, bytes: Int = 4 << 20,
        lease: Duration = .seconds(30)
    ) async throws -> Delivery {
        let rows = try await call(
            """
            SELECT slot_number AS slot, slot_epoch AS epoch, slot_position, through, attempt, dead_letter, \(StoredEvent.columns)
            FROM \(schema.schema).poll($1::uuid, $2::uuid, $3::varchar, $4::integer, $5, $6 * interval '1 millisecond')
            """,
            [
                .id(organization), .id(group), .text(member), .int(min(max(limit, 1), Self.largestSlice.events)),
                .int(min(max(bytes, 1), Self.largestSlice.bytes)),
                .int(min(max(lease, .seconds(1)), .seconds(3_600)).milliseconds),
            ])
        var delivery = Delivery(events: [], leases: [], redriven: [])
        for row in rows {
            guard let event = try StoredEvent(row) else {
                delivery.lastPosition = try row.int("position")
                delivery.leases.append(
                    SlotLease(
                        slot: try row.int("slot"), epoch: try row.int("epoch"), position: try row.int("slot_position"),
                        through: try row.optionalInt("through"), attempt: try row.int("attempt"),
                        nextTry: try row.optionalInt("at").map { Date(timeIntervalSince1970: Double($0) / 1000) }))
                continue
            }
            if let text = try row.optionalString("dead_letter"), let id = UUID(uuidString: text) {
                delivery.redriven.append(
                    .init(deadLetter: id, epoch: try row.int("epoch"), attempt: try row.int("attempt"), event: event))
            } else {
                delivery.events.append(.init(slot: try row.int("slot"), event: event))
            }
        }
        let opened = try await vault.opened(
            delivery.events.map(\.event) + delivery.redriven.map(\.event), of: organization)
        for index in delivery.events.indices { delivery.events[index].event = opened[index] }
        for index in delivery.redriven.indices {
            delivery.redriven[index].event = opened[delivery.events.count + index]
        }
        return delivery
    }

    /// What `commit` is asked, for who runs it in a transaction of its own with the read model's change.
    package func commitment(
        _ done: [(lease: SlotLease, through: Int)], _ group: UUID, of organization: UUID, as member: String
    ) -> (statement: String, parameters: [Parameter]) {
        (
            "SELECT \(schema.schema).commit($1::uuid, $2::uuid, $3::varchar, $4::bigint[]::integer[], $5, $6, $7)",
            [
                .id(organization), .id(group), .text(member), .intArray(done.map(\.lease.slot)),
                .intArray(done.map(\.lease.epoch)), .intArray(done.map(\.lease.position)),
                .intArray(done.map(\.through)),
            ]
        )
    }

    /// The delivered events of these slots are done.
    ///
    /// - Throws: `EventStoreRefusal.leaseLost`; then none of it counts.
    package func commit(
        _ done: [(lease: SlotLease, through: Int)], _ group: UUID, of organization: UUID, as member: String
    ) async throws {
        let (statement, parameters) = commitment(done, group, of: organization, as: member)
        _ = try await call(statement, parameters)
    }

    /// A delivery is done, but for what failed: `fail` has moved those slots itself.
    package func commit(
        _ delivery: Delivery, _ group: UUID, of organization: UUID, as member: String, except failed: Set<Int> = []
    ) async throws {
        let done = delivery.leases.compactMap { lease in
            failed.contains(lease.slot)
                ? nil : lease.through.flatMap { $0 > lease.position ? (lease: lease, through: $0) : nil }
        }
        if !done.isEmpty { try await commit(done, group, of: organization, as: member) }
    }

    /// The member works no more: its slots are free at once. What it has not committed is delivered to others.
    package func leave(_ group: UUID, of organization: UUID, as member: String) async throws {
        _ = try await call(
            "SELECT \(schema.schema).leave($1::uuid, $2::uuid, $3::varchar)",
            [.id(organization), .id(group), .text(member)])
    }

    /// The event at a position could not be done; those before it in its slot are done.
    ///
    /// - Parameters:
    ///   - kind: what went wrong in a word, to count by.
    ///   - isFinal: no further attempt is worth it.
    package func fail(
        _ position: Int, in lease: SlotLease, _ group: UUID, of organization: UUID, as member: String, reason: String,
        kind: String = "", isFinal: Bool = false
    ) async throws -> FailureOutcome {
        let rows = try await call(
            """
            SELECT outcome, attempts_made, (extract(epoch FROM again_at) * 1000)::bigint AS again
            FROM \(schema.schema).fail($1::uuid, $2::uuid, $3::varchar, $4::integer, $5, $6, $7, $8, $9::varchar, $10)
            """,
            [
                .id(organization), .id(group), .text(member), .int(lease.slot), .int(lease.epoch), .int(lease.position),
                .int(position), .text(reason), .text(kind), .bool(isFinal),
            ])
        let row = try rows.only()
        let attempts = try row.int("attempts_made")
        guard try row.string("outcome") == "retry" else { return .dead(attempts: attempts) }
        return .retry(attempts: attempts, at: Date(timeIntervalSince1970: Double(try row.int("again")) / 1000))
    }

    /// Where a group begins anew.
    package enum SeekTarget: Sendable, Hashable {
        /// With all that there is.
        case start
        case end
        /// After this position.
        case after(Int)
        /// With the first event of that time or later.
        case time(Date)
    }

    /// Moves a whole group; whoever works in it is fenced, and polls again.
    ///
    /// - Returns: the position after which it goes on.
    /// - Throws: `EventStoreRefusal`: `notFound`, `outOfRange`, `invalid` beyond the end.
    @discardableResult
    package func seek(_ group: UUID, of organization: UUID, to target: SeekTarget) async throws -> Int {
        var (position, time): (Parameter, Parameter) = (.null, .null)
        switch target {
        case .start: position = .int(-1)
        case .end: position = .int(-2)
        case .after(let number): position = .int(max(number, 0))
        case .time(let date): time = .int(Int((date.timeIntervalSince1970 * 1000).rounded()))
        }
        return try await call(
            """
            SELECT \(schema.schema).seek($1::uuid, $2::uuid, $3::bigint,
                timestamp '1970-01-01' + $4::bigint * interval '1 millisecond') AS position
            """, [.id(organization), .id(group), position, time]
        ).only().int("position")
    }

    // MARK: Dead letters

    /// For projections, whose offsets are with their read models: where one stands, and the event that it could not do.
    func setAside(
        _ position: Int, of stream: UUID, _ organization: UUID, group: String, failure: (reason: String, kind: String)?
    ) async throws {
        _ = try await call(
            "SELECT \(schema.schema).set_aside($1::uuid, $2::uuid, $3::varchar, $4, $5, $6::varchar)",
            [
                .id(organization), .id(stream), .text(group), .int(position), failure.map { .text($0.reason) } ?? .null,
                failure.map { .text($0.kind) } ?? .null,
            ])
    }

    /// One more attempt at a dead letter has ended; with a reason it failed.
    package func settle(
        _ redriven: Delivery.Redriven, of organization: UUID, as member: String,
        failure: (reason: String, kind: String)?
    ) async throws {
        try await settle(redriven.deadLetter, epoch: redriven.epoch, of: organization, as: member, failure: failure)
    }

    package func settle(
        _ deadLetter: UUID, epoch: Int, of organization: UUID, as member: String,
        failure: (reason: String, kind: String)?
    ) async throws {
        _ = try await call(
            "SELECT \(schema.schema).settle($1::uuid, $2::uuid, $3::varchar, $4, $5, $6, $7::varchar)",
            [
                .id(organization), .id(deadLetter), .text(member), .int(epoch), .bool(failure == nil),
                failure.map { .text($0.reason) } ?? .null, failure.map { .text($0.kind) } ?? .null,
            ])
    }

    /// Dead letters are delivered once more, to this group alone.
    ///
    /// - Parameter ids: nil: all, at most `limit`.
    /// - Returns: how many.
    package func redrive(
        _ group: UUID, of organization: UUID, _ ids: [UUID]? = nil, limit: Int = 10_000
    ) async throws -> Int {
        try await change("redrive", group, organization, ids, limit)
    }

    /// Dead letters that nobody needs to try again; they stay on record.
    package func discard(
        _ group: UUID, of organization: UUID, _ ids: [UUID]? = nil, limit: Int = 10_000
    ) async throws -> Int {
        try await change("discard", group, organization, ids, limit)
    }

    private func change(
        _ function: String, _ group: UUID, _ organization: UUID, _ ids: [UUID]?, _ limit: Int
    ) async throws -> Int {
        try await call(
            "SELECT \(schema.schema).\(function)($1::uuid, $2::uuid, $3::uuid[], $4::integer) AS number",
            [
                .id(organization), .id(group),
                ids.map { .text("{" + $0.map(\.uuidString).joined(separator: ",") + "}") } ?? .null, .int(limit),
            ]
        ).only().int("number")
    }
}

extension Duration {
    var milliseconds: Int { Int(self / .milliseconds(1)) }
}
