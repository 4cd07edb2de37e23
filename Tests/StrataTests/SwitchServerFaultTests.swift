import Engine
import Foundation
import Synchronization
import TestSupport
import Testing

/// One of the two servers is killed or frozen while a switch or a reverse is made.
@Suite("Switch: servers that fail")
struct SwitchServerFaultTests {
    @Test(
        "S1.7 A server is killed (kill -9) or frozen at any step of switch and reverse: the next call finishes or undoes it, and no write is lost",
        arguments: FaultSite.steps, ServerFault.allCases)
    func fails(step: String, fault: ServerFault) async throws {
        try await FaultServers.with { site, servers in
            try await FaultProxies.with(1, of: site) { proxies in
                try await site.copy()
                try await proxies.follow(1)
                // Past the proxy, at the old place: at the new one nothing refuses them shortly before the decision.
                let way = Way()
                let places: [Int: FaultJournal.Place] = [
                    0: proxies.place(0), 1: proxies.place(0), 8: { way.isBack ? nil : site.source },
                    9: { way.isBack ? site.target : nil },
                ]
                let journal = try await FaultJournal.with(places, cleanUp: { await servers.thaw() }) { journal in
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
                    way.turn()
                    try await journal.more([0, 1, 8])
                    return journal
                }
                try await site.verify(journal)
            }
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
        let outcome = try await servers.struck(fault) {
            await site.attempt(direction, budget: .seconds(4), at: step) { servers.strike(fault) }
        } meanwhile: {
            // Nobody needs the target before the decision: the application goes on while it is away.
            if direction == .out, fault.isOfTarget, !["decide", "tidy"].contains(step) {
                try await journal.more([0, 1])
            } else if fault.isFreeze {
                // For longer than the budget.
                try await Task.sleep(for: .seconds(5))
            }
        }
        print("\(direction) \(step) \(fault): \(outcome)")
    }
}
