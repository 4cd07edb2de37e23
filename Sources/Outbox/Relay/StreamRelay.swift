package import EventStore
import Foundation
import PostgresDriver

/// Brings the events of a stream to a Redis stream: each of them once, in the order of their positions, whatever is killed
/// in between.
///
/// It is a member of a group with one slot, so of several relays one works and the others stand by. What keeps order and
/// completeness is Redis itself (`RelayScript`): also a relay that does not know yet that its lease is over does no harm.
package actor StreamRelay {
    private let target: RedisURL
    private let settings: RelaySettings
    private let stream: EventStream
    private let member: GroupMember
    private let reader: EventReader
    private let report: @Sendable (RelayReport) -> Void
    private var course: RelayCourse
    private var redis: RedisConnection?
    private var progress = RelayProgress()
    private var isStandingBy = false

    /// - Parameter member: of a group with one slot (`RelayGroup`).
    package init(
        _ target: RedisURL, _ settings: RelaySettings, of stream: EventStream, as member: GroupMember,
        reader: EventReader, report: @escaping @Sendable (RelayReport) -> Void = { _ in }
    ) {
        (self.target, self.settings, self.stream, self.member) = (target, settings, stream, member)
        (self.reader, self.report) = (reader, report)
        course = RelayCourse(after: settings.after)
    }

    /// Gives the lease up, so that another relay need not wait until it is over.
    package func close() async {
        await hangUp()
        // Also where the task of the caller is cancelled; without the server the lease ends by itself.
        await Task { [reader, member] in
            try? await reader.leave(member.group, of: member.organization, as: member.name)
        }.value
    }

    private func hangUp() async {
        await redis?.close()
        redis = nil
    }

    /// Connects, and looks whether Redis has a stream of that name that can be gone on with.
    ///
    /// - Throws: `RedisFailure`, `RelayStop`
    package func check() async throws {
        do { try await look() } catch let failure as RedisFailure where !failure.isPassing {
            throw RelayStop(failure, key: settings.key)
        }
    }

    /// Works until it is cancelled.
    ///
    /// - Throws: `RelayStop`; `EventStoreRefusal` where stream or group are gone; `CancellationError`
    package func run() async throws -> Never {
        while true { _ = try await patiently { try await self.pass(waiting: self.settings.look) } }
    }

    /// Works until Redis has all that there is.
    ///
    /// - Throws: as `run`; `RelayStop.busy` where another relay keeps the lease
    @discardableResult
    package func runOnce() async throws -> RelayProgress {
        var (wait, idle) = (Duration.zero, ContinuousClock.now)
        while true {
            switch try await patiently({ try await self.pass(waiting: wait) }) {
            case .done: return progress
            case .moved: (wait, idle) = (.zero, .now)
            case .idle:
                guard ContinuousClock.now - idle < member.lease * 3 else {
                    throw RelayStop.busy(stream: stream.name)
                }
                wait = .milliseconds(500)
            }
        }
    }

    // MARK: One pass

    private enum Pass { case moved, idle, done }

    private func pass(waiting wait: Duration) async throws -> Pass {
        // While Redis lacks what the group is done with, the poll is for the lease alone.
        let limit = isBehind ? 1 : settings.batch.events
        let delivery = try await member.next(limit: limit, bytes: settings.batch.bytes, waiting: wait)
        guard let lease = delivery.leases.first else {
            standBy()
            return .idle
        }
        isStandingBy = false
        for redriven in delivery.redriven {
            // Somebody else has failed with it as a member; Redis has it, as it has every event.
            try await reader.settle(redriven, of: member.organization, as: member.name, failure: nil)
        }
        progress.lastPosition = delivery.lastPosition
        // Without events there is time to make sure that Redis still has all.
        if delivery.events.isEmpty { course.forget() }
        let hasMoved = try await forward(delivery.events.map(\.event), lease)
        tell()
        if !isBehind, let through = lease.through, course.position >= through {
            try await reader.commit(delivery, member.group, of: member.organization, as: member.name)
        }
        if delivery.isEmpty, !isBehind, course.position >= delivery.lastPosition { return .done }
        return hasMoved ? .moved : .idle
    }

    private var isBehind = false

    /// - Returns: whether Redis has got something.
    private func forward(_ events: [StoredEvent], _ lease: SlotLease) async throws -> Bool {
        if course.mark == nil { try await look() }
        let wasBehind = isBehind
        isBehind = false
        switch course.step(events, done: lease.position) {
        case .look, .nothing: return false
        case .send(let events): return try await send(events)
        case .read(let after, let end):
            isBehind = true
            if !wasBehind { report(.sendsAgain(after: after, upTo: end)) }
            let slice = try await reader.read(
                stream.id, of: member.organization, after: after, upTo: end, limit: settings.batch.events,
                bytes: settings.batch.bytes)
            guard try await send(slice.events) else { return false }
            progress.sentAgain += slice.events.count
            return true
        }
    }

    private func send(_ events: [StoredEvent]) async throws -> Bool {
        guard let first = events.first, let mark = course.mark else { return false }
        guard first.position == course.position + 1 else {
            throw RelayStop.archived(position: course.position, floor: first.position - 1)
        }
        let answer: RedisReply
        do {
            answer = try await connection().ask(
                RelayScript.add(
                    events, to: settings.key, behind: mark, longest: settings.longest, stream: stream.name,
                    organization: member.organization))
        } catch {
            // A part of them may be there.
            course.forget()
            throw error
        }
        guard course.sent(events, answer: answer.text.flatMap { RelayMark($0) }) else { return false }
        confirmed = course.mark
        progress.events += events.count
        progress.lastEvent = events.last?.at
        return true
    }

    private func tell() {
        if course.mark != nil { progress.position = course.position }
        report(.progress(progress))
    }

    private func standBy() {
        course.forget()
        if !isStandingBy { report(.standsBy) }
        isStandingBy = true
    }

    // MARK: What Redis has

    private func connection() async throws -> RedisConnection {
        if let redis { return redis }
        let new = try await RedisConnection.open(target, settings.limits)
        redis = new
        return new
    }

    private func look() async throws {
        guard let text = try await connection().ask(RelayScript.look(settings.key)).text else {
            throw RelayStop.refused(message: "Redis gives no id of \(settings.key)")
        }
        guard let found = RelayMark(text) else { throw RelayStop.foreign(entry: text, key: settings.key) }
        if found != .start, found != confirmed { try await confirm(found) }
        confirmed = found
        course.looked(found)
    }

    /// The last entry that was found to be this stream's.
    private var confirmed: RelayMark?

    /// An entry of somebody else would be taken for a position.
    private func confirm(_ found: RelayMark) async throws {
        guard found.position > 0 else { throw RelayStop.foreign(entry: found.description, key: settings.key) }
        let slice: StreamSlice
        do {
            slice = try await reader.read(
                stream.id, of: member.organization, after: found.position - 1, upTo: found.position)
        } catch EventStoreRefusal.outOfRange(let floor) {
            guard max(found.position, settings.after) >= floor else {
                throw RelayStop.archived(position: found.position, floor: floor)
            }
            return
        }
        guard let event = slice.events.first, RelayMark(event) == found else {
            throw RelayStop.foreign(entry: found.description, key: settings.key)
        }
    }

    // MARK: Failures

    /// What passes is tried again, later and later.
    private func patiently<T: Sendable>(_ work: () async throws -> T) async throws -> T {
        var pause = settings.firstPause
        let began = ContinuousClock.now
        while true {
            do {
                return try await work()
            } catch EventStoreRefusal.leaseLost {
                // Another relay goes on.
                course.forget()
                continue
            } catch EventStoreRefusal.outOfRange(let floor) {
                throw RelayStop.archived(position: course.position, floor: floor)
            } catch {
                try Task.checkCancellation()
                guard Self.isPassing(error) else {
                    throw (error as? RedisFailure).map { RelayStop($0, key: settings.key) } ?? error
                }
                await afterFailure()
                let reason = (error as? PostgresError)?.message ?? "\(error)"
                if let patience = settings.patience, ContinuousClock.now - began > patience {
                    throw RelayStop.gaveUp(reason: reason)
                }
                report(.failed(reason: reason, pause: pause))
                // By chance up to half of it less: relays that failed together do not come back together.
                try await Task.sleep(for: pause * Double.random(in: 0.5...1))
                pause = min(pause * 2, settings.longestPause)
            }
        }
    }

    private func afterFailure() async {
        progress.failures += 1
        course.forget()
        await hangUp()
    }

    private static func isPassing(_ error: any Error) -> Bool {
        switch error {
        case let failure as RedisFailure: failure.isPassing
        case let error as PostgresError:
            // Resources (53), an operator's intervention (57), the system (58).
            error.isConnectionLost || error.isRetryable
                || ["53", "57", "58"].contains(error.sqlState?.conditionClass ?? "")
        default: false
        }
    }
}
