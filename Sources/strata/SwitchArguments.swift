import ArgumentParser
import Engine
import Planning
import PostgresDriver

/// What `strata switch` and `strata reverse` have in common.
struct SwitchArguments: ParsableArguments {
    @Argument(help: ArgumentHelp("A schema that strata split has copied.", valueName: "schema"))
    var schema: String

    @Flag(help: "Only says what would be done and what stands in its way.")
    var dryRun = false

    @Option(
        help: ArgumentHelp(
            "Statements are held for this long at most, 1 to 60; then everything goes on as before.",
            valueName: "seconds"))
    var budget = 5

    @Flag(help: "Ends sessions whose transactions are still in the way after half of that time.")
    var endTransactions = false

    @Option(help: ArgumentHelp("Numbers that sequences leave out, 0 to 1000000.", valueName: "number"))
    var sequenceMargin = 100

    @Option(
        help: ArgumentHelp("The comparison of both sides must be younger, 1 to 720.", valueName: "hours"))
    var comparedWithin = 24

    @Flag(help: "Also where no proxy is connected: nobody uses the schema now, or somebody else leads them.")
    var withoutProxies = false

    func validate() throws {
        guard 1...60 ~= budget else { throw ValidationError("--budget must be from 1 to 60") }
        guard 0...1_000_000 ~= sequenceMargin else {
            throw ValidationError("--sequence-margin must be from 0 to 1000000")
        }
        guard 1...720 ~= comparedWithin else { throw ValidationError("--compared-within must be from 1 to 720") }
    }

    var options: SwitchOptions {
        var options = SwitchOptions()
        options.budget = .seconds(budget)
        options.endsTransactions = endTransactions
        options.sequenceMargin = sequenceMargin
        options.comparisonAge = .seconds(comparedWithin * 3600)
        options.withoutProxies = withoutProxies
        return options
    }

    func run(_ direction: SplitRecord.Direction, _ global: GlobalOptions) async throws {
        let workplace = Workplace(global)
        let place = try SplitPlace(workplace, schema)
        let console = workplace.console
        let text = SwitchText(style: console.outputStyle)
        let change = SchemaSwitch(
            schema, direction: direction, mainDatabase: place.layout.mainDatabase,
            source: try await workplace.settings(place.layout), target: place.target, options: options
        ) { event in
            switch event {
            case .phase(let name): console.error("  \(name)\n")
            case .note(let note): console.error("  note: \(note)\n")
            }
        }
        guard !dryRun else {
            let readiness = try await change.readiness()
            switch global.format {
            case .json: console.output(try JSONOutput.text(readiness))
            case .text: console.output(text.text(readiness, direction))
            }
            if !readiness.isReady { throw ExitCode.failure }
            return
        }
        let report = try await change.run()
        switch global.format {
        case .json: console.output(try JSONOutput.text(report))
        case .text: console.output(text.text(report, direction))
        }
    }
}

/// For people.
struct SwitchText {
    let style: TextStyle

    func text(_ readiness: SwitchReadiness, _ direction: SplitRecord.Direction) -> String {
        var text = "Schema \(readiness.schema), from database \(readiness.from) to \(readiness.to)\n"
        text += "  stream     \(sized(Int64(readiness.lagBytes))) behind\n"
        let compared = readiness.comparedMinutesAgo.map { "\($0) min ago, the same" } ?? "-"
        if direction == .out { text += "  compared   \(compared)\n" }
        text += "  followers  \(readiness.followers.count)\n"
        for follower in readiness.followers {
            text += "    \(follower.kind) \(follower.name), epoch \(follower.epoch)\n"
        }
        text += "  sequences  \(readiness.sequences.count)\n"
        for sequence in readiness.sequences {
            let last = sequence.last.map { "\($0)" } ?? "not used yet"
            text += "    \(sequence.name)  \(last) → \(sequence.next)\n"
        }
        for finding in readiness.findings {
            let mark = finding.isBlocking ? style.red("✗ ") : style.yellow("! ")
            text += style.marked(mark, width: 2, finding.message)
            if let next = finding.nextStep { text += style.wrap("try: \(next)", indentation: 7, first: 2) + "\n" }
        }
        let command = direction == .out ? "strata switch" : "strata reverse"
        text +=
            readiness.isReady
            ? style.green("Ready") + ": \(command) \(readiness.schema)\n"
            : style.red("Not ready") + ": nothing has been changed.\n"
        return text
    }

    func text(_ report: SwitchReport, _ direction: SplitRecord.Direction) -> String {
        var text = style.green("Schema \(report.schema) lives on database \(report.to)") + ".\n"
        if report.wasMade {
            text += "An earlier call has brought it there; nothing was left to do.\n"
        } else {
            let phases = report.phases.map { "\($0.name) \($0.milliseconds)" }.joined(separator: ", ")
            text +=
                style.wrap(
                    "Statements that touch it were held for \(report.heldMilliseconds) ms (\(phases)).", indentation: 0,
                    first: 0) + "\n"
        }
        let following = report.followers.count - report.late.count
        text += "\(following) of \(counted(report.followers.count, "follower")) at epoch \(report.epoch).\n"
        for name in report.late {
            text += style.marked(
                style.yellow("warning: "), width: 9,
                "\(name) does not follow yet: what it still sends to the old place is refused")
        }
        switch direction {
        case .out:
            text += "Changes flow back to database \(report.from), so that the way back is open.\n"
            text += "undo: strata reverse \(report.schema)\n"
            text += "next: strata complete \(report.schema), once you are sure\n"
        case .back: text += "next: strata switch \(report.schema), or: strata split cancel \(report.schema)\n"
        }
        return text
    }
}
