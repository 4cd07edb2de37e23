import ArgumentParser
import Engine
import Foundation
import Planning
import SystemPackage

/// `strata pg start | stop | status`: the embedded server.
struct ServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pg", abstract: "Starts, stops and shows the embedded PostgreSQL, which needs no set-up.",
        discussion: "Example:\n  strata pg start && strata pg status && strata pg stop",
        subcommands: [Start.self, Stop.self, Status.self])

    struct Start: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Starts the embedded PostgreSQL, or finds the one that runs, and prints how to connect.",
            discussion: "Example:\n  psql \"$(strata pg start --format json | jq -r .url)\"")
        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let workplace = Workplace(global)
            let server = try await workplace.embedded().start()
            workplace.console.output(
                try describe(server, format: global.format, state: server.didTakeOver ? "already runs" : "started"))
        }
    }

    struct Stop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Stops the embedded PostgreSQL; its data stay.",
            discussion: "Example:\n  strata pg stop")
        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let workplace = Workplace(global)
            let stopped = try await workplace.embedded().stop()
            let text =
                stopped
                ? "The embedded PostgreSQL is stopped; its data stay." : "The embedded PostgreSQL was not running."
            workplace.console.output(global.format == .json ? "{\"stopped\":\(stopped)}\n" : text + "\n")
        }
    }

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Says whether the embedded PostgreSQL runs, and where.",
            discussion: "Example:\n  strata pg status --format json")
        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let workplace = Workplace(global)
            let text: String
            switch try await workplace.embedded().status() {
            case .running(let server): text = try describe(server, format: global.format, state: "runs")
            case .changing:
                text =
                    global.format == .json
                    ? "{\"state\":\"changing\"}\n" : "The embedded PostgreSQL is starting or stopping.\n"
            case .stopped(_, _, let crashed):
                let why = crashed ? " after a crash; the next start recovers it" : ""
                text =
                    global.format == .json
                    ? "{\"state\":\"stopped\"}\n" : "The embedded PostgreSQL is stopped\(why). try: strata pg start\n"
            case .absent:
                text =
                    global.format == .json
                    ? "{\"state\":\"absent\"}\n" : "There is no embedded PostgreSQL here yet. try: strata pg start\n"
            }
            workplace.console.output(text)
        }
    }

    private struct Machine: Encodable {
        var state: String
        var url: String
        var tcpURL: String
        var port: Int
        var pid: Int32
        var version: String
        var dataFolder: String
    }

    private static func describe(_ server: RunningServer, format: OutputFormat, state: String) throws -> String {
        if format == .json {
            let machine = Machine(
                state: "running", url: server.url, tcpURL: server.tcpURL, port: server.port, pid: server.pid,
                version: "\(server.version)", dataFolder: server.dataFolder.string)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(machine), as: UTF8.self) + "\n"
        }
        var table = TextTable([.left, .left])
        table.add(["url", server.url])
        table.add(["over TCP", server.tcpURL])
        table.add(["data", server.dataFolder.string])
        return "PostgreSQL \(server.version) \(state), pid \(server.pid).\n" + table.render() + "\n"
    }
}
