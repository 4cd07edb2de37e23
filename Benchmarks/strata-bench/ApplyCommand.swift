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

    private func measure(_ server: BenchServer, _ made: PileDatabase, _ folder: String) async throws -> [Way: [Double]]
    {
        try made.layout(urlVariable: BenchLayout.variable)
            .write(toFile: folder + "/strata.yaml", atomically: true, encoding: .utf8)
        try bare(made).write(toFile: folder + "/bare.sql", atomically: true, encoding: .utf8)
        var seconds: [Way: [Double]] = [:]
        for round in 1...rounds {
            progress("  round \(round) of \(rounds)")
            for way in Way.allCases {
                try await server.create(Self.database, from: Self.template)
                seconds[way, default: []].append(try run(way, server.url(Self.database), folder).seconds)
            }
        }
        return seconds
    }

    private func run(_ way: Way, _ url: String, _ folder: String) throws -> ChildRun {
        let environment = [BenchLayout.variable: url]
        let layout = ["--layout", folder + "/strata.yaml"]
        switch way {
        case .strata:
            // Planned first, for the hazards' codes; the time is that of apply, which plans again.
            let report = folder + "/stages.json"
            try ChildRun.mustRun([ChildRun.ownPath, "stages", "--url", url, "--report", report] + layout)
            let codes = try StagesCommand.Figures.read(report).hazards.flatMap { ["--accept", $0] }
            let command = [strata, "apply", "--format", "json", "--yes"]
            return try ChildRun.mustRun(command + layout + codes, environment: environment)
        case .sameSQL:
            let file = folder + "/plan.sql"
            let command = [strata, "plan", "--format", "sql"]
            try ChildRun.mustRun(command + layout, environment: environment, output: file)
            return try psql(url, file)
        case .bare: return try psql(url, folder + "/bare.sql")
        }
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
        guard let strata = seconds[.strata]?.median, let same = seconds[.sameSQL]?.median,
            let bare = seconds[.bare]?.median
        else { return }
        let ratio = strata / same
        let row = { (name: String, seconds: Double) in
            [name, String(format: "%.2f s", seconds), String(format: "%.2f", seconds / same)]
        }
        var table = TextTable([.left, .right, .right])
        table.add(["\(grouped(tables)) IDLE TABLES", "MEDIAN OF \(rounds)", "RATIO"])
        table.add(row("strata apply (catalog, plan, ledger)", strata))
        table.add(row("the same SQL through psql", same))
        table.add(row("bare ALTER TABLE through psql, no views", bare))
        print(table.render(indentation: 0))
        try ResultLine.append(
            [
                ResultLine(
                    what: "apply of \(grouped(tables)) moves: of psql's time",
                    figure: String(format: "%.2f (%.2f s)", ratio, strata),
                    target: String(format: "<= %g", Self.target),
                    isMet: ratio <= Self.target),
                ResultLine(what: "  the same SQL through psql", figure: String(format: "%.2f s", same)),
                ResultLine(what: "  bare ALTER TABLE through psql", figure: String(format: "%.2f s", bare)),
            ], to: results)
    }
}
