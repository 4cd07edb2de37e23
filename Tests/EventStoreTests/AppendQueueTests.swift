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

    @Test func manyWhoWereAnsweredAreGivenAMomentToComeBack() {
        var queue = AppendQueue<Int>(.init(lanes: 1))
        _ = queue.add(request(1), 0)
        #expect(!queue.isWorthAMoment(lane: 0, answered: 1), "one that comes back would be delayed")
        #expect(queue.isWorthAMoment(lane: 0, answered: 4))
        for ticket in 1...4 { _ = queue.add(request(1), ticket) }
        #expect(!queue.isWorthAMoment(lane: 0, answered: 4), "as many wait already")
        #expect(queue.isWorthAMoment(lane: 0, answered: 5))
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

    @Test("Small requests of a crowd share their organisation's lane; large ones, few, and other organisations do not")
    func crowds() {
        var queue = AppendQueue<Int>(.init(lanes: 4, crowd: 4, gathered: 5))
        let (crowd, other) = (id(0), id(1))
        func lane(_ arrival: AppendQueue<Int>.Arrival) -> Int? {
            if case .send(_, let lane) = arrival { lane } else { nil }
        }
        #expect(lane(queue.add(request(1, of: crowd, to: id(1)), 0)) == 1)
        #expect(lane(queue.add(request(1, of: crowd, to: id(2)), 1)) == 2)
        for ticket in 2...3 { #expect(lane(queue.add(request(1, of: crowd, to: id(1)), ticket)) == nil) }
        // Four are there.
        #expect(lane(queue.add(request(1, of: crowd, to: id(3)), 4)) == 0)
        for ticket in 5...8 { #expect(lane(queue.add(request(1, of: crowd, to: id(UInt8(ticket))), ticket)) == nil) }
        #expect(lane(queue.add(request(1, of: other, to: id(3)), 9)) == 3, "the crowd is another's")
        #expect(queue.finished(lane: 3) == nil)
        #expect(lane(queue.add(request(100, of: crowd, to: id(3)), 10)) == 3, "it is large")
        #expect(queue.finished(lane: 0)?.map(\.ticket) == [5, 6, 7, 8])
        #expect(queue.finished(lane: 1)?.map(\.ticket) == [2, 3])
        for lane in 0...3 { #expect(queue.finished(lane: lane) == nil) }
        // All have gone.
        #expect(lane(queue.add(request(1, of: crowd, to: id(3)), 11)) == 3)
        #expect(queue.waitingRequests == 0)
    }

    @Test("Where the shared lane has as much as it should, the others are taken")
    func crowdsSpread() {
        var queue = AppendQueue<Int>(.init(lanes: 4, crowd: 1, gathered: 2))
        let crowd = id(0)
        for ticket in 0...2 { _ = queue.add(request(1, of: crowd, to: id(0)), ticket) }
        guard case .send(_, 2) = queue.add(request(1, of: crowd, to: id(2)), 3) else {
            Issue.record("it went to the full lane")
            return
        }
        #expect(queue.finished(lane: 0)?.map(\.ticket) == [1, 2])
    }
}
