import Testing

@testable import Engine

@Suite("Switch: sequences")
struct SequencePlanTests {
    private func next(
        _ last: Int, isCalled: Bool = true, by increment: Int = 1, cache: Int = 1, in bounds: ClosedRange<Int>
    ) -> SequencePlan {
        SequencePlan.plan(
            name: "s", last: last, isCalled: isCalled, increment: increment, cache: cache,
            minimum: bounds.lowerBound, maximum: bounds.upperBound, margin: 100)
    }

    @Test("It goes on at the last value + (cache + margin) steps, in its own direction")
    func goesOn() {
        #expect(next(500, in: 1...Int.max).next == 601)
        #expect(next(500, by: 10, cache: 20, in: 1...Int.max).next == 1_700)
        #expect(next(-500, by: -1, in: Int.min...(-1)).next == -601)
    }

    @Test("One that nobody has called begins at its start")
    func unused() {
        let plan = next(7, isCalled: false, in: 1...Int.max)
        #expect(plan.next == 7 && plan.last == nil && !plan.isAtBound)
    }

    @Test("Where its bounds leave no room for the margin, nothing of what is left is thrown away")
    func atBound() {
        for (last, increment, bounds) in [
            (32_700, 1, 1...32_767), (Int.max - 5, 1, 1...Int.max), (-32_700, -1, -32_767...(-1)),
            (Int.max - 5, Int.max, 1...Int.max),
        ] {
            let plan = next(last, by: increment, in: bounds)
            #expect(plan.next == last && plan.isAtBound)
        }
    }
}
