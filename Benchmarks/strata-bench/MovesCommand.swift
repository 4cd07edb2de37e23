import ArgumentParser
import Engine
import Foundation
import Planning
import PostgresDriver

/// Clients while tables move under them: Strata beside what is done without it.
struct MovesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "moves", abstract: "What clients feel while tables move: strata beside plain ALTER TABLE.")

    @Option(help: ArgumentHelp("A superuser's connection string; databases are made on the server.", valueName: "url"))
    var url: String
    @Option(help: ArgumentHelp("Folder with before.sql, layout.yaml and workload.sql.", valueName: "folder"))
    var example: String
    @Option(help: ArgumentHelp("How many clients, 1 to 200.", valueName: "number"))
    var connections = 16
    @Option(help: ArgumentHelp("Milliseconds that a client pauses between statements.", valueName: "ms"))
    var pause = 5
    @Option(help: ArgumentHelp("How often each way is measured, 1 to 20.", valueName: "number"))
    var rounds = 3
    @Option(help: ArgumentHelp("Seconds for which the long reader keeps its lock.", valueName: "number"))
    var reader = 3.0
    @Option(help: ArgumentHelp("Add the figures to this file.", valueName: "file"))
    var results: String?

    static let template = "strata_bench_example"
    static let database = "strata_bench_moves"

    func validate() throws {
        guard 1...20 ~= rounds else { throw ValidationError("--rounds must be from 1 to 20") }
        guard 1...200 ~= connections else { throw ValidationError("--connections must be from 1 to 200") }
    }

    func run() async throws {
        let server = BenchServer(url: url)
        let layoutText = try String(contentsOfFile: example + "/layout.yaml", encoding: .utf8)
        // The layout names its databases by variables, of which none is used here.
        let (layout, _) = try Pipeline.decode(
            layoutText, file: example + "/layout.yaml",
            environment: ["DATABASE_URL": "postgresql://unused", "ARCHIVE_URL": "postgresql://unused"])
        var options = Load.Options()
        options.connections = connections
        options.pause = .milliseconds(pause)
        let race = MoveRace(
            server: server, layout: layout, workload: try Workload(file: example + "/workload.sql"), options: options,
            readerHolds: .seconds(reader))
        try await server.create(Self.template)
        try await server.load(example + "/before.sql", into: Self.template)
        var rows: [MoveContender: [MoveRace.Round]] = [:]
        for round in 1...rounds {
            for contender in MoveContender.allCases {
                progress("  round \(round) of \(rounds): \(contender.forward)")
                try await server.create(Self.database, from: Self.template)
                rows[contender, default: []].append(try await race.run(contender, in: Self.database))
            }
        }
        try await server.drop(Self.database)
        try await server.drop(Self.template)
        try report(rows)
    }

    private func report(_ rows: [MoveContender: [MoveRace.Round]]) throws {
        print("\(connections) clients, pause \(pause) ms, a reader with a lock for \(reader) s; median of \(rounds)")
        var table = TextTable([.left, .right, .right, .right, .right, .right])
        table.add(["WAY", "FAILED", "LONGEST STALL", "P99", "STATEMENTS", "TOOK"])
        var lines: [ResultLine] = []
        for contender in MoveContender.allCases {
            let rounds = rows[contender] ?? []
            for (name, phases) in [(contender.forward, rounds.map(\.forward)), (contender.back, rounds.map(\.back))] {
                let summary = Summary(phases)
                table.add([name] + summary.cells)
                lines.append(summary.line(name, contender))
            }
        }
        print(table.render(indentation: 0))
        for failure in (rows[.strata] ?? []).flatMap(\.failures).prefix(LoadTally.mostSamples) {
            print("strata: [\(failure.sqlState ?? "none")] \(failure.message): \(failure.statement.prefix(120))")
        }
        try ResultLine.append(lines, to: results)
    }

    /// Medians of the rounds; failures are added up.
    private struct Summary {
        var failed: Int
        var longest: Double
        var p99: Double
        var statements: Int
        var took: Double

        init(_ phases: [MoveRace.Phase]) {
            failed = phases.reduce(0) { $0 + $1.felt.failed }
            longest = phases.map(\.felt.longest).median ?? 0
            p99 = phases.map(\.felt.p99).median ?? 0
            statements = phases.map(\.felt.statements).median ?? 0
            took = phases.map(\.took).median ?? 0
        }

        var cells: [String] {
            [
                grouped(failed), milliseconds(longest), milliseconds(p99), grouped(statements),
                String(format: "%.1f s", took),
            ]
        }

        func line(_ name: String, _ contender: MoveContender) -> ResultLine {
            let figure = "\(grouped(failed)) failed, \(milliseconds(longest))"
            guard contender == .strata else { return ResultLine(what: "clients: \(name)", figure: figure) }
            return ResultLine(what: "clients: \(name)", figure: figure, target: "0 failed", isMet: failed == 0)
        }
    }
}
