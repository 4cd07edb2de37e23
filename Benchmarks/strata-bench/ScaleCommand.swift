import ArgumentParser
import Foundation
import Planning
import PostgresDriver

/// Time and memory of reading a large catalog and planning.
struct ScaleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scale", abstract: "Time and memory of strata plan on a database of many tables.",
        discussion: """
            Makes a database of --tables tables for --schemas schemas, of which --pile tables are still in public, and
            plans with a layout that lists all of them; then with one that moves every table. Both run as child
            processes, so that their memory can be told apart from that of the measurement.
            """)

    @Option(help: ArgumentHelp("A superuser's connection string; a database is made on the server.", valueName: "url"))
    var url: String
    @Option(help: ArgumentHelp("Tables, 10 to 100000.", valueName: "number"))
    var tables = 1_000
    @Option(help: ArgumentHelp("Schemas of the layout; tables must be a multiple.", valueName: "number"))
    var schemas = 100
    @Option(help: ArgumentHelp("Tables still in public.", valueName: "number"))
    var pile = 1_000
    @Option(help: ArgumentHelp("How often each is measured, 1 to 20.", valueName: "number"))
    var rounds = 3
    @Option(help: ArgumentHelp("Target in seconds.", valueName: "number"))
    var targetSeconds: Double?
    @Option(help: ArgumentHelp("Target of memory in MB.", valueName: "number"))
    var targetMegabytes: Int?
    @Option(help: ArgumentHelp("The program to measure.", valueName: "file"))
    var strata = ChildRun.strataPath
    @Flag(help: "Keep the database, and use the one that an earlier --keep left.")
    var keep = false
    @Option(help: ArgumentHelp("Add the figures to this file.", valueName: "file"))
    var results: String?

    func validate() throws {
        guard 10...100_000 ~= tables, 1...tables ~= schemas, tables.isMultiple(of: schemas) else {
            throw ValidationError("--tables must be from 10 to 100000, and a multiple of --schemas")
        }
        guard 0...tables ~= pile, pile.isMultiple(of: tables / schemas) else {
            throw ValidationError("--pile must be a multiple of the tables of one schema (\(tables / schemas))")
        }
        guard 1...20 ~= rounds else { throw ValidationError("--rounds must be from 1 to 20") }
    }

    func run() async throws {
        let server = BenchServer(url: url)
        let database = "strata_bench_scale_\(tables)_\(schemas)_\(pile)"
        let made = PileDatabase(tables: tables, schemas: schemas, pile: pile)
        let exists = try await server.has(database)
        if !(keep && exists) {
            progress("  making \(grouped(tables)) tables …")
            let begun = ContinuousClock.now
            try await server.create(database)
            try await made.load(into: database, of: server)
            progress("  made in \(Int((ContinuousClock.now - begun).inSeconds)) s")
        }
        try await BenchLayout.withFolder { folder in
            print("\(grouped(tables)) tables, \(grouped(schemas)) schemas, \(grouped(pile)) tables still in public")
            try measure(made, renamed: false, server.url(database), folder)
            // Where everything is in the pile, everything moves anyway.
            if pile < tables { try measure(made, renamed: true, server.url(database), folder) }
        }
        if !keep { try await server.drop(database) }
    }

    private func measure(_ made: PileDatabase, renamed: Bool, _ url: String, _ folder: String) throws {
        let layout = folder + "/strata.yaml"
        let report = folder + "/stages.json"
        try made.layout(renamed: renamed, urlVariable: BenchLayout.variable).write(
            toFile: layout, atomically: true, encoding: .utf8)
        var runs: [ChildRun] = []
        var stages: [StagesCommand.Figures] = []
        for _ in 1...rounds {
            let environment = [BenchLayout.variable: url]
            runs.append(try ChildRun.mustRun([strata, "plan", "--layout", layout], environment: environment))
            try ChildRun.mustRun([ChildRun.ownPath, "stages", "--url", url, "--layout", layout, "--report", report])
            stages.append(try .read(report))
        }
        guard let seconds = runs.map(\.seconds).median, let cpu = runs.map(\.cpuSeconds).median,
            let megabytes = runs.map(\.peakMegabytes).max(), let stage = stages.last
        else { return }
        let moving = renamed ? tables : pile
        print("  \(grouped(moving)) of them move:")
        let time = String(format: "%.2f s (%.2f s of it on a processor)", seconds, cpu)
        print("    strata plan       \(time), peak memory \(megabytes) MB")
        print("    of it             \(stage.text)")
        try ResultLine.append(lines(seconds, megabytes, moving: moving), to: results)
    }

    private func lines(_ seconds: Double, _ megabytes: Int, moving: Int) -> [ResultLine] {
        let what = "plan, \(grouped(tables)) tables, \(grouped(moving)) move"
        return [
            ResultLine(
                what: "\(what): time", figure: String(format: "%.2f s", seconds),
                target: targetSeconds.map { String(format: "< %g s", $0) }, isMet: targetSeconds.map { seconds < $0 }),
            ResultLine(
                what: "\(what): memory", figure: "\(megabytes) MB", target: targetMegabytes.map { "< \($0) MB" },
                isMet: targetMegabytes.map { megabytes < $0 }),
        ]
    }
}
