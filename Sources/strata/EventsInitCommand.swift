import ArgumentParser
import EventStore
import Planning
import PostgresDriver

struct EventsInitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Makes the event store's schema, or brings it up to date.",
        discussion: """
            It makes tables, functions, and the role strata_events that requests run as; nothing else is
            touched. Safe to run again. Partitions of the table of events are made ahead.

            Examples:
              strata events init
              strata events init --every day --ahead 14
              strata events init --print > events.sql
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var store: EventStoreOptions

    @Option(help: "How wide a partition is, decided once: day, month.")
    var every: EventSchema.Every = .month

    @Option(help: ArgumentHelp("How many partitions there are to be beyond today's, 1 to 400.", valueName: "number"))
    var ahead = 3

    @Flag(name: .customLong("print"), help: "Prints the SQL and changes nothing.")
    var printsOnly = false

    func validate() throws {
        guard 1...400 ~= ahead else { throw ValidationError("--ahead must be from 1 to 400") }
    }

    func run() async throws {
        let workplace = Workplace(global)
        let schema = EventSchema(name: store.schema, every: every)
        if printsOnly {
            for part in schema.parts + [schema.partitions(ahead: ahead)] {
                workplace.console.output(
                    "-- \(part.object): \(part.reason)\nBEGIN;\n" + part.statements.joined(separator: ";\n")
                        + ";\nCOMMIT;\n\n")
            }
            return
        }
        let connection = try await workplace.connect(
            global.url == nil ? try workplace.layoutIfPresent() : nil, command: "events init")
        let style = workplace.console.errorStyle
        do {
            if let other = try await schema.otherWidth(on: connection) {
                throw EventFailure.diagnostic(
                    "partitions", "the event store of schema \(store.schema) has partitions by \(other.rawValue)",
                    "say --every \(other.rawValue); the width cannot be changed")
            }
            try await schema.install(on: connection, ahead: ahead) { part in
                workplace.say(style.dim(style.wrap("\(part.object): \(part.reason)", indentation: 4, first: 2)))
            }
        } catch {
            await connection.close()
            throw EventFailure.readable(error)
        }
        await connection.close()
        switch global.format {
        case .json: workplace.console.output(try JSONOutput.text(["schema": store.schema, "every": every.rawValue]))
        case .text:
            workplace.console.output(
                "The event store is in schema \(store.schema), partitions by \(every.rawValue), made \(ahead) ahead.\n")
        }
    }
}

extension EventSchema.Every: ExpressibleByArgument {}
