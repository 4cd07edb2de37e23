package import Foundation

/// One member of a consumer group, which waits for what comes.
package struct GroupMember: Sendable {
    package let group: UUID
    package let stream: UUID
    package let organization: UUID
    /// Of its own among the members.
    package let name: String
    package let lease: Duration
    private let reader: EventReader
    private let watch: StreamWatch

    package init(
        _ name: String, of group: UUID, on stream: UUID, _ organization: UUID, lease: Duration = .seconds(30),
        reader: EventReader, watch: StreamWatch
    ) {
        (self.name, self.group, self.stream, self.organization) = (name, group, stream, organization)
        (self.lease, self.reader, self.watch) = (lease, reader, watch)
    }

    /// The next events of its slots; waits for some, and comes back without any when the time is up.
    ///
    /// It looks again when the stream grows, when a slot's next attempt comes, and a third of the lease later at the latest:
    /// that keeps its slots its own, and finds those that others gave up.
    package func next(
        limit: Int = 500, bytes: Int = 4 << 20, waiting wait: Duration = .seconds(20)
    ) async throws -> Delivery {
        let deadline = ContinuousClock.now + wait
        var (isHasty, wasHasty) = (false, false)
        while true {
            try Task.checkCancellation()
            var delivery = try await reader.poll(
                group, of: organization, as: name, limit: limit, bytes: bytes, lease: lease)
            // Slots without events of their own go along, or the group would seem to be behind.
            if delivery.isEmpty { await pass(&delivery) }
            let left = deadline - ContinuousClock.now
            if !delivery.isEmpty || left <= .zero { return delivery }
            // Without a slot there is nothing to wait for but that somebody goes.
            let end = delivery.leases.isEmpty ? Int.max - 1 : delivery.lastPosition
            let began = ContinuousClock.now
            await watch.wait(for: stream, beyond: end, atMost: min(left, lease / 3, untilNextTry(delivery)))
            // Woken for nothing again and again, by somebody's wrong word or a clock of another machine, it does not spin.
            isHasty = ContinuousClock.now - began < Self.shortest
            if isHasty, wasHasty { try await Task.sleep(for: min(left, Self.shortest)) }
            wasHasty = isHasty
        }
    }

    /// Whoever commits what it was given commits from where its slots are then.
    private func pass(_ delivery: inout Delivery) async {
        guard (try? await reader.commit(delivery, group, of: organization, as: name)) != nil else { return }
        for index in delivery.leases.indices {
            if let through = delivery.leases[index].through { delivery.leases[index].position = through }
        }
    }

    private static let shortest = Duration.milliseconds(50)

    private func untilNextTry(_ delivery: Delivery) -> Duration {
        guard let next = delivery.leases.compactMap(\.nextTry).min() else { return lease }
        return .seconds(max(0.001, next.timeIntervalSinceNow))
    }
}
