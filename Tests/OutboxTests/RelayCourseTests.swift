import EventStore
import Foundation
import Testing

@testable import Outbox

/// What comes next, without a server.
@Suite("Outbox: where Redis stands")
struct RelayCourseTests {
    private func events(_ positions: ClosedRange<Int>) -> [StoredEvent] {
        positions.map {
            StoredEvent(
                id: UUID(), position: $0, type: "t", key: nil, payload: "1", metadata: "{}",
                at: Date(timeIntervalSince1970: 1_790_000_000 + Double($0) / 1_000))
        }
    }

    @Test func redisIsAskedFirstAndAfterEveryFailure() {
        var course = RelayCourse()
        #expect(course.step(events(1...3), done: 0) == .look)
        course.looked(.start)
        let three = events(1...3)
        #expect(course.step(three, done: 0) == .send(three))
        let areThere = course.sent(three, answer: RelayMark(three[2]))
        #expect(areThere)
        #expect(course.position == 3 && course.step([], done: 0) == .nothing)
        course.forget()
        #expect(course.step(events(4...5), done: 3) == .look)
    }

    @Test func whatRedisHasIsNotSentAgain() {
        var course = RelayCourse()
        let three = events(1...3)
        course.looked(RelayMark(three[1]))
        #expect(course.step(three, done: 0) == .send([three[2]]))
        course.looked(RelayMark(events(9...9)[0]))
        #expect(course.step(three, done: 0) == .nothing)
    }

    @Test func whatRedisHasLostIsReadFromTheStore() {
        var course = RelayCourse()
        course.looked(RelayMark(events(5...5)[0]))
        #expect(course.step(events(11...12), done: 10) == .read(after: 5, upTo: 10))
        course.looked(.start)
        #expect(course.step([], done: 10) == .read(after: 0, upTo: 10))
    }

    @Test func eventsThatNobodyWantsAreLeftOut() {
        var course = RelayCourse(after: 10)
        course.looked(.start)
        let some = events(9...12)
        #expect(course.step(some, done: 8) == .send(Array(some[2...])))
        #expect(course.step([], done: 10) == .nothing)
    }

    @Test func anotherAnswerThanTheLastIdMeansThatItStandsElsewhere() {
        for answer in [nil, RelayMark.start, RelayMark("1790000000001-2")] {
            var course = RelayCourse()
            course.looked(.start)
            let areThere = course.sent(events(1...3), answer: answer)
            #expect(!areThere)
            #expect(course.step(events(1...3), done: 0) == .look)
        }
    }

    @Test func idsOfEntries() {
        #expect(RelayMark(events(7...7)[0]).description == "1790000000007-7")
        #expect(RelayMark("5-6") == RelayMark(milliseconds: 5, position: 6))
        for bad in ["", "5", "5-", "-5-6", "a-b", "5-6-7", "18446744073709551615-1"] { #expect(RelayMark(bad) == nil) }
    }

    @Test func lagIsWhatRedisDoesNotHave() {
        var progress = RelayProgress()
        (progress.position, progress.lastPosition) = (10, 15)
        #expect(progress.lag == 5 && progress.lagTime() == .zero)
        progress.lastEvent = Date(timeIntervalSince1970: 100)
        #expect(progress.lagTime(at: Date(timeIntervalSince1970: 103)) == .seconds(3))
        #expect(progress.lagTime(at: Date(timeIntervalSince1970: 99)) == .zero)
        progress.position = 15
        #expect(progress.lag == 0 && progress.lagTime(at: Date(timeIntervalSince1970: 103)) == .zero)
    }
}
