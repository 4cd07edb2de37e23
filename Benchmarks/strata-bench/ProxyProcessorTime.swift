import Planning

/// Processor time of each contender per `pgbench -S` transaction, 16 clients, in each protocol.
struct ProxyProcessorTime {
    /// Of PgBouncer's and of pgpool's.
    static let target = (pgbouncer: 1.2, pgpool: 0.4)

    private struct Round {
        var user = 0.0
        var system = 0.0
        var perSecond = 0.0
        var total: Double { user + system }
    }

    private let rounds: Int
    private let seconds: Int
    private let folder: String
    private var measured: [PgBenchMode: [ProxyContender: [Round]]] = [:]

    init(rounds: Int, seconds: Int, folder: String) {
        self.rounds = rounds
        self.seconds = seconds
        self.folder = folder
    }

    mutating func run(_ target: ProxyTarget, _ interruption: Interruption) async throws -> [ResultLine] {
        var instances: [ProxyInstance] = []
        defer { for instance in instances { instance.stop() } }
        for contender in ProxyContender.allCases {
            instances.append(try await ProxyInstance(contender, target, folder: folder))
        }
        for mode in PgBenchMode.allCases {
            progress("  processor time, \(mode)")
            for round in 0..<rounds {
                // Another one is first each time.
                for place in instances.indices {
                    try interruption.check()
                    let instance = instances[(place + round) % instances.count]
                    measured[mode, default: [:]][instance.contender, default: []].append(try measure(instance, mode))
                }
            }
        }
        return PgBenchMode.allCases.flatMap { lines($0) }
    }

    private func measure(_ instance: ProxyInstance, _ mode: PgBenchMode) throws -> Round {
        let before = try instance.process?.usage() ?? .init()
        let run = try instance.select(mode, clients: 16, seconds: seconds, folder: folder)
        let after = try instance.process?.usage() ?? .init()
        let each = 1_000_000 / Double(run.transactions)
        return Round(
            user: (after.user - before.user) * each, system: (after.system - before.system) * each,
            perSecond: run.perSecond)
    }

    private func lines(_ mode: PgBenchMode) -> [ResultLine] {
        let all = measured[mode] ?? [:]
        var lines = ProxyContender.allCases.map { contender -> ResultLine in
            let rounds = all[contender] ?? []
            let rate = grouped(Int(rounds.map(\.perSecond).median ?? 0))
            guard contender != .direct else {
                return ResultLine(what: "\(mode), 16 clients: directly", figure: "\(rate) tps")
            }
            let total = rounds.map(\.total).median ?? 0
            let (user, system) = (rounds.map(\.user).median ?? 0, rounds.map(\.system).median ?? 0)
            return ResultLine(
                what: "  \(contender): processor time, user + system",
                figure: "\(microseconds(total)) = \(decimal(user)) + \(decimal(system)), \(rate) tps",
                value: total)
        }
        let limits: [(ProxyContender, Double)] = [
            (.pgbouncer, Self.target.pgbouncer), (.pgpool, Self.target.pgpool),
        ]
        for (other, limit) in limits {
            // Of rounds that ran next to each other, so that what slows the machine slows both.
            let ratios: [Double] = zip(all[.strata] ?? [], all[other] ?? []).map { $0.total / $1.total }
            let what = "  \(mode): strata's of \(other)'s"
            lines.append(ResultLine.ratio(what, ratios.median ?? Double.nan, most: limit))
        }
        return lines
    }
}

extension ResultLine {
    static func ratio(_ what: String, _ ratio: Double, most: Double) -> ResultLine {
        ResultLine(what: what, figure: decimal(ratio), target: "<= \(most)", isMet: ratio <= most, value: ratio)
    }
}

extension Interruption {
    func check() throws { if happened { throw BenchFailure("interrupted") } }
}

func decimal(_ value: Double) -> String {
    let hundredths = value.isFinite ? Int((abs(value) * 100).rounded()) : 0
    let rest = hundredths % 100
    return value.isFinite ? "\(value < 0 ? "-" : "")\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)" : "unknown"
}
func microseconds(_ value: Double) -> String { decimal(value) + " µs" }
