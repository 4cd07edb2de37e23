import ArgumentParser
import Engine
import Planning
import PostgresDriver

/// `strata split SCHEMA`: definitions, rows and a stream of changes, up to where the switch can be made.
struct SplitStartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "Copies a schema to the database that the layout gives it, and keeps the copy up to date.",
        discussion: """
            Goes on where an earlier call was cut off. Writes on the copy are refused until the switch, and so is DDL on
            the schema where it is now, unless the layout says `definitions: carry`.

            Examples:
              strata split audit
              strata split audit --jobs 8
            """)

    @OptionGroup var global: GlobalOptions

    @Argument(help: ArgumentHelp("A schema of the layout.", valueName: "schema"))
    var schema: String

    @Option(help: ArgumentHelp("Connections that copy at once, 1 to 16.", valueName: "number"))
    var jobs = 4

    @Flag(help: "No progress on stderr.")
    var quiet = false

    func validate() throws {
        guard 1...16 ~= jobs else { throw ValidationError("--jobs must be from 1 to 16") }
    }

    func run() async throws {
        let workplace = Workplace(global)
        let site = try SplitPlace(workplace, schema)
        let source = try await workplace.settings(site.layout)
        let report = try await report(workplace, site)
        var options = SplitOptions()
        options.jobs = jobs
        options.definitions = site.definitions
        let progress = SplitProgress(console: workplace.console, quiet: quiet)
        let move = SplitMove(
            report, mainDatabase: site.layout.mainDatabase, source: source, target: site.target, options: options,
            listener: progress.handle)
        let record: SplitRecord
        do { record = try await move.run() } catch {
            progress.end()
            throw error
        }
        progress.end()
        switch global.format {
        case .json: workplace.console.output(try JSONOutput.text(record))
        case .text: workplace.console.output(text(record, report, workplace.console.outputStyle))
        }
    }

    /// Of the catalog as it is: a split goes on from what has been applied.
    private func report(_ workplace: Workplace, _ site: SplitPlace) async throws -> SplitReport {
        let connection = try await workplace.connect(site.layout, command: "split")
        do {
            let plan = try await LivePlanner.plan(site.layout, on: connection).plan
            guard plan.steps.isEmpty else {
                throw DiagnosticsError(
                    Diagnostic(
                        .error, "not-applied",
                        "the plan has \(counted(plan.steps.count, "step")) that are not done yet",
                        nextStep: "strata apply, then strata split \(schema)"))
            }
            guard let split = plan.splits?.first(where: { $0.schema == schema }) else {
                if let record = try await SplitLedger(connection).open(schema), record.isSwitched {
                    throw DiagnosticsError(
                        Diagnostic(
                            .error, "is-there", "schema \(schema) lives on database \(record.database) already",
                            nextStep:
                                "strata reverse \(schema) brings it back; strata complete \(schema) ends the split"))
                }
                throw DiagnosticsError(
                    Diagnostic(
                        .error, "nothing-to-split",
                        "schema \(schema) has no tables in database \(site.layout.mainDatabase)",
                        nextStep: "strata plan shows what is where"))
            }
            let filled = try await SplitServers(global: global, layout: site.layout).fill([split], source: connection)
            await connection.close()
            return filled.first ?? split
        } catch {
            await connection.close()
            throw error
        }
    }

    private func text(_ record: SplitRecord, _ report: SplitReport, _ style: TextStyle) -> String {
        let rows = record.tables.compactMap(\.rows).reduce(0, +)
        var text = style.green("Schema \(record.schema) is on database \(record.database) as well") + ".\n"
        text += "\(counted(record.tables.count, "table")), \(grouped(rows)) rows copied; changes follow.\n"
        let keys = report.crossings.filter { $0.kind == .foreignKey }
        if !keys.isEmpty {
            text +=
                style.wrap(
                    "\(counted(keys.count, "foreign key")) across the cut \(keys.count == 1 ? "is" : "are") not on the copy and must be replaced before the switch: strata plan lists them",
                    indentation: 0, first: 0) + "\n"
        }
        text += "next: strata split status shows how far it is behind\n"
        text += "undo: strata split cancel \(record.schema)\n"
        return text
    }
}

/// What the layout says of a schema that leaves, and where it goes.
struct SplitPlace {
    let layout: Layout
    let target: ConnectionSettings
    let definitions: SchemaLayout.Definitions

    init(_ workplace: Workplace, _ schema: String) throws {
        layout = try workplace.layout()
        guard let entry = layout.schemas.first(where: { $0.name == schema }) else {
            let known = layout.schemas.map(\.name)
            throw DiagnosticsError(
                Diagnostic(
                    .error, "unknown-schema", "the layout has no schema \(schema)",
                    nextStep: nearestName(to: schema, among: known).map { "did you mean \($0)?" }
                        ?? "the layout lists \(known.joined(separator: ", "))"))
        }
        guard let name = entry.database, name != layout.mainDatabase else {
            throw DiagnosticsError(
                Diagnostic(
                    .error, "no-other-database",
                    "the layout leaves schema \(schema) in database \(layout.mainDatabase)",
                    place: entry.place, nextStep: "give it another one: \(schema): { database: NAME, … }"))
        }
        definitions = entry.definitions
        target = try workplace.settings(ofOther: layout.databases.first { $0.name == name }, name)
    }
}
