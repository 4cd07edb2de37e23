import Testing

@testable import Proxy

/// The arithmetic of marks and ticks.
@Suite struct FreshnessMarkTests {
    @Test("A read needs the newest write to its tables, and no other")
    func marks() {
        let freshness = Freshness()
        let start = freshness.required(reads: [])
        #expect(start == 1, "nothing is fresh before the first sample")
        #expect(freshness.beginSample() == 1)
        let first = freshness.noteWrite(slots: [7, 9])
        #expect(first == 2)
        #expect(freshness.required(reads: [7]) == 2)
        #expect(freshness.required(reads: [8]) == 1)
        #expect(freshness.required(reads: [8], anything: true) == 2)
        #expect(freshness.beginSample() == 2)
        #expect(freshness.noteWrite(slots: [9]) == 3)
        #expect(freshness.required(reads: [7]) == 2)
        #expect(freshness.required(reads: [7, 8, 9]) == 3)
    }

    @Test("A write that is on its way: no replica answers for its tables until it has landed")
    func flights() {
        let freshness = Freshness()
        freshness.takeOff(slots: [7, 9], anything: false)
        freshness.takeOff(slots: [7], anything: false)
        #expect(freshness.required(reads: [8]) == 1)
        #expect(freshness.required(reads: [7]) == Freshness.never)
        #expect(freshness.required(reads: [], anything: true) == Freshness.never)
        freshness.land(slots: [7, 9], anything: false)
        #expect(freshness.required(reads: [9]) == 1)
        #expect(freshness.required(reads: [7]) == Freshness.never)
        freshness.land(slots: [7], anything: false)
        #expect(freshness.required(reads: [7], anything: true) == 1)
        freshness.takeOff(slots: [], anything: true)
        #expect(freshness.required(reads: [8]) == Freshness.never)
        freshness.land(slots: [], anything: true)
        #expect(freshness.required(reads: [8]) == 1)
    }

    @Test("A write to unknown tables counts for every read")
    func everything() {
        let freshness = Freshness()
        _ = freshness.beginSample()
        freshness.noteWrite(slots: [], anything: true)
        #expect(freshness.required(reads: []) == 2)
        #expect(freshness.required(reads: [1]) == 2)
    }

    @Test("A write before a sample begins is covered by it, one after by the next")
    func covers() {
        let freshness = Freshness()
        let before = freshness.noteWrite(slots: [1])
        let sample = freshness.beginSample()
        let after = freshness.noteWrite(slots: [1])
        #expect(before <= sample && sample < after)
    }

    @Test("A sample is wanted until one has begun after the wish")
    func wanted() {
        let freshness = Freshness()
        #expect(freshness.isSampleWanted)
        _ = freshness.beginSample()
        #expect(!freshness.isSampleWanted)
        let mark = freshness.now()
        #expect(!freshness.isSampleWanted, "to look at the time wants nothing")
        freshness.want(mark)
        #expect(freshness.isSampleWanted)
        _ = freshness.beginSample()
        #expect(!freshness.isSampleWanted)
        freshness.want(mark)
        #expect(!freshness.isSampleWanted, "that one has begun already")
    }

    @Test("When the samples are void, every read needs a new one")
    func void() {
        let freshness = Freshness()
        _ = freshness.beginSample()
        _ = freshness.beginSample()
        freshness.forgetSamples()
        #expect(freshness.required(reads: [5]) == 3)
        #expect(freshness.isSampleWanted)
    }

    @Test("Slots stay in their range, and oids in a row are spread")
    func slots() {
        let slots = (UInt32(16_384)..<16_384 + 2000).map { RelationSlot.slot(of: $0) }
        #expect(slots.allSatisfy { $0 < RelationSlot.count })
        #expect(Set(slots).count == 2000)
        #expect(RelationSlot.slot(of: .max) < RelationSlot.count)
    }

    @Test("Marks of many threads at once: no slot is ever below the mark that its writer was given")
    func threads() async {
        let freshness = Freshness()
        await withTaskGroup(of: Bool.self) { group in
            for thread in 0..<4 {
                group.addTask {
                    (0..<20_000).allSatisfy { turn in
                        let slot = UInt32((turn + thread) % 16)
                        if turn % 50 == thread { _ = freshness.beginSample() }
                        let mark = freshness.noteWrite(slots: [slot])
                        return freshness.required(reads: [slot]) >= mark
                    }
                }
            }
            for await isRight in group { #expect(isRight) }
        }
    }

    @Test("Settings are kept within their bounds; at_most sets the pace")
    func settings() {
        let wild = FreshnessSettings(
            interval: .zero, heartbeat: .seconds(99), lagLimit: .zero, checkTimeout: .zero, failures: 0,
            suspension: .zero)
        #expect(wild.interval == .milliseconds(1))
        #expect(wild.heartbeat == .seconds(10))
        #expect(wild.lagLimit == .seconds(1))
        #expect(wild.checkTimeout == .milliseconds(50))
        #expect(wild.failures == 1)
        #expect(wild.suspension == .milliseconds(10))
        #expect(FreshnessSettings(atMost: .seconds(2)).heartbeat == .milliseconds(500))
        #expect(FreshnessSettings(atMost: .seconds(60)).heartbeat == .seconds(1))
        #expect(FreshnessSettings(atMost: .seconds(60)).lagLimit == .seconds(60))
    }
}
