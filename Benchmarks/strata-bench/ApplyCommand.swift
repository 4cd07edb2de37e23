import ArgumentParser
import Foundation
import Planning
import PostgresDriver

/// `strata apply` of idle tables beside the same SQL through psql, and beside bare ALTER TABLE.
struct ApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply", abstract: "strata apply of idle tables beside the same statements through psql.")

    @Option(help: ArgumentHelp("A superuser's connection string; databases are made on the server.", valueName: "url"))
    var url: String
    @Option(help: ArgumentHelp("Tables that move, 10 to 5000.", valueName: "number"))
    var tables = 500
    @Option(help: ArgumentHelp("Schemas that they move to; tables must be a multiple.", valueName: "number"))
    var schemas = 50
    @Option(help: ArgumentHelp("How often each is measured, 1 to 20.", valueName: "number"))
    var rounds = 5
    @Option(help: ArgumentHelp("The program to measure.", valueName: "file"))
    var strata = ChildRun.strataPath
    @Option(help: ArgumentHelp("Add the figures to this file.", valueName: "file"))
    var results: String?

    static let template = "strata_bench_idle"
    static let database = "strata_bench_apply"
    /// Of the time of the same SQL through psql.
    static let target = 2.0

    func validate() throws {
        guard 10...5_000 ~= tables, 1...tables ~= schemas, tables.isMultiple(of: schemas) else {
            throw ValidationError("--tables must be from 10 to 5000, and a multiple of --schemas")
        }
        guard 1...20 ~= rounds else { throw ValidationError("--rounds must be from 1 to 20") }
    }

    func run() async throws {
        let server = BenchServer(url: url)
        let made = PileDatabase(tables: tables, schemas: schemas, pile: tables)
        try await server.create(Self.template)
        try await made.load(into: Self.template, of: server)
        let seconds = try await BenchLayout.withFolder { try await measure(server, made, $0) }
        try await server.drop(Self.database)
        try await server.drop(Self.template)
        try report(seconds)
    }

    private enum Way: CaseIterable { case strata, sameSQL, bare }

    private func measure(_ server: BenchServer, _ made: PileDatabase, _ folder: String) async throws -> [Way: [Double]] {
        let url = server.url(Self.database)
        let environment = [BenchLayout.variable: url]
        let layout = folder + "/strata.yaml"
        try made.layout(urlVariable: BenchLayout.variable).write(toFile: layout, atomically: true, encoding: .utf8)
        try bare(made).write(toFile: folder + "/bare.sql", atomically: true, encoding: .utf8)
        var seconds: [Way: [Double]] = [:]
        for round in 1...rounds {
            progress("  round \(round) of \(rounds)")
            for way in Way.allCases {
                try await server.create(Self.database, from: Self.template)
                let run: ChildRun
                switch way {
                case .strata:
                    // Planned first, for the hazards' codes; the time is that of apply, which plans again.
                    let stages = folder + "/stages.json"
                    try ChildRun.mustRun([ChildRun.ownPath, "stages", "--url", url, "--layout", layout, "--report", stages])
                    let codes = try StagesCommand.Figures.read(stages).hazards.flatMap { ["--accept", $0] }
                    run = try ChildRun.mustRun([strata, "apply", "--layout", layout, "--format", "json", "--yes"] + codes, environment: environment)
                case .sameSQL:
                    let file = folder + "/plan.sql"
                    try ChildRun.mustRun([strata, "plan", "--layout", layout, "--format", "sql"], environment: environment, output: file)
                    run = try psql(url, file)
                case .bare: run = try psql(url, folder + "/bare.sql")
                }
                seconds[way, default: []].append(run.seconds)
            }
        }
        return seconds
    }

    private func psql(_ url: String, _ file: String) throws -> ChildRun {
        try ChildRun.mustRun(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", file])
    }

    /// One statement, and so one transaction, for each table.
    private func bare(_ made: PileDatabase) -> String {
        let schemas = (0..<made.schemas).map { "CREATE SCHEMA \(PileDatabase.name($0));" }
        let moves = (0..<made.tables).map { number in
            "ALTER TABLE public.\(PileDatabase.table(number)) SET SCHEMA \(PileDatabase.name(number / made.perSchema));"
        }
        return (schemas + moves).joined(separator: "\n") + "\n"
    }

    private func report(_ seconds: [Way: [Double]]) throws {
        guard let strata = seconds[.strata]?.median, let same = seconds[.sameSQL]?.median, let bare = seconds[.bare]?.median
        else { return }
        let ratio = strata / same
        var table = TextTable([.left, .right, .right])
        table.add(["\(grouped(tables)) IDLE TABLES", "MEDIAN OF \(rounds)", "RATIO"])
        table.add(["strata apply (catalog, plan, ledger)", String(format: "%.2f s", strata), String(format: "%.2f", ratio)])
        table.add(["the same SQL through psql", String(format: "%.2f s", same), "1.00"])
        table.add(["bare ALTER TABLE through psql, no views", String(format: "%.2f s", bare), String(format: "%.2f", bare / same)])
        print(table.render(indentation: 0))
        let lines = [
            ResultLine(
                what: "apply of \(grouped(tables)) moves: of psql's time", figure: String(format: "%.2f (%.2f s)", ratio, strata),
                target: String(format: "<= %g", Self.target), isMet: ratio <= Self.target),
            ResultLine(what: "  the same SQL through psql", figure: String(format: "%.2f s", same)),
            ResultLine(what: "  bare ALTER TABLE through psql", figure: String(format: "%.2f s", bare)),
        ]
        try ResultLine.append(lines, to: results)
    }
}
