import Foundation
import Testing

@testable import EventStore

/// What goes together to the server, without a server.
@Suite("Events: append queue")
struct AppendQueueTests {
    private let organization = UUID()
    private let stream = UUID()

    private func request(
        _ count: Int, bytes: Int = 10, of organization: UUID? = nil, to stream: UUID? = nil
    ) -> AppendRequest {
        let event = NewEvent(type: "t", payload: String(repeating: "1", count: bytes))
        return AppendRequest(
            organization ?? self.organization,
            [AppendPart(stream ?? self.stream, Array(repeating: event, count: count))])
    }

    /// One whose lane of four is this.
    private func id(_ lane: UInt8) -> UUID {
        UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, lane))
    }

    private func sent(_ arrival: AppendQueue<Int>.Arrival) -> [Int]? {
        if case .send(let entries, _) = arrival { entries.map(\.ticket) } else { nil }
    }

    @Test func whatArrivesDuringACallGoesWithTheNext() {
        var queue = AppendQueue<Int>(.init(lanes: 1))
        #expect(sent(queue.add(request(1), 0)) == [0])
        #expect(sent(queue.add(request(1), 1)) == nil)
        #expect(sent(queue.add(request(2), 2)) == nil)
        #expect(queue.waitingRequests == 2)
        #expect(queue.finished(lane: 0)?.map(\.ticket) == [1, 2])
        #expect(queue.waitingRequests == 0 && queue.waitingBytes == 0)
        #expect(queue.finished(lane: 0) == nil)
        #expect(sent(queue.add(request(1), 3)) == [3])
    }

    @Test("Where many were answered together the next call waits for them; who is alone never waits")
    func gathering() {
        var queue = AppendQueue<Int>(.init(lanes: 1))
        #expect(sent(queue.add(request(1), 0)) == [0])
        for ticket in 1...4 { _ = queue.add(request(1), ticket) }
        #expect(!queue.isGathering(lane: 0), "nobody is expected yet")
        let first = queue.finished(lane: 0) ?? []
        #expect(first.count == 4)
        queue.answered(first, lane: 0)
        #expect(!queue.isGathering(lane: 0), "nobody waits, so there is nothing to wait with")
        #expect(queue.finished(lane: 0) == nil)

        // The first of them comes back to a free lane, and waits for the others.
        guard case .gather(lane: 0) = queue.add(request(1), 5) else {
            Issue.record("it did not wait")
            return
        }
        for ticket in 6...7 { _ = queue.add(request(1), ticket) }
        #expect(queue.isGathering(lane: 0))
        _ = queue.add(request(1), 8)
        #expect(!queue.isGathering(lane: 0), "they are all there")
        let second = queue.finished(lane: 0) ?? []
        #expect(second.map(\.ticket) == [5, 6, 7, 8])

        // One goes on alone.
        queue.answered(second.suffix(1), lane: 0)
        #expect(queue.finished(lane: 0) == nil)
        #expect(sent(queue.add(request(1), 9)) == [9])
    }

    @Test("Nobody waits for large requests: few of them fill a call")
    func largeRequests() {
        var queue = AppendQueue<Int>(.init(lanes: 1))
        for ticket in 0...8 { _ = queue.add(request(100), ticket) }
        let call = queue.finished(lane: 0) ?? []
        for ticket in 9...10 { _ = queue.add(request(100), ticket) }
        queue.answered(call, lane: 0)
        #expect(call.count == 8 && !queue.isGathering(lane: 0))
    }

    @Test func aCallIsBoundedAndNobodyOvertakes() {
        var queue = AppendQueue<Int>(.init(lanes: 1, events: 10))
        _ = queue.add(request(1), 0)
        for (ticket, size) in [(1, 6), (2, 5), (3, 1), (4, 20), (5, 1)] { _ = queue.add(request(size), ticket) }
        #expect(queue.finished(lane: 0)?.map(\.ticket) == [1])
        #expect(queue.finished(lane: 0)?.map(\.ticket) == [2, 3])
        #expect(queue.finished(lane: 0)?.map(\.ticket) == [4])
        #expect(queue.finished(lane: 0)?.map(\.ticket) == [5])
    }

    @Test func aCallIsOfOneOrganization() {
        var queue = AppendQueue<Int>(.init(lanes: 1))
        let other = UUID()
        _ = queue.add(request(1), 0)
        for (ticket, owner) in [(1, organization), (2, other), (3, organization), (4, other)] {
            _ = queue.add(request(1, of: owner), ticket)
        }
        #expect(queue.finished(lane: 0)?.map(\.ticket) == [1, 3])
        #expect(queue.finished(lane: 0)?.map(\.ticket) == [2, 4])
        #expect(queue.finished(lane: 0) == nil)
    }

    @Test func whatWaitsIsBounded() {
        var queue = AppendQueue<Int>(.init(lanes: 1, waitingRequests: 2, waitingBytes: 1_000))
        _ = queue.add(request(1), 0)
        if case .refused = queue.add(request(1, bytes: 2_000), 1) {} else { Issue.record("too many bytes wait") }
        _ = queue.add(request(1), 2)
        _ = queue.add(request(1), 3)
        if case .refused = queue.add(request(1), 4) {} else { Issue.record("too many requests wait") }
        #expect(queue.finished(lane: 0)?.map(\.ticket) == [2, 3])
        #expect(queue.waitingBytes == 0)
    }

    private func lane(_ arrival: AppendQueue<Int>.Arrival) -> Int? {
        if case .send(_, let lane) = arrival { lane } else { nil }
    }

    @Test(
        "Small requests to all streams of an organisation share two lanes; large ones and other organisations have theirs"
    )
    func sharing() {
        var queue = AppendQueue<Int>(.init(lanes: 4))
        let (one, other) = (id(0), id(2))
        #expect(lane(queue.add(request(1, of: one, to: id(2)), 0)) == 0)
        #expect(lane(queue.add(request(1, of: one, to: id(3)), 1)) == 1)
        for number in 0...5 { #expect(lane(queue.add(request(1, of: one, to: id(UInt8(number))), 2 + number)) == nil) }
        #expect(lane(queue.add(request(1, of: other, to: id(0)), 8)) == 2)
        #expect(lane(queue.add(request(9, of: one, to: id(3)), 9)) == 3, "it is large")
        #expect(queue.finished(lane: 0)?.map(\.ticket) == [2, 4, 6])
        #expect(queue.finished(lane: 1)?.map(\.ticket) == [3, 5, 7])
        for lane in 0...3 { #expect(queue.finished(lane: lane) == nil) }
        #expect(queue.waitingRequests == 0)
    }

    @Test("Where a shared lane has as much as it should, the others are taken")
    func sharingEnds() {
        var queue = AppendQueue<Int>(.init(lanes: 4, gathered: 2))
        for ticket in 0...2 { _ = queue.add(request(1, of: id(0), to: id(2)), ticket) }
        #expect(lane(queue.add(request(1, of: id(0), to: id(2)), 3)) == 2)
        #expect(queue.finished(lane: 0)?.map(\.ticket) == [1, 2])
    }
}
