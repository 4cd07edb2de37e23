import Foundation
import Planning

/// Transactions a second with two loops, beside one PgBouncer, which has one.
struct ProxyThroughput {
    let rounds: Int
    let seconds: Int
    let folder: String

    func run(_ target: ProxyTarget, _ interruption: Interruption) async throws -> [ResultLine] {
        progress("  throughput")
        let pgbouncer = try await ProxyInstance(.pgbouncer, target, folder: folder)
        defer { pgbouncer.stop() }
        let strata = try await ProxyInstance(.strata, target, loops: 2, folder: folder)
        defer { strata.stop() }
        var rates: [(pgbouncer: Double, strata: Double)] = []
        for _ in 0..<rounds {
            try interruption.check()
            rates.append((try rate(pgbouncer), try rate(strata)))
        }
        let ratio = rates.map { $0.strata / $0.pgbouncer }.median ?? .nan
        let (one, two) = (rates.map(\.pgbouncer).median ?? 0, rates.map(\.strata).median ?? 0)
        // Where the clients and the server fill the processors, a second loop has nowhere to run.
        let hasRoom = ProcessInfo.processInfo.activeProcessorCount >= 4
        return [
            ResultLine(what: "32 clients: pgbouncer", figure: "\(grouped(Int(one))) tps", value: one),
            ResultLine(what: "  strata with two loops", figure: "\(grouped(Int(two))) tps", value: two),
            ResultLine(
                what: "  two loops: strata's of pgbouncer's", figure: decimal(ratio),
                target: hasRoom ? "> 1" : "> 1 with 4 processors", isMet: hasRoom ? ratio > 1 : nil, value: ratio),
        ]
    }

    private func rate(_ instance: ProxyInstance) throws -> Double {
        try instance.select(.simple, clients: 32, threads: 2, seconds: seconds, folder: folder).perSecond
    }
}
