import Engine
import Foundation
import Synchronization
import TestSupport
import Testing

/// One of the two servers is killed or frozen while a switch or a reverse is made.
@Suite("Switch: servers that fail")
struct SwitchServerFaultTests {
    /// Who is frozen is waited for in the same way, wherever it is; between prepare and decision nothing has changed for good.
    private static func steps(_ fault: ServerFault) -> [String] {
        if ServerFault.walksAll { return ["prepare", "hold", "guard", "stream", "hand over", "decide", "tidy"] }
        return fault.isFreeze ? ["prepare", "guard", "decide"] : ["prepare", "guard", "hand over", "decide", "tidy"]
    }

    @Test(
        "S1.7 A server is killed (kill -9) at any step of switch and reverse, or frozen: the next call finishes or undoes it, and no write is lost",
        arguments: ServerFault.allCases)
    func fails(fault: ServerFault) async throws {
        try await FaultServers.with { site, servers in
            try await FaultProxies.with(1, of: site) { proxies in
                try await site.copy()
                var journal: FaultJournal?
                for step in Self.steps(fault) {
                    let next = try await thereAndBack(step, fault, site, servers, proxies, after: journal)
                    try await site.verify(next)
                    journal = next
                }
            }
        }
    }

    private func thereAndBack(
        _ step: String, _ fault: ServerFault, _ site: FaultSite, _ servers: FaultServers, _ proxies: FaultProxies,
        after earlier: FaultJournal?
    ) async throws -> FaultJournal {
        try await site.finish("split", "diff", "billing")
        try await proxies.follow(1)
        // Past the proxy, at the old place: at the new one nothing refuses them shortly before the decision.
        let way = Way()
        let places: [Int: FaultJournal.Place] = [
            0: proxies.place(0), 1: proxies.place(0), 8: { way.isBack ? nil : site.source },
            9: { way.isBack ? site.target : nil },
        ]
        return try await FaultJournal.with(places, after: earlier, cleanUp: { await servers.thaw() }) { journal in
            try await journal.more([0, 1, 8])
            try await strike(.out, step, fault, site, servers, journal)
            try await site.finish("switch", "billing", "--budget", "30")
            try await site.requireOneHome("books")
            way.turn()
            try await journal.more([0, 1, 9])
            try await proxies.follow(1)
            try await strike(.back, step, fault, site, servers, journal)
            try await site.finish("reverse", "billing", "--budget", "30")
            try await site.requireOneHome("main")
            return journal
        }
    }

    private final class Way: Sendable {
        private let state = Mutex(false)
        var isBack: Bool { state.withLock { $0 } }
        func turn() { state.withLock { $0.toggle() } }
    }

    private func strike(
        _ direction: SplitRecord.Direction, _ step: String, _ fault: ServerFault, _ site: FaultSite,
        _ servers: FaultServers, _ journal: FaultJournal
    ) async throws {
        // A stream that was enabled a moment ago is not read yet.
        try await site.finish(direction == .out ? "switch" : "reverse", "billing", "--dry-run")
        // A freeze at the guard lasts for longer than the budget.
        let budget = Duration.seconds(fault.isFreeze && step == "guard" ? 4 : 30)
        let outcome = try await servers.struck(fault) {
            await site.attempt(direction, budget: budget, at: step) { servers.strike(fault) }
        } meanwhile: {
            // Nobody needs the target before the decision: the application goes on while it is away.
            if direction == .out, fault.isOfTarget, !["decide", "tidy"].contains(step) {
                try await journal.more([0, 1])
            } else if fault.isFreeze {
                try await Task.sleep(for: step == "guard" ? .seconds(5) : .seconds(2))
            }
        }
        print("\(direction) \(step) \(fault): \("\(outcome)".prefix(160))")
    }
}
