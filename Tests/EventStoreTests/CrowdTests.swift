import Testing

@testable import EventStore

@Suite("Events: how many are waited for")
struct CrowdTests {
    @Test("One, two or three at a time are never waited for")
    func few() {
        var crowd = Crowd()
        for count in [1, 3, 2, 3] {
            crowd.saw(count)
            for waiting in 0...5 { #expect(!crowd.isExpected(beyond: waiting)) }
        }
    }

    @Test("A crowd is waited for until it is there, and not when nobody waits")
    func many() {
        var crowd = Crowd()
        crowd.saw(20)
        #expect([0, 1, 19, 20, 21].map { crowd.isExpected(beyond: $0) } == [false, true, true, false, false])
    }

    @Test("Of thousands not all are waited for")
    func thousands() {
        var crowd = Crowd()
        crowd.saw(5_000)
        #expect(crowd.size == Crowd.most)
        #expect(!crowd.isExpected(beyond: Crowd.most))
    }

    @Test("A crowd that comes in part is forgotten slowly, one that has gone soon")
    func forgetting() {
        var crowd = Crowd()
        crowd.saw(64)
        var sizes: [Int] = []
        for _ in 0..<4 {
            crowd.saw(32)
            sizes.append(crowd.size)
        }
        #expect(sizes == [56, 49, 42, 36])
        var alone = 0
        while crowd.isExpected(beyond: 1) {
            crowd.saw(1)
            alone += 1
        }
        #expect(alone == 4)
    }

    @Test("A wait ends when somebody says so, and what was said before counts for nothing")
    func moment() async {
        let moment = Moment()
        moment.end()
        let waiting = Task { await moment.wait(.seconds(3_600)) }
        // It may not wait yet: said again and again until it has heard.
        let caller = Task {
            while !Task.isCancelled {
                moment.end()
                await Task.yield()
            }
        }
        await waiting.value
        caller.cancel()
        await moment.wait(.milliseconds(1))
    }
}
