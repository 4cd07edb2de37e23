import Testing

@testable import Engine

@Suite struct BackoffTests {
    @Test func doublesUpToTheLongest() {
        let whole = (1...20).map { Backoff.delay(attempt: $0, random: 1) }
        #expect(whole[0] == Backoff.first)
        for (earlier, later) in zip(whole, whole.dropFirst()) { #expect(later == min(earlier * 2, Backoff.longest)) }
        #expect(whole[19] == Backoff.longest)
    }

    @Test(arguments: [1, 2, 5, 9, 1000, .max]) func staysBetweenHalfAndWhole(attempt: Int) {
        let least = Backoff.delay(attempt: attempt, random: 0)
        let most = Backoff.delay(attempt: attempt, random: 1)
        #expect(least * 2 == most)
        for random in stride(from: 0.0, to: 1.0, by: 0.1) {
            let delay = Backoff.delay(attempt: attempt, random: random)
            #expect(least <= delay && delay <= most)
        }
    }

    @Test func oddInputIsBounded() {
        #expect(Backoff.delay(attempt: 0, random: 0.5) == Backoff.delay(attempt: 1, random: 0.5))
        #expect(Backoff.delay(attempt: .min + 1, random: 0.5) == Backoff.delay(attempt: 1, random: 0.5))
        #expect(Backoff.delay(attempt: 3, random: -7) == Backoff.delay(attempt: 3, random: 0))
        #expect(Backoff.delay(attempt: 3, random: 7) == Backoff.delay(attempt: 3, random: 1))
    }

    @Test func namesOfApplicationsFitWhatTheServerKeeps() {
        let long = ActorIdentity(actor: String(repeating: "ä", count: 40), host: String(repeating: "h", count: 60))
        #expect(long.applicationName(for: "apply").utf8.count <= 63)
        #expect(long.applicationName(for: "apply").hasPrefix("strata apply ä"))
        let short = ActorIdentity(actor: "anna", host: "desk")
        #expect(short.applicationName(for: "rollback") == "strata rollback anna@desk")
    }

    @Test func durationsForMessages() {
        #expect(Duration.microseconds(1).milliseconds == 1)
        #expect(Duration.zero.milliseconds == 0)
        #expect(Duration.milliseconds(1500).milliseconds == 1500)
        #expect(Duration.milliseconds(1549).seconds == "1.5")
        #expect(Duration.seconds(61).seconds == "61.0")
    }
}
