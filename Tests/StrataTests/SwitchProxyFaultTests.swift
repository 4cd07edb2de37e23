import Engine
import Foundation
import TestSupport
import Testing

/// One of two proxies is killed or frozen while a switch is made; the other one goes on serving its clients.
@Suite("Switch: proxies that fail")
struct SwitchProxyFaultTests {
    @Test(
        "S1.6 A proxy is killed (kill -9) at any step: the switch is made without it, and no write is lost or done twice",
        arguments: FaultSite.steps)
    func killed(step: String) async throws {
        try await walk { site, proxies, journal in
            let outcome = await site.attempt(.out, budget: .seconds(30), at: step) { proxies.signal(0, SIGKILL) }
            #expect(outcome.isMade, "\(outcome)")
            try await journal.more([2, 3])
            try await proxies.startAgain(0)
        }
    }

    @Test(
        "S1.6 A proxy is frozen at any step: the switch is made or given up, and the proxy writes at one place only when it is back",
        arguments: FaultSite.steps)
    func frozen(step: String) async throws {
        try await walk { site, proxies, journal in
            let outcome = await site.attempt(.out, preparation: .seconds(10), at: step) { proxies.signal(0, SIGSTOP) }
            switch (step, outcome) {
            case ("prepare", .failed(let reason)): #expect(reason.contains("has not read the definitions"), "\(reason)")
            case ("hold", .failed(let reason)): #expect(reason.contains("to hold statements back"), "\(reason)")
            case ("prepare", _), ("hold", _): Issue.record("made without a proxy that may send statements: \(outcome)")
            case ("decide", .failed(let reason)), ("tidy", .failed(let reason)): Issue.record("given up: \(reason)")
            case (_, .failed(let reason)): #expect(reason.contains("given up"), "\(reason)")
            case (_, .made): break
            }
            let isThere = try await site.isHome(site.target)
            #expect(isThere == outcome.isMade, "\(outcome)")
            // It is still frozen.
            try await journal.more([2, 3])
            proxies.signal(0, SIGCONT)
        }
    }

    /// Clients 0 and 1 use the proxy that fails, 2 and 3 the other one; 9 knows of no proxy and writes at the old place.
    private func walk(
        _ fail: (FaultSite, FaultProxies, FaultJournal) async throws -> Void
    ) async throws {
        try await FaultSite.withDatabases { site in
            try await FaultProxies.with(2, of: site) { proxies in
                try await site.copy()
                try await proxies.follow(2)
                let old: FaultJournal.Place = { site.source }
                let places = [
                    0: proxies.place(0), 1: proxies.place(0), 2: proxies.place(1), 3: proxies.place(1), 9: old,
                ]
                let journal = try await FaultJournal.with(places, cleanUp: { proxies.thaw() }) { journal in
                    try await journal.more([0, 1, 2, 3, 9])
                    try await fail(site, proxies, journal)
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
                try await site.verify(journal)
            }
        }
    }
}
