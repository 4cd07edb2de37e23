import Foundation
import Planning
import PostgresDriver

/// A way to bring the rows to PostgreSQL.
enum ImportContender: String, CaseIterable, Sendable {
    /// Evidence, conversion, rows, primary key; without the comparison at the end, which no other makes.
    case strata = "strata import sqlite --no-verify"
    case verified = "strata import sqlite, compared"
    /// Into a table that is there, without a key; from a file that somebody has written and converted before.
    case copy = "psql \\copy from CSV"
    case pgloader = "pgloader"
}

struct ImportTime {
    static let database = "strata_bench_import"
    /// Of `\copy`'s time (the issue's own), seconds of processor time more than it, and memory.
    static let (ratio, processor, megabytes) = (1.5, 2.0, 64)

    let rounds: Int
    let files: ImportFiles

    func run(_ server: BenchServer, _ interruption: Interruption) async throws -> [ResultLine] {
        let hasPgloader = try ChildRun.run(["bash", "-c", "command -v pgloader"]).status == 0
        if !hasPgloader { progress("  pgloader is not there, and left out") }
        let contenders = ImportContender.allCases.filter { $0 != .pgloader || hasPgloader }
        var measured: [ImportContender: [ChildRun]] = [:]
        for round in 0..<rounds {
            for place in contenders.indices {
                try interruption.check()
                // Another one is first each time.
                let contender = contenders[(place + round) % contenders.count]
                let run = try await measure(contender, server)
                progress("  import, round \(round + 1): \(contender.rawValue) \(seconds(run.seconds))")
                measured[contender, default: []].append(run)
            }
        }
        return lines(measured)
    }

    /// How much memory it takes, however large the file is.
    func memory(_ server: BenchServer, _ interruption: Interruption) async throws -> [ResultLine] {
        try interruption.check()
        let run = try await measure(.verified, server)
        return [
            ResultLine(
                what: "import: \(grouped(files.rows)) rows, strata, compared",
                figure: "\(seconds(run.seconds)), CPU \(seconds(run.cpuSeconds)), \(run.peakMegabytes) MB",
                target: "<= \(Self.megabytes) MB", isMet: run.peakMegabytes <= Self.megabytes)
        ]
    }

    private func measure(_ contender: ImportContender, _ server: BenchServer) async throws -> ChildRun {
        try await server.create(Self.database)
        let url = server.url(Self.database)
        let run: ChildRun
        switch contender {
        case .strata: run = try ChildRun.mustRun(strata(url) + ["--no-verify"])
        case .verified: run = try ChildRun.mustRun(strata(url))
        case .copy:
            try ChildRun.mustRun(["psql", "-X", "-q", "-d", url, "-c", ImportFiles.table])
            run = try ChildRun.mustRun(["psql", "-X", "-q", "-d", url, "-c", "\\copy orders from '\(files.csv)' csv"])
        case .pgloader: run = try pgloader(server)
        }
        let connection = try await server.connect(Self.database)
        let rows = try await connection.query("SELECT count(*) AS rows FROM orders").only().int("rows")
        await connection.close()
        guard rows == files.rows else {
            throw BenchFailure("\(contender.rawValue) loaded \(rows) rows of \(files.rows)")
        }
        return run
    }

    private func strata(_ url: String) -> [String] {
        [ChildRun.strataPath, "import", "sqlite", files.database, "--into", url, "--quiet"]
    }

    /// Its own reading of times would make other years of them, so it is told to leave them as numbers.
    private func pgloader(_ server: BenchServer) throws -> ChildRun {
        let settings = try server.settings(Self.database)
        let file = files.database + ".load"
        let host = settings.host.hasPrefix("/") ? "unix:\(settings.host)" : settings.host
        let target = "pgsql://\(settings.user)@\(host):\(settings.port)/\(settings.database)"
        try """
        LOAD DATABASE FROM sqlite://\(files.database) INTO \(target)
        CAST type datetime to bigint
        WITH include drop, create tables, create indexes, reset sequences;
        """.write(toFile: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: file) }
        return try ChildRun.mustRun(["pgloader", file])
    }

    private func lines(_ measured: [ImportContender: [ChildRun]]) -> [ResultLine] {
        var lines = [ResultLine(what: "import: \(grouped(files.rows)) rows of 10 columns", figure: "")]
        for contender in ImportContender.allCases {
            guard let runs = measured[contender], let time = runs.map(\.seconds).median else { continue }
            let processor = runs.map(\.cpuSeconds).median ?? .nan
            let memory = runs.map(\.peakMegabytes).median ?? 0
            lines.append(
                ResultLine(
                    what: "  \(contender.rawValue)",
                    figure: "\(decimal(time)) s, CPU \(decimal(processor)) s, \(memory) MB", value: time))
        }
        guard let own = measured[.strata], let copy = measured[.copy] else { return lines }
        let ratios = zip(own, copy).map { $0.seconds / $1.seconds }
        lines.append(.ratio("  import: strata's time of \\copy's", ratios.median ?? .nan, most: Self.ratio))
        let more = zip(own, copy).map { $0.cpuSeconds - $1.cpuSeconds }.median ?? .nan
        lines.append(
            ResultLine(
                what: "  import: processor time of the client more than \\copy's", figure: "\(decimal(more)) s",
                target: "<= \(Self.processor) s", isMet: more <= Self.processor, value: more))
        let memory = own.map(\.peakMegabytes).max() ?? 0
        lines.append(
            ResultLine(
                what: "  import: strata's memory at most", figure: "\(memory) MB", target: "<= \(Self.megabytes) MB",
                isMet: memory <= Self.megabytes, value: Double(memory)))
        return lines
    }
}
