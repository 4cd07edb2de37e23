import ArgumentParser
import Engine
import EventStore
import Foundation
import Logging
import Planning
import Service
import ServiceLifecycle

/// `strata serve`: the event store over HTTP.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serves the event store over HTTP: streams, groups, dead letters, keys, people.",
        discussion: """
            It runs until it is told to end: at the first SIGTERM or SIGINT it takes no new connections and answers what it
            has, at the second it ends at once. The API is at /v1/openapi.json, its figures are at /metrics, and
            /health/live and /health/ready say how it is. Encryption is a reverse proxy's: listen where only that one is.

            Example:
              strata events init
              strata events organization add Shelter
              strata events stream add animals
              KEY=$(strata events key add shop --scope append --scope read)
              strata serve &
              curl -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \\
                -d '[{"type": "registered", "key": "rex", "payload": {"name": "Rex"}}]' \\
                http://127.0.0.1:8080/v1/streams/animals/events
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var store: EventStoreOptions

    @Option(help: ArgumentHelp("Where to listen; port 0: the system chooses one.", valueName: "host:port"))
    var listen = "127.0.0.1:8080"

    @Option(
        help: ArgumentHelp(
            "A file with the token, 32 bytes or more, of who makes organisations over HTTP. Nobody can without it.",
            valueName: "file"))
    var operatorTokenFile: String?

    @Option(help: ArgumentHelp("Requests of one key a second, on average, 1 to 1,000,000.", valueName: "n"))
    var requestsPerSecond = 2_000

    @Option(help: ArgumentHelp("The largest body of a request in MiB, 1 to 16; NDJSON comes in parts.", valueName: "n"))
    var requestMegabytes = 8

    @Option(help: ArgumentHelp("Connections of clients at a time, 1 to 100,000; further ones wait.", valueName: "n"))
    var connections = 10_000

    @Option(
        help: ArgumentHelp(
            "How long polls wait for events at most, in seconds, 0 to 30: less than a proxy's time-out.",
            valueName: "n"))
    var longestWait = 30

    @Option(
        help: ArgumentHelp("How long what was accepted may take once it is told to end, in seconds.", valueName: "n"))
    var grace = 30

    enum Reference: String, ExpressibleByArgument, CaseIterable { case markdown, openapi }

    @Option(
        help: ArgumentHelp(
            "Prints the API and ends: markdown as docs/http-api.md, or openapi. Needs no database.",
            valueName: "form"))
    var printAPI: Reference?

    func validate() throws {
        guard Self.address(listen) != nil else {
            throw ValidationError("--listen is HOST:PORT, such as 127.0.0.1:8080")
        }
        guard 1...1_000_000 ~= requestsPerSecond else {
            throw ValidationError("--requests-per-second must be from 1 to 1000000")
        }
        guard 1...16 ~= requestMegabytes else { throw ValidationError("--request-megabytes must be from 1 to 16") }
        guard 1...100_000 ~= connections else { throw ValidationError("--connections must be from 1 to 100000") }
        guard 0...30 ~= longestWait else { throw ValidationError("--longest-wait must be from 0 to 30") }
        guard 1...3_600 ~= grace else { throw ValidationError("--grace must be from 1 to 3600") }
    }

    func run() async throws {
        switch printAPI {
        case .markdown: return Console.shared.output(APIReference.text)
        case .openapi: return Console.shared.output(APIReference.openAPI)
        case nil: break
        }
        try await EventPlace.with(global, store) { place in
            let (host, port) = Self.address(listen) ?? ("127.0.0.1", 8080)
            var limits = ServiceLimits()
            limits.requestBytes = requestMegabytes << 20
            limits.requestsPerSecond = requestsPerSecond
            limits.requestsAtOnce = requestsPerSecond * 2
            limits.connections = connections
            limits.longestWait = .seconds(longestWait)
            var logger = Logger(label: "strata.serve") { StreamLogHandler.standardError(label: $0) }
            logger.logLevel = .warning
            let workplace = place.workplace
            let settings = "\(place.settings)"
            let service = try EventService(
                place.settings, schema: place.schema, host: host, port: port, operatorToken: try operatorToken(),
                limits: limits, version: StrataVersion.current, logger: logger
            ) { port in
                workplace.say("serving \(settings), schema \(place.schema.name), at http://\(host):\(port)")
            }
            try await serve(service, logger, workplace)
        }
    }

    /// The first signal cancels the command, the second ends the process; see `Interruption`.
    private func serve(_ service: EventService, _ logger: Logger, _ workplace: Workplace) async throws {
        var configuration = ServiceGroupConfiguration(services: [ServedEvents(service: service)], logger: logger)
        configuration.maximumGracefulShutdownDuration = .seconds(grace)
        let group = ServiceGroup(configuration: configuration)
        // Not a child of this task, whose cancellation would break off what is to be answered.
        let running = Task { try await group.run() }
        try await withTaskCancellationHandler {
            try await running.value
        } onCancel: {
            Console.shared.error("no new connections; answering what was accepted (again to end at once)\n")
            Task { await group.triggerGracefulShutdown() }
        }
        workplace.say("ended")
    }

    private func operatorToken() throws -> String? {
        guard let operatorTokenFile else { return nil }
        guard let text = try? String(contentsOfFile: operatorTokenFile, encoding: .utf8) else {
            throw EventFailure.diagnostic(
                "operator-token", "\(operatorTokenFile) cannot be read",
                "write a token there: openssl rand -hex 32 > \(operatorTokenFile)")
        }
        let token = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard (32...200).contains(token.utf8.count), !token.contains(where: \.isWhitespace) else {
            throw EventFailure.diagnostic(
                "operator-token", "the token in \(operatorTokenFile) has not 32 to 200 bytes on one line",
                "openssl rand -hex 32 > \(operatorTokenFile)")
        }
        return token
    }

    private static func address(_ text: String) -> (host: String, port: Int)? {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port)
        else { return nil }
        let host = text[..<colon].trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        return host.isEmpty ? nil : (host, port)
    }
}

private struct ServedEvents: ServiceLifecycle.Service {
    let service: EventService

    func run() async throws { try await service.run() }
}
