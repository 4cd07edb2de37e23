import Engine
import Foundation
import TestSupport
import Testing

/// One of two proxies is killed or frozen while a switch is made; the other one goes on serving its clients.
@Suite("Switch: proxies that fail")
struct SwitchProxyFaultTests {
    @Test(
        "S1.6 A proxy is killed (kill -9) at any step: the switch is made without it, and no write is lost or done twice"
    )
    func killed() async throws {
        try await walk(FaultSite.steps) { step, site, proxies, journal in
            let outcome = await site.attempt(.out, budget: .seconds(30), at: step) { proxies.signal(0, SIGKILL) }
            #expect(outcome.isMade, "\(step): \(outcome)")
            try await journal.more([2, 3])
            try await proxies.startAgain(0)
        }
    }

    @Test(
        "S1.6 A proxy is frozen at any step: the switch is made or given up, and the proxy writes at one place only when it is back",
        arguments: [["prepare", "hold"], ["guard", "stream"], ["hand over", "decide", "tidy"]])
    func frozen(steps: [String]) async throws {
        try await walk(steps) { step, site, proxies, journal in
            // Short where it is waited for to its end.
            let budget = Duration.seconds(["hold", "guard"].contains(step) ? 4 : 20)
            let preparation = Duration.seconds(step == "prepare" ? 8 : 60)
            let outcome = await site.attempt(.out, budget: budget, preparation: preparation, at: step) {
                proxies.signal(0, SIGSTOP)
            }
            var isMade = outcome.isMade
            switch (step, outcome) {
            case ("prepare", .failed(let reason)): #expect(reason.contains("has not read the definitions"), "\(reason)")
            case ("hold", .failed(let reason)): #expect(reason.contains("to hold statements back"), "\(reason)")
            case ("prepare", _), ("hold", _): Issue.record("made without a proxy that may send statements: \(outcome)")
            case ("decide", .failed(let reason)): Issue.record("given up: \(reason)")
            case ("tidy", .failed(let reason)):
                isMade = true
                #expect(reason.contains("the switch is made"), "\(reason)")
            case (_, .failed(let reason)): #expect(reason.contains("given up"), "\(reason)")
            case (_, .made): break
            }
            let isThere = try await site.isHome(site.target)
            #expect(isThere == isMade, "\(step): \(outcome)")
            // It is still frozen.
            try await journal.more([2, 3])
            proxies.signal(0, SIGCONT)
        }
    }

    private typealias Step = (String, FaultSite, FaultProxies, FaultJournal) async throws -> Void

    private func walk(_ steps: [String], _ fail: Step) async throws {
        try await FaultServers.with { site, _ in
            try await FaultProxies.with(2, of: site) { proxies in
                try await site.copy()
                var journal: FaultJournal?
                for step in steps {
                    let next = try await thereAndBack(step, site, proxies, after: journal, fail)
                    try await site.verify(next)
                    journal = next
                }
            }
        }
    }

    /// Clients 0 and 1 use the proxy that fails, 2 and 3 the other one; 9 knows of no proxy and writes at the old place.
    private func thereAndBack(
        _ step: String, _ site: FaultSite, _ proxies: FaultProxies, after earlier: FaultJournal?, _ fail: Step
    ) async throws -> FaultJournal {
        try await site.finish("split", "diff", "billing")
        try await proxies.follow(2)
        let places: [Int: FaultJournal.Place] = [
            0: proxies.place(0), 1: proxies.place(0), 2: proxies.place(1), 3: proxies.place(1), 9: { site.source },
        ]
        // The guard's trigger would wait for a transaction of the frozen one for a minute, before all that is tested here.
        let single: Set<Int> = step == "prepare" ? [0, 1] : []
        return try await FaultJournal.with(places, single: single, after: earlier, cleanUp: { proxies.thaw() }) {
            journal in
            try await journal.more([0, 1, 2, 3, 9])
            try await fail(step, site, proxies, journal)
            try await journal.more([0, 1, 2, 3])
            try await proxies.follow(2)
            try await site.finish("switch", "billing", "--budget", "30")
            try await site.requireOneHome("books")
            try await journal.more([0, 1, 2, 3])
            try await site.finish("reverse", "billing", "--budget", "30")
            try await site.requireOneHome("main")
            try await journal.more([0, 1, 2, 3, 9])
            return journal
        }
    }
}
