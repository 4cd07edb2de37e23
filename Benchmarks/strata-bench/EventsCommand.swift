import ArgumentParser
import Foundation
import Planning

/// What the event store costs, beside COPY of the same rows and beside one commit for each event.
struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "The event store: appends, consumers, latency, projections.",
        discussion: """
            Through the library, in one process with all its callers, and over HTTP, where strata serve is a process of its own; \
            the server has to be durable. Needs Linux, and a superuser, for processor times.
            """)

    enum Part: String, CaseIterable, ExpressibleByArgument { case append, singles, served, consume, latency, project }

    @Option(help: ArgumentHelp("A superuser's connection string; a database is made on the server.", valueName: "url"))
    var url: String
    @Option(help: ArgumentHelp("How often each is measured, 1 to 20.", valueName: "number"))
    var rounds = 3
    @Option(
        help: ArgumentHelp("Connections that append batches, and members that consume, 1 to 64.", valueName: "number"))
    var connections = 8
    @Option(help: ArgumentHelp("Callers that append single events, 1 to 1000.", valueName: "number"))
    var callers = 64
    @Option(help: ArgumentHelp("Seconds of each run of single events and of latency, 1 to 60.", valueName: "number"))
    var seconds = 5
    @Option(help: ArgumentHelp("Batches of 1,000 for each connection, 1 to 1000.", valueName: "number"))
    var batches = 25
    @Option(help: ArgumentHelp("Events that are projected, 10000 to 100000000.", valueName: "number"))
    var events = 1_000_000
    @Option(help: ArgumentHelp("Measure only this; may be repeated.", valueName: "part"))
    var only: [Part] = []
    @Option(help: ArgumentHelp("Add the figures to this file.", valueName: "file"))
    var results: String?

    func validate() throws {
        guard 1...20 ~= rounds else { throw ValidationError("--rounds must be from 1 to 20") }
        guard 1...64 ~= connections else { throw ValidationError("--connections must be from 1 to 64") }
        guard 1...1_000 ~= callers else { throw ValidationError("--callers must be from 1 to 1000") }
        guard 1...60 ~= seconds else { throw ValidationError("--seconds must be from 1 to 60") }
        guard 1...1_000 ~= batches else { throw ValidationError("--batches must be from 1 to 1000") }
        guard 10_000...100_000_000 ~= events else { throw ValidationError("--events must be from 10000 to 100000000") }
    }

    func run() async throws {
        let interruption = Interruption()
        let server = BenchServer(url: url)
        var lines: [ResultLine] = []
        for part in Part.allCases where only.isEmpty || only.contains(part) {
            try interruption.check()
            // Each begins with an empty store.
            let place = try await EventsPlace(server)
            let found = try await measure(part, place, interruption)
            await place.close()
            print(ResultLine.table(found))
            lines += found
        }
        try await server.drop(EventsPlace.database)
        print("median of \(rounds)")
        for line in lines where line.isMet == false {
            print("missed: \(line.what.drop { $0 == " " }): \(line.figure), target \(line.target ?? "")")
        }
        try ResultLine.append(lines, to: results)
    }

    private func measure(
        _ part: Part, _ place: EventsPlace, _ interruption: Interruption
    ) async throws -> [ResultLine] {
        switch part {
        case .append:
            try await EventsBatchRate(rounds: rounds, connections: connections, batches: batches)
                .run(place, interruption)
        case .singles:
            try await EventsSingleRate(rounds: rounds, callers: callers, seconds: seconds).run(place, interruption)
        case .served: try await EventsServedTime(callers: callers, seconds: seconds * 12).run(place)
        case .consume:
            try await EventsConsumeRate(rounds: rounds, members: connections, events: connections * batches * 1_000)
                .run(place, interruption)
        case .latency: try await EventsLatency(seconds: max(seconds, 5)).run(place)
        case .project: try await EventsProjectTime(events: events).run(place, interruption)
        }
    }
}
