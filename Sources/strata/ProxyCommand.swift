import ArgumentParser
import Proxy

/// `strata proxy`: a PostgreSQL server in front of the layout's databases.
struct ProxyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "proxy",
        abstract: "Serves applications in front of the layout's databases: pools, replicas for reads, routing.",
        discussion: """
            Clients connect to it as to PostgreSQL, with the name of a database of the layout. It runs until it is told to
            end: at the first SIGTERM or SIGINT it takes no new clients and waits for those that are there, at the second
            it ends at once. At SIGHUP it reads the layout and its files again.

            Example:
              strata proxy --listen 127.0.0.1:6432
              psql -h 127.0.0.1 -p 6432 main
            """)

    @OptionGroup var global: GlobalOptions

    @Option(
        help: ArgumentHelp("Where to listen, instead of the layout's routing.listen.", valueName: "host:port"))
    var listen: String?

    @Option(
        help: ArgumentHelp(
            "Threads that serve clients, 1 to 64, instead of the layout's routing.event_loops.", valueName: "n"))
    var loops: Int?

    @Option(help: ArgumentHelp("What is logged to stderr: debug, info, notice, warning.", valueName: "level"))
    var logLevel: LogLevelArgument?

    func validate() throws {
        guard 1...64 ~= loops ?? 1 else { throw ValidationError("--loops must be from 1 to 64") }
    }

    func run() async throws {
        let workplace = Workplace(global)
        let configuration = try await ProxySetup(
            workplace: workplace, listen: listen, loops: loops, level: logLevel?.level
        )
        .configuration()
        let server = try await ProxyServer.start(configuration)
        let names = configuration.databases.map { database in
            let replicas = database.nodes.count - 1
            return replicas == 0 ? database.name : "\(database.name) (\(replicas) replica\(replicas == 1 ? "" : "s"))"
        }
        workplace.say("listening on \(server.address) for \(names.joined(separator: ", "))")
        let hangup = HangupSignal { await Self.reload(server, workplace) }
        defer { hangup.cancel() }
        // The first signal cancels the command, the second ends the process; see `Interruption`.
        await withTaskCancellationHandler {
            await server.waitUntilEnded()
        } onCancel: {
            Console.shared.error("no new clients; waiting for those that are connected (again to end at once)\n")
            server.drain()
        }
        workplace.say("ended")
    }

    private static func reload(_ server: ProxyServer, _ workplace: Workplace) async {
        do {
            let outcome = try await server.reload()
            workplace.say("reloaded" + (outcome.notice.map { "; \($0)" } ?? ""))
        } catch {
            workplace.say("not reloaded, everything is as it was: \(error)")
        }
    }
}
