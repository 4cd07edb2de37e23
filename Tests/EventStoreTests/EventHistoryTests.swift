import Foundation
import Testing

@testable import EventStore

/// The checker finds each anomaly, and nothing in a history that has none.
@Suite("Events: the checker of histories")
struct EventHistoryTests {
    private typealias Sent = EventHistory.Sent

    /// Two writers, two slots, three events that a member has polled.
    private func sound() -> EventHistory {
        var history = EventHistory()
        let ids = (0..<3).map { _ in UUID() }
        let sent = [Sent(key: "a", number: 0), Sent(key: "b", number: 0), Sent(key: "a", number: 1)]
        history.acknowledged = ["wa": [(sent[0], 1), (sent[2], 3)], "wb": [(sent[1], 2)]]
        history.aborted = [Sent(key: "b", number: -1)]
        history.committing = [sent[1]: 1]
        history.stored = [(1, ids[0], sent[0], 0), (2, ids[1], sent[1], 1), (3, ids[2], sent[2], 0)]
        history.polled = [
            .init(
                member: "m", slot: 0, epoch: 1, from: 0, through: 3,
                events: [(1, ids[0], sent[0]), (3, ids[2], sent[2])], at: 2),
            .init(member: "m", slot: 1, epoch: 1, from: 0, through: 3, events: [(2, ids[1], sent[1])], at: 3),
            .init(member: "m", slot: 1, epoch: 1, from: 3, through: 3, events: [], at: 4),
        ]
        return history
    }

    @Test("Nothing is found where nothing is wrong") func clean() { #expect(sound().anomalies().isEmpty) }

    @Test("Each anomaly is found", arguments: EventHistory.Anomaly.allCases)
    func finds(_ anomaly: EventHistory.Anomaly) {
        var history = sound()
        switch anomaly {
        case .lostWrite: history.acknowledged["wa"]?[0].sent.number = 7
        case .duplicate: history.stored[2].sent = history.stored[0].sent
        case .gap: history.stored[2].position = 4
        case .inconsistentOffsets: history.polled[1].events[0].id = UUID()
        case .abortedRead: history.aborted.insert(history.stored[1].sent)
        case .precommittedRead: history.committing[history.stored[1].sent] = 9
        case .pollSkip: history.polled[0].events.removeFirst()
        case .nonMonotonicPoll: history.polled[0].events.reverse()
        case .nonMonotonicSend: history.acknowledged["wa"]?.reverse()
        case .unseen: history.polled.removeAll { $0.slot == 1 }
        }
        #expect(history.anomalies().contains(anomaly))
    }

    @Test("A member whose next poll of a slot begins earlier in the same epoch is found; another epoch may begin there")
    func goesBack() {
        var history = sound()
        history.polled.append(.init(member: "m", slot: 1, epoch: 2, from: 2, through: 3, events: [], at: 5))
        #expect(history.anomalies().isEmpty)
        history.polled[3].epoch = 1
        #expect(history.anomalies() == [.nonMonotonicPoll])
    }
}
