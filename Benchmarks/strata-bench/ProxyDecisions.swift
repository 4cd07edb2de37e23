import Foundation
import PostgresDriver
import Proxy

/// How long the proxy takes to read a statement that it has not seen.
struct ProxyDecisions {
    /// Microseconds.
    static let target = 50.0
    private static let statements = 4_000
    let rounds: Int

    func run(_ target: ProxyTarget) async throws -> [ResultLine] {
        let connection = try await target.server.connect(ProxyTarget.name)
        let catalog = try await RoutingCatalog.load(connection)
        await connection.close()
        var misses: [Double] = []
        var hits: [Double] = []
        for _ in 0..<rounds {
            let (miss, hit) = try round(catalog)
            misses.append(miss)
            hits.append(hit)
            // Shared machines slow down and speed up for some hundred milliseconds at a time.
            try await Task.sleep(for: .milliseconds(700))
        }
        guard let miss = misses.median, let hit = hits.median else { throw BenchFailure("no round was measured") }
        return [
            ResultLine(
                what: "decision on a join of three tables, not seen before", figure: microseconds(miss),
                target: "<= \(Int(Self.target)) µs", isMet: miss <= Self.target, value: miss),
            ResultLine(what: "  the same, seen before", figure: microseconds(hit), value: hit),
        ]
    }

    /// The medians of one router's decisions, new and known.
    private func round(_ catalog: RoutingCatalog) throws -> (miss: Double, hit: Double) {
        let router = Router(catalog: catalog)
        let path = router.pathID(searchPath: "\"$user\", public", role: ProxyTarget.name)
        let misses = (0..<Self.statements).map { time(router, Self.join($0), path) }
        let hits = (0..<Self.statements).map { time(router, Self.join($0), path) }
        guard router.cache.misses == Self.statements, let miss = misses.median, let hit = hits.median else {
            throw BenchFailure("\(router.cache.misses) decisions were made, not \(Self.statements)")
        }
        return (miss, hit)
    }

    /// Each has a name of its own in it, and so a key of its own.
    private static func join(_ number: Int) -> [UInt8] {
        Array(
            """
            SELECT a.aid, a.abalance, b.bbalance, t.tbalance AS t\(number) FROM pgbench_accounts a \
            JOIN pgbench_branches b ON b.bid = a.bid JOIN pgbench_tellers t ON t.bid = b.bid \
            WHERE a.aid = 4711 AND t.tbalance > 10 ORDER BY t.tid LIMIT 20
            """.utf8)
    }

    private func time(_ router: Router, _ text: [UInt8], _ path: Router.SearchPathID) -> Double {
        let begun = ContinuousClock.now
        let decision = text.withUnsafeBytes { router.decision(for: $0, path: path) }
        let taken = (ContinuousClock.now - begun).components
        precondition(decision.access == .read, "a join of tables is a read")
        return Double(taken.attoseconds) / 1e12
    }
}
