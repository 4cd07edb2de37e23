/// What one client waits for: its statements go to the contenders by turns, in short blocks, so that all see the same
/// machine.
struct ProxyLatency {
    /// What is added to the direct way, of what PgBouncer adds.
    static let target = 1.2
    private static let contenders: [ProxyContender] = [.direct, .pgbouncer, .strata]
    private static let perBlock = 100
    private static let blocks = 40

    let rounds: Int
    let folder: String

    func run(_ target: ProxyTarget, _ interruption: Interruption) async throws -> [ResultLine] {
        progress("  one client")
        var instances: [ProxyInstance] = []
        defer { for instance in instances { instance.stop() } }
        for contender in Self.contenders {
            instances.append(try await ProxyInstance(contender, target, folder: folder))
        }
        let clients = try instances.map { try WireClient($0.login()) }
        var medians: [[Double]] = []
        var slowest: [[Double]] = []
        for round in 0...rounds {
            try interruption.check()
            let sorted = try measure(clients).map { $0.sorted() }
            // The first round warms caches.
            guard round > 0 else { continue }
            medians.append(sorted.map { $0[$0.count / 2] })
            slowest.append(sorted.map { $0[$0.count * 99 / 100] })
        }
        return lines("median", medians) + lines("p99", slowest)
    }

    /// - Returns: microseconds of each statement, for each client.
    private func measure(_ clients: [WireClient]) throws -> [[Double]] {
        var times = clients.map { _ in [Double]() }
        for block in 0..<Self.blocks {
            for (index, client) in clients.enumerated() {
                for number in 0..<Self.perBlock {
                    let account = (block * Self.perBlock + number) * 23 % 100_000 + 1
                    let query = WireClient.query("SELECT abalance FROM pgbench_accounts WHERE aid = \(account);")
                    let begun = ContinuousClock.now
                    try client.ask(query)
                    let taken = (ContinuousClock.now - begun).components
                    times[index].append(Double(taken.seconds) * 1e6 + Double(taken.attoseconds) / 1e12)
                }
            }
        }
        return times
    }

    /// - Parameter rounds: a figure of each contender, for each round.
    private func lines(_ what: String, _ rounds: [[Double]]) -> [ResultLine] {
        let figures = Self.contenders.indices.map { index in rounds.map { $0[index] }.median ?? .nan }
        let ratios = rounds.map { ($0[2] - $0[0]) / ($0[1] - $0[0]) }
        let names = zip(Self.contenders, figures).map { contender, figure in
            ResultLine(
                what: contender == .direct ? "one client, \(what): directly" : "  \(contender): added",
                figure: microseconds(contender == .direct ? figure : figure - figures[0]),
                value: contender == .direct ? figure : figure - figures[0])
        }
        return names + [
            .ratio("  one client, \(what): strata adds, of pgbouncer's", ratios.median ?? .nan, most: Self.target)
        ]
    }
}
