import Engine
import Foundation
import Planning
import PostgresDriver

/// What clients of `strata proxy` wait for while a schema is switched, and switched back.
struct SplitSwitchTime {
    /// Milliseconds; nobody may wait longer than the second.
    static let target = (median: 500.0, worst: 2_000.0)
    /// Before, between and after the switches.
    private static let calm = Duration.seconds(1)

    private struct Round {
        var command: String
        var report: SwitchReport
        var felt: LoadReport.Phase
        /// Before it.
        var usual: LoadReport.Phase
    }

    let rounds: Int
    let options: Load.Options

    func run(_ pair: SplitPair, _ shop: SplitShop, _ interruption: Interruption) async throws -> [ResultLine] {
        try await pair.reset()
        try pair.split()
        let port = try WireClient.freePort()
        let proxy = try pair.proxy(port)
        defer { proxy.stop() }
        try await proxy.waitUntilListening(port: port)
        var measured: [Round] = []
        for round in 1...rounds {
            try interruption.check()
            measured += try await measure(pair, shop, port)
            for one in measured.suffix(2) {
                let phases = one.report.phases.map { "\($0.name) \($0.milliseconds)" }.joined(separator: ", ")
                progress(
                    "  \(one.command), round \(round): held \(one.report.heldMilliseconds) ms (\(phases)), longest statement \(milliseconds(one.felt.longest))"
                )
            }
        }
        return ["switch", "reverse"].flatMap { command in lines(command, measured.filter { $0.command == command }) }
    }

    private func measure(_ pair: SplitPair, _ shop: SplitShop, _ port: Int) async throws -> [Round] {
        // Before the clients come: what they write all the time would only take longer to compare.
        try pair.strata("split", "diff", "shop")
        try await ready(pair)
        let settings = try ConnectionSettings(
            "postgresql://\(pair.source.environment(SplitPair.main)["PGUSER"] ?? "")@127.0.0.1:\(port)/main?sslmode=disable"
        )
        let load = try await Load.start(settings, shop.workload, options)
        try await Task.sleep(for: Self.calm)
        var reports: [(String, SwitchReport)] = []
        do {
            for command in ["switch", "reverse"] {
                load.tally.begin("before \(command)")
                try await Task.sleep(for: Self.calm)
                load.tally.begin(command)
                reports.append((command, try await change(pair, command)))
                try await Task.sleep(for: Self.calm)
            }
        } catch {
            await load.stop()
            throw error
        }
        await load.stop()
        let felt = LoadReport(load.tally, connections: options.connections)
        if let failure = felt.failures.first {
            progress("  failed: [\(failure.sqlState ?? "none")] \(failure.message): \(failure.statement.prefix(80))")
        }
        return try reports.map { command, report in
            guard let during = felt.phases.first(where: { $0.name == command }),
                let before = felt.phases.first(where: { $0.name == "before \(command)" })
            else { throw BenchFailure("phases are missing") }
            return Round(command: command, report: report, felt: during, usual: before)
        }
    }

    /// On a thread of its own: waiting for a program must not keep the clients from being served.
    private func change(_ pair: SplitPair, _ command: String) async throws -> SwitchReport {
        let output = "\(pair.folder)/\(command).json"
        let words = pair.command(command, "shop", "--format", "json")
        let environment = pair.environment
        let run: ChildRun = try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result { try ChildRun.mustRun(words, environment: environment, output: output) })
            }
        }
        _ = run
        return try JSONDecoder().decode(SwitchReport.self, from: Data(contentsOf: URL(fileURLWithPath: output)))
    }

    /// The proxy has read what it needs of both databases.
    private func ready(_ pair: SplitPair) async throws {
        for _ in 0..<100 {
            let words = pair.command("switch", "shop", "--dry-run")
            if try ChildRun.run(words, environment: pair.environment).status == 0 { return }
            try await Task.sleep(for: .milliseconds(200))
        }
        try pair.strata("switch", "shop", "--dry-run", output: "/dev/stderr")
    }

    private func lines(_ command: String, _ rounds: [Round]) -> [ResultLine] {
        let held = rounds.map { Double($0.report.heldMilliseconds) }
        let longest = rounds.map(\.felt.longest)
        let failed = rounds.reduce(0) { $0 + $1.felt.failed }
        let (median, worst) = (longest.median ?? .nan, longest.max() ?? .nan)
        let names = rounds.first?.report.phases.map(\.name) ?? []
        let phases = names.map { name -> String in
            let times = rounds.compactMap { $0.report.phases.first { $0.name == name }?.milliseconds }
            return "\(name) \(times.median ?? 0)"
        }
        return [
            ResultLine(
                what: "\(command), \(options.connections) clients: strata's own figure",
                figure: "median \(milliseconds(held.median ?? .nan)), worst \(milliseconds(held.max() ?? .nan))",
                value: held.median),
            ResultLine(what: "  of it, medians in ms", figure: phases.joined(separator: ", ")),
            ResultLine(
                what: "  \(command): clients' longest statement, median", figure: milliseconds(median),
                target: "< \(Int(Self.target.median)) ms", isMet: median < Self.target.median, value: median),
            ResultLine(
                what: "  \(command): clients' longest statement, worst", figure: milliseconds(worst),
                target: "< \(Int(Self.target.worst)) ms", isMet: worst < Self.target.worst, value: worst),
            ResultLine(
                what: "  the second before it: median of the longest",
                figure: milliseconds(rounds.map(\.usual.longest).median ?? .nan)),
            ResultLine(
                what: "  \(command): statements that failed",
                figure: "\(grouped(failed)) of \(grouped(rounds.reduce(0) { $0 + $1.felt.statements }))",
                target: "0", isMet: failed == 0),
        ]
    }
}
