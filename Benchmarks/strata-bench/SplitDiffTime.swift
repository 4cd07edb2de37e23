import Planning

/// `strata split diff` beside the least that any comparison has to do: reading both sides.
struct SplitDiffTime {
    /// Of the time that reading takes: at least half as fast.
    static let target = 2.0

    private struct Round {
        var seconds: Double
        var client: Double
        var servers: Double
    }

    let rounds: Int

    func run(_ pair: SplitPair, _ interruption: Interruption) async throws -> [ResultLine] {
        if !pair.isFollowed {
            try await pair.reset()
            progress("  strata split")
            try pair.split()
        }
        var (compared, read): ([Round], [Round]) = ([], [])
        // The first of each fills caches, and sets what rows say of their transactions.
        for round in 0...rounds {
            try interruption.check()
            let reading = try measure(pair) { try Self.read(pair) }
            let comparing = try measure(pair) { try pair.strata("split", "diff", "shop") }
            guard round > 0 else { continue }
            progress("  diff, round \(round): \(seconds(comparing.seconds)), reading \(seconds(reading.seconds))")
            compared.append(comparing)
            read.append(reading)
        }
        let size = try await SplitShop.size(pair.source)
        let megabytes = Double(size.tables) / 1_000_000
        func line(_ what: String, _ rounds: [Round]) -> ResultLine {
            let median = rounds.map(\.seconds).median ?? .nan
            let (client, servers) = (rounds.map(\.client).median ?? .nan, rounds.map(\.servers).median ?? .nan)
            return ResultLine(
                what: what,
                figure:
                    "\(seconds(median)), \(grouped(Int(megabytes / median))) MB/s of each side, CPU \(seconds(client)) client, \(seconds(servers)) servers",
                value: median)
        }
        let ratio = zip(compared, read).map { $0.seconds / $1.seconds }.median ?? .nan
        return [
            line("diff: strata split diff", compared), line("  COPY TO STDOUT of both sides at once", read),
            .ratio("  diff: of the time of reading both sides", ratio, most: Self.target),
        ]
    }

    private func measure(_ pair: SplitPair, _ body: () throws -> ChildRun) throws -> Round {
        let before = (try pair.source.processorTime(), try pair.target.processorTime())
        let run = try body()
        let after = (try pair.source.processorTime(), try pair.target.processorTime())
        return Round(seconds: run.seconds, client: run.cpuSeconds, servers: after.0 - before.0 + after.1 - before.1)
    }

    /// One connection for each side.
    private static func read(_ pair: SplitPair) throws -> ChildRun {
        let script = """
            sides=("$1" "$2"); shift 2
            pids=()
            for side in "${sides[@]}"; do psql -X -q -d "$side" "$@" >/dev/null & pids+=($!); done
            for pid in "${pids[@]}"; do wait "$pid" || exit 1; done
            """
        let statements = SplitShop.tables.flatMap { ["-c", "COPY shop.\($0) TO STDOUT"] }
        return try ChildRun.mustRun(
            ["bash", "-c", script, "bash", pair.source.url(SplitPair.main), pair.target.url(SplitPair.other)]
                + statements)
    }
}
