import Foundation
import Testing

@testable import EventStore

/// What a rebuild does next, without a server: also when each process does one step and is killed.
@Suite("Events: steps of a rebuild")
struct RebuildStepsTests {
    /// A record, as the steps change it.
    private struct World {
        var record: RebuildRecord?
        var behind = 1_000
        var differs = false

        mutating func does(_ step: RebuildSteps.Step) {
            switch step {
            case .make: record = RebuildRecord(stage: .projecting, fingerprint: "f", startedAt: .distantPast)
            case .project: behind = 0
            case .swap(let copy):
                record?.stage = copy == .next ? .swapped : .undone
                record?.lettersAgree = false
            case .settleLetters: record?.lettersAgree = true
            case .drop: record = nil
            case .compare, .done, .refuse: break
            }
        }

        /// One call, to its end or until it is killed after so many steps.
        mutating func call(_ wish: RebuildSteps.Wish, killedAfter limit: Int = .max) -> [RebuildSteps.Step] {
            var steps = RebuildSteps(wish, fingerprint: "f")
            var taken: [RebuildSteps.Step] = []
            while taken.count < limit {
                let step = steps.next(record, behind: behind)
                taken.append(step)
                if case .refuse = step { break }
                if step == .done { break }
                does(step)
                if step == .compare { steps.compared(differs: differs) }
                steps.did(step)
            }
            return taken
        }
    }

    private let rebuild = RebuildSteps.Wish.rebuild(expectsDifference: false)

    @Test("From nothing to the exchange, and to dropping what was replaced")
    func straight() {
        var world = World()
        #expect(
            world.call(rebuild) == [.make, .project(.next), .compare, .swap(.next), .settleLetters, .done])
        #expect(world.call(rebuild) == [.refuse(.oldIsKept)])
        #expect(world.call(.dropOld) == [.drop(.old), .done])
        #expect(world.call(.dropOld) == [.refuse(.nothingKept)] && world.call(.undo) == [.refuse(.nothingKept)])
    }

    @Test("Killed after any step, further calls end where one would have", arguments: 1...5)
    func killed(after steps: Int) {
        var world = World()
        _ = world.call(rebuild, killedAfter: steps)
        var calls = 0
        while world.record?.stage != .swapped || world.record?.lettersAgree != true, calls < 10 {
            _ = world.call(rebuild)
            calls += 1
        }
        #expect(calls <= 1 && world.record?.stage == .swapped)
    }

    @Test("Killed after the exchange, the next call ends it and is not refused")
    func settles() {
        var world = World()
        #expect(world.call(rebuild, killedAfter: 4).last == .swap(.next))
        #expect(world.call(rebuild) == [.settleLetters, .done])
    }

    @Test("A difference is a reason to stop, unless it was meant")
    func differences() {
        var world = World(differs: true)
        #expect(world.call(rebuild) == [.make, .project(.next), .compare, .refuse(.differs)])
        #expect(
            world.call(.rebuild(expectsDifference: true)) == [.compare, .swap(.next), .settleLetters, .done])
    }

    @Test("What is replaced goes at once, also when a kill comes between")
    func drops() {
        var world = World()
        _ = world.call(rebuild, killedAfter: 1)
        world.record?.dropsOld = true
        #expect(world.call(rebuild, killedAfter: 4).last == .settleLetters)
        #expect(world.call(rebuild) == [.drop(.old), .done] && world.record == nil)
    }

    @Test("Undo brings the old one to the end first, and is done once")
    func undo() {
        var world = World()
        _ = world.call(rebuild)
        world.behind = 500
        #expect(world.call(.undo) == [.project(.old), .swap(.old), .settleLetters, .done])
        #expect(world.call(.undo) == [.done], "the same command again changes nothing")
        #expect(world.call(rebuild) == [.refuse(.oldIsKept)])
        #expect(world.call(.dropOld) == [.drop(.old), .done])
    }

    @Test("Statements that have changed meanwhile are not mixed with those that it began with")
    func changed() {
        var world = World()
        _ = world.call(rebuild, killedAfter: 2)
        let steps = RebuildSteps(rebuild, fingerprint: "other")
        #expect(steps.next(world.record, behind: 0) == .refuse(.declaredOtherwise))
        #expect(world.call(.undo) == [.refuse(.notSwapped)] && world.call(.dropOld) == [.refuse(.notSwapped)])
        #expect(world.call(.cancel) == [.drop(.next), .done] && world.record == nil)
        #expect(world.call(.cancel) == [.refuse(.nothingBegun)])
    }

    @Test("Rows side by side: only here, only there, changed in which columns")
    func merge() {
        var merge = ReadModelMerge(columns: ["id", "name", "age"])
        func row(_ key: String, _ name: String = "n", _ age: String = "1") -> ReadModelMerge.Row {
            .init(key: key, hashes: [key, name, age])
        }
        #expect(merge.take(row("a"), row("b")) == .live)
        #expect(merge.take(row("b"), row("b")) == .both)
        #expect(merge.take(row("d"), row("c")) == .rebuilt)
        #expect(merge.take(row("d"), row("d", "m", "2")) == .both)
        #expect(merge.take(row("é"), row("f")) == .rebuilt, "by bytes, as the server sorts them")
        #expect(merge.take(nil, row("z")) == .rebuilt && merge.take(row("z"), nil) == .live)
        #expect(merge.take(nil, nil) == .end)
        let found = merge.difference
        #expect(found.onlyLive == 2 && found.onlyRebuilt == 3 && found.changed == 1)
        #expect(found.columns == ["name": 1, "age": 1] && found.examples == ["a", "c", "d", "f", "z"])
    }
}
