import Foundation
import Synchronization

@testable import EventStore

/// What writers and members of a group saw, for the anomalies that queues are known for (Kafka's list, as Jepsen looks for them).
struct EventHistory: Sendable {
    /// One event as its writer sent it: `number` counts within its key.
    struct Sent: Hashable, Sendable {
        var key: String
        var number: Int
    }

    /// What a poll gave of one slot.
    struct Polled: Sendable {
        var member: String
        var slot: Int
        var epoch: Int
        /// Behind this position, up to that one.
        var from: Int
        var through: Int
        var events: [(position: Int, id: UUID, sent: Sent)]
        /// Steps of the history's own clock: when the answer had come.
        var at: Int
    }

    enum Anomaly: String, Sendable, CaseIterable {
        case lostWrite, duplicate, gap, inconsistentOffsets, abortedRead, precommittedRead, pollSkip, nonMonotonicPoll
        case nonMonotonicSend, unseen
    }

    /// Acknowledged, with the position that the answer gave, by writer in the order of the answers.
    var acknowledged: [String: [(sent: Sent, position: Int)]] = [:]
    /// Of transactions that were rolled back.
    var aborted: Set<Sent> = []
    /// When a transaction's COMMIT was sent: its events cannot be seen before.
    var committing: [Sent: Int] = [:]
    var polled: [Polled] = []
    /// The stream at the end, in order.
    var stored: [(position: Int, id: UUID, sent: Sent, slot: Int)] = []

    func anomalies() -> Set<Anomaly> {
        var found: Set<Anomaly> = []
        let atPosition = Dictionary(stored.map { ($0.position, $0) }) { first, _ in first }
        if stored.map(\.position) != Array(1..<(stored.count + 1)) { found.insert(.gap) }
        if Set(stored.map(\.sent)).count != stored.count || Set(stored.map(\.id)).count != stored.count {
            found.insert(.duplicate)
        }
        for answers in acknowledged.values {
            for answer in answers where atPosition[answer.position]?.sent != answer.sent { found.insert(.lostWrite) }
            for (earlier, later) in zip(answers, answers.dropFirst()) where earlier.position >= later.position {
                found.insert(.nonMonotonicSend)
            }
        }
        if stored.contains(where: { aborted.contains($0.sent) }) { found.insert(.abortedRead) }
        found.formUnion(pollAnomalies(atPosition))
        let seen = Set(polled.flatMap { $0.events.map(\.sent) })
        if acknowledged.values.contains(where: { $0.contains { !seen.contains($0.sent) } }) { found.insert(.unseen) }
        return found
    }

    private func pollAnomalies(
        _ atPosition: [Int: (position: Int, id: UUID, sent: Sent, slot: Int)]
    ) -> Set<Anomaly> {
        var found: Set<Anomaly> = []
        /// How far each slot's owner of an epoch has been.
        var reached: [[Int]: Int] = [:]
        for poll in polled.sorted(by: { $0.at < $1.at }) {
            for event in poll.events {
                if aborted.contains(event.sent) { found.insert(.abortedRead) }
                if let commit = committing[event.sent], poll.at < commit { found.insert(.precommittedRead) }
                let stored = atPosition[event.position]
                if stored?.id != event.id || stored?.sent != event.sent { found.insert(.inconsistentOffsets) }
            }
            let positions = poll.events.map(\.position)
            if positions != positions.sorted() || Set(positions).count != positions.count {
                found.insert(.nonMonotonicPoll)
            }
            // All of the slot's events between the two ends, and no others.
            let wanted = stored.filter {
                $0.slot == poll.slot && $0.position > poll.from && $0.position <= poll.through
            }.map(\.position)
            if wanted != positions { found.insert(.pollSkip) }
            let place = [poll.slot, poll.epoch]
            if poll.from < reached[place] ?? 0 { found.insert(.nonMonotonicPoll) }
            reached[place] = max(reached[place] ?? 0, poll.from)
        }
        return found
    }
}

/// The same, written by many.
final class EventHistoryLog: Sendable {
    private let state = Mutex((history: EventHistory(), clock: 0, isDone: false))

    /// The next step of the clock.
    func now() -> Int {
        state.withLock {
            $0.clock += 1
            return $0.clock
        }
    }

    func acknowledged(_ writer: String, _ sent: [EventHistory.Sent], from position: Int) {
        state.withLock { state in
            for (offset, one) in sent.enumerated() {
                state.history.acknowledged[writer, default: []].append((one, position + offset))
            }
        }
    }

    func aborted(_ sent: EventHistory.Sent) { state.withLock { _ = $0.history.aborted.insert(sent) } }

    func committing(_ sent: EventHistory.Sent) {
        state.withLock {
            $0.clock += 1
            $0.history.committing[sent] = $0.clock
        }
    }

    func polled(_ polls: [EventHistory.Polled]) {
        state.withLock { state in
            for var poll in polls {
                state.clock += 1
                poll.at = state.clock
                state.history.polled.append(poll)
            }
        }
    }

    func finish() { state.withLock { $0.isDone = true } }
    var isDone: Bool { state.withLock { $0.isDone } }
    var acknowledgedCount: Int { state.withLock { $0.history.acknowledged.values.reduce(0) { $0 + $1.count } } }
    var history: EventHistory { state.withLock { $0.history } }
}
