import ArgumentParser
import Engine
import EventStore
import Planning
import PostgresDriver

struct EventsInitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Makes the event store's schema, or brings it up to date.",
        discussion: """
            It makes tables, functions, and the role strata_events that requests run as;
            nothing else is touched. Safe to run again. Partitions are made ahead.

            Where the layout has `events:`, that says where and how, and this is a run of
            the event store alone: strata status shows it, strata rollback undoes it.

            Examples:
              strata events init
              strata events init --every day --ahead 14
              strata events init --print > events.sql
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var store: EventStoreOptions

    @Option(help: "How wide a partition is, decided once: day, month (default: the layout's, else month).")
    var every: EventSchema.Every?

    @Option(
        help: ArgumentHelp(
            "How many partitions there are to be beyond today's, 1 to 400 (default: the layout's, else 3).",
            valueName: "number"))
    var ahead: Int?

    @Flag(name: .customLong("print"), help: "Prints the SQL and changes nothing.")
    var printsOnly = false

    func validate() throws {
        guard 1...400 ~= ahead ?? 3 else { throw ValidationError("--ahead must be from 1 to 400") }
    }

    func run() async throws {
        let workplace = Workplace(global)
        let layout = global.url == nil ? try workplace.layoutIfPresent() : nil
        let declared = layout?.events.flatMap { [nil, $0.schema].contains(store.schema) ? $0 : nil }
        if let declared { try refuseOthers(declared) }
        let schema =
            declared.map { EventSchema($0) } ?? EventSchema(name: store.schema ?? "events", every: every ?? .month)
        let ahead = declared?.ahead ?? ahead ?? 3
        if printsOnly { return show(schema, ahead, workplace) }
        var settings = try await workplace.settings(ofStore: schema.name, layout)
        settings = try settings.settings([
            "application_name": ActorIdentity.current.applicationName(for: "events init")
        ])
        let connection = try await Connection.open(settings)
        do {
            if let declared, let layout {
                try await apply(declared, layout, connection, workplace)
            } else {
                let style = workplace.console.errorStyle
                try await schema.install(on: connection, ahead: ahead) { step in
                    workplace.say(style.dim(style.wrap("\(step.object): \(step.reason)", indentation: 4, first: 2)))
                }
            }
        } catch {
            await connection.close()
            throw EventFailure.readable(error)
        }
        await connection.close()
        switch global.format {
        case .json:
            workplace.console.output(try JSONOutput.text(["schema": schema.name, "every": schema.every.rawValue]))
        case .text:
            workplace.console.output(
                "The event store is in schema \(schema.name), version \(EventSchema.version), partitions by \(schema.every.rawValue), made \(ahead) ahead.\n"
            )
        }
    }

    /// The file is what people read: another word on the command line would not be known to the next run.
    private func refuseOthers(_ declared: EventsLayout) throws {
        if let every, every.rawValue != declared.every.rawValue {
            throw EventFailure.diagnostic(
                "layout-decides",
                "the layout says every: \(declared.every.rawValue) for the event store, not \(every.rawValue)",
                "leave --every out, or change the layout")
        }
        if let ahead, ahead != declared.ahead {
            throw EventFailure.diagnostic(
                "layout-decides", "the layout says ahead: \(declared.ahead) for the event store, not \(ahead)",
                "leave --ahead out, or change the layout; strata events maintain --ahead \(ahead) makes more")
        }
    }

    private func show(_ schema: EventSchema, _ ahead: Int, _ workplace: Workplace) {
        for step in schema.change(from: EventSchemaState(), ahead: ahead).steps {
            workplace.console.output(
                "-- \(step.object): \(step.reason)\nBEGIN;\n" + step.statements.joined(separator: ";\n")
                    + ";\nCOMMIT;\n\n")
        }
    }

    // MARK: Through the ledger

    private func apply(
        _ events: EventsLayout, _ layout: Layout, _ connection: Connection, _ workplace: Workplace
    ) async throws {
        let progress = RunProgress(console: workplace.console, quiet: global.format == .json)
        defer { progress.end() }
        try await Applier(connection, report: progress.handle).exclusively { applier in
            if let run = try await applier.ledger.unfinished() {
                guard run.kind == .apply, run.state != .undoing, run.plan.steps.allSatisfy(\.isPart) else {
                    throw ApplyCommand.otherRun(run)
                }
                workplace.say("resuming run \(run.id), begun \(run.startedAt) by \(run.actor)@\(run.host)")
                _ = try await applier.resume(run)
                return
            }
            let catalog = try await CatalogReader.read(connection)
            let plan = try EventComponent.plan(events, layout, catalog)
            if !plan.isEmpty { _ = try await applier.apply(plan, catalog: catalog) }
        }
    }
}

extension Step {
    fileprivate var isPart: Bool { kind == .makePart || kind == .renewPart }
}

extension EventSchema.Every: ExpressibleByArgument {}
