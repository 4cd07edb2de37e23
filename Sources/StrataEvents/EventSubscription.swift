import EventStore
import Foundation

/// How a member of a consumer group works.
public struct SubscriptionOptions: Sendable {
    /// Events of one poll: 1 to 10,000.
    public var batch = 500
    /// How long the member's slots are its own when it does not come back: 1 s to 1 h.
    public var lease = Duration.seconds(30)
    /// Of a group that is made: into how many parts keys are divided, and so how many members may work at once: 1 to 256.
    public var slots = 16
    /// Of a group that is made: attempts at an event before it becomes a dead letter, 1 to 1,000.
    public var attempts = 5
    /// Of a group that is made: begins with what comes from now on, and not with the first event.
    public var fromEnd = false

    public init() {}
}

/// Thrown by a handler for an event that no further attempt will help: it becomes a dead letter at once.
public struct UselessEvent: Error, Sendable {
    public let reason: String
    public init(_ reason: String) { self.reason = reason }
}

extension EventStreamHandle {
    /// Works as a member of a consumer group until the task is cancelled; the group is made if it is not there.
    ///
    /// Each event comes to one member at a time, those of a key in order, and again where the process died before its batch
    /// was done: at least once. An event whose handler throws is tried again later, with all that follow it in its slot waiting,
    /// and becomes a dead letter after the last attempt. Dead letters that are redriven come once more.
    ///
    /// - Parameters:
    ///   - member: a name of its own for each process, 1 to 200 bytes.
    ///   - handler: what is done with an event.
    /// - Throws: `EventError.notFound`, `outOfRange`, `invalid`; what may pass by itself (`unavailable`, `busy`, `leaseLost`)
    ///   is waited for.
    public func subscribe(
        group name: String, member: String, options: SubscriptionOptions = SubscriptionOptions(),
        _ handler: @escaping @Sendable (RecordedEvent) async throws -> Void
    ) async throws {
        let group = try await group(name, options)
        let one = GroupMember(
            member, of: group, on: id, client.organization, lease: options.lease, reader: client.reader,
            watch: client.watch)
        while !Task.isCancelled {
            do {
                try await EventError.told {
                    let delivery = try await one.next(limit: options.batch)
                    try await work(delivery, group, member, handler)
                }
            } catch EventError.unavailable, EventError.busy, EventError.leaseLost {
                try? await Task.sleep(for: .seconds(1))
            } catch is CancellationError {
                return
            }
        }
    }

    private func group(_ name: String, _ options: SubscriptionOptions) async throws -> UUID {
        var settings = GroupSettings()
        (settings.slots, settings.attempts) = (options.slots, options.attempts)
        if options.fromEnd { settings.after = try await read(after: Int.max - 1, limit: 1).lastPosition }
        let chosen = settings
        return try await EventError.told {
            try await client.reader.createGroup(name, on: id, of: client.organization, chosen)
        }
    }

    private func work(
        _ delivery: Delivery, _ group: UUID, _ member: String,
        _ handler: @Sendable (RecordedEvent) async throws -> Void
    ) async throws {
        let leases = Dictionary(uniqueKeysWithValues: delivery.leases.map { ($0.slot, $0) })
        var failed: Set<Int> = []
        for delivered in delivery.events where !failed.contains(delivered.slot) {
            // What is cancelled in the middle is not done, and comes again.
            try Task.checkCancellation()
            guard let failure = await Self.failure(of: delivered.event, handler), let lease = leases[delivered.slot]
            else { continue }
            try Task.checkCancellation()
            failed.insert(delivered.slot)
            _ = try await client.reader.fail(
                delivered.event.position, in: lease, group, of: client.organization, as: member,
                reason: failure.reason, kind: failure.kind, isFinal: failure.isFinal)
        }
        try await client.reader.commit(delivery, group, of: client.organization, as: member, except: failed)
        for redriven in delivery.redriven {
            try Task.checkCancellation()
            let failure = await Self.failure(of: redriven.event, handler)
            try Task.checkCancellation()
            try await client.reader.settle(
                redriven, of: client.organization, as: member, failure: failure.map { ($0.reason, $0.kind) })
        }
    }

    private static func failure(
        of event: StoredEvent, _ handler: @Sendable (RecordedEvent) async throws -> Void
    ) async -> (reason: String, kind: String, isFinal: Bool)? {
        do {
            try await handler(RecordedEvent(event))
            return nil
        } catch let error as UselessEvent {
            return (bounded(error.reason), "UselessEvent", true)
        } catch {
            return (bounded("\(error)"), String("\(type(of: error))".prefix(50)), false)
        }
    }

    /// What is kept with a dead letter: 1 to 2,000 characters, without NUL.
    private static func bounded(_ reason: String) -> String {
        let text = String(reason.replacing("\0", with: "").prefix(2_000))
        return text.isEmpty ? "failed" : text
    }
}
