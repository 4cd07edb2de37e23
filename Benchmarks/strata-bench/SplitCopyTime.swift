import Foundation
import Planning

/// A way to bring a schema to an empty database.
enum SplitContender: String, CaseIterable, Sendable {
    /// Up to where changes follow: with guards, a slot, a stream and the comparison of definitions.
    case strata
    case pgcopydb
    /// With several connections to one table.
    case pgcopydbSplit = "pgcopydb-split"
    /// A folder between them, which is not compressed.
    case folder = "pg_dump"
    /// Through a pipe, by one connection.
    case pipe = "pg_dump-pipe"

    func name(_ jobs: Int) -> String {
        switch self {
        case .strata: "strata split --jobs \(jobs)"
        case .pgcopydb: "pgcopydb clone, \(jobs) + \(jobs) jobs"
        case .pgcopydbSplit: "pgcopydb clone, tables split at 128 MB"
        case .folder: "pg_dump -Fd -Z0 -j \(jobs), pg_restore -j \(jobs)"
        case .pipe: "pg_dump -Fc -Z0 | pg_restore"
        }
    }
}

/// `strata split` up to "followed" beside what copies a schema once and follows nothing.
struct SplitCopyTime {
    /// Of pgcopydb's time.
    static let target = 1.2

    private struct Round {
        var seconds: Double
        var client: Double
        var servers: Double
    }

    let rounds: Int
    let contenders: [SplitContender]

    func run(_ pair: SplitPair, _ interruption: Interruption) async throws -> [ResultLine] {
        var measured: [SplitContender: [Round]] = [:]
        for round in 0..<rounds {
            // Another one is first each time.
            for place in contenders.indices {
                try interruption.check()
                let contender = contenders[(place + round) % contenders.count]
                try await pair.reset()
                let found = try await measure(contender, pair)
                progress("  copy, round \(round + 1): \(contender.rawValue) \(seconds(found.seconds))")
                measured[contender, default: []].append(found)
            }
        }
        let size = try await SplitShop.size(pair.source)
        return lines(measured, size, pair.jobs)
    }

    private func measure(_ contender: SplitContender, _ pair: SplitPair) async throws -> Round {
        let before = (try pair.source.processorTime(), try pair.target.processorTime())
        let run = try copy(contender, pair)
        let after = (try pair.source.processorTime(), try pair.target.processorTime())
        let counts = try await pair.counts()
        guard counts.source == counts.target else {
            throw BenchFailure("\(contender.rawValue) copied \(counts.target) rows of \(counts.source)")
        }
        return Round(
            seconds: run.seconds, client: run.cpuSeconds, servers: after.0 - before.0 + after.1 - before.1)
    }

    private func copy(_ contender: SplitContender, _ pair: SplitPair) throws -> ChildRun {
        let (from, to) = (pair.source.url(SplitPair.main), pair.target.url(SplitPair.other))
        let work = "\(pair.folder)/work"
        try? FileManager.default.removeItem(atPath: work)
        defer { try? FileManager.default.removeItem(atPath: work) }
        let jobs = "\(pair.jobs)"
        switch contender {
        case .strata: return try pair.split()
        case .pgcopydb, .pgcopydbSplit:
            let split = contender == .pgcopydbSplit ? ["--split-tables-larger-than", "128MB"] : []
            return try quietly(
                [
                    "pgcopydb", "clone", "--source", from, "--target", to, "--dir", work, "--table-jobs", jobs,
                    "--index-jobs", jobs,
                ] + split, pair.folder)
        case .folder:
            let script = "pg_dump -Fd -Z0 -j \"$4\" -n shop -f \"$3\" \"$1\" && pg_restore -j \"$4\" -d \"$2\" \"$3\""
            return try quietly(["bash", "-c", script, "bash", from, to, work, jobs], pair.folder)
        case .pipe:
            let script = "set -o pipefail; pg_dump -Fc -Z0 -n shop \"$1\" | pg_restore -d \"$2\""
            return try quietly(["bash", "-c", script, "bash", from, to], pair.folder)
        }
    }

    /// Peers tell at length what they do; their last words count where they fail.
    private func quietly(_ command: [String], _ folder: String) throws -> ChildRun {
        let log = "\(folder)/peer.log"
        try? FileManager.default.removeItem(atPath: log)
        let run = try ChildRun.run(["bash", "-c", "log=$1; shift; exec \"$@\" 2>\"$log\"", "bash", log] + command)
        guard run.status == 0 else {
            let said = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            let words = said.split(separator: "\n").suffix(5).joined(separator: " / ")
            throw BenchFailure("\(command[0]) failed (\(run.status)): \(words)")
        }
        return run
    }

    private func lines(
        _ measured: [SplitContender: [Round]], _ size: (tables: Int, indexes: Int), _ jobs: Int
    ) -> [ResultLine] {
        var lines = [
            ResultLine(
                what: "copy: \(SplitShop.tables.count) tables",
                figure: "\(grouped(size.tables / 1_000_000)) MB and \(grouped(size.indexes / 1_000_000)) MB of indexes")
        ]
        for contender in contenders {
            let rounds = measured[contender] ?? []
            let median = rounds.map(\.seconds).median ?? .nan
            let client = rounds.map(\.client).median ?? .nan
            let servers = rounds.map(\.servers).median ?? .nan
            lines.append(
                ResultLine(
                    what: "  \(contender.name(jobs))",
                    figure: "\(seconds(median)), CPU \(seconds(client)) client, \(seconds(servers)) servers",
                    value: median))
        }
        for other in contenders where other != .strata {
            // Of rounds that ran next to each other.
            let ratios = zip(measured[.strata] ?? [], measured[other] ?? []).map { $0.seconds / $1.seconds }
            guard let ratio = ratios.median else { continue }
            let what = "  copy: strata's time of \(other.rawValue)'s"
            lines.append(
                other == .pgcopydb
                    ? .ratio(what, ratio, most: Self.target)
                    : ResultLine(what: what, figure: decimal(ratio), value: ratio))
        }
        return lines
    }
}

func seconds(_ value: Double) -> String { value.isFinite ? String(format: "%.1f s", value) : "unknown" }
