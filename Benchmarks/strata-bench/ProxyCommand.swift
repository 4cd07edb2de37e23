import ArgumentParser
import Foundation
import Planning
import PostgresDriver

/// `strata proxy` beside PgBouncer and pgpool-II, in the same run and with the same server.
struct ProxyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "proxy", abstract: "strata proxy beside pgbouncer, pgpool and no proxy at all.",
        discussion: """
            Measures processor time for each transaction of pgbench -S, what one client waits for, thousands of idle \
            clients, throughput, and the decision on a statement that is new. Statements are read, the pools are in \
            transaction mode. Needs pgbouncer, pgpool and pgbench, and Linux. Takes five minutes.
            """)

    enum Part: String, CaseIterable, ExpressibleByArgument { case processor, latency, clients, throughput, decisions }
    enum Format: String, CaseIterable, ExpressibleByArgument { case text, json }

    @Option(help: ArgumentHelp("A superuser's connection string; a database is made on the server.", valueName: "url"))
    var url: String
    @Option(help: ArgumentHelp("How often each is measured, 1 to 20.", valueName: "number"))
    var rounds = 5
    @Option(help: ArgumentHelp("Seconds of each run of pgbench, 1 to 60.", valueName: "number"))
    var seconds = 3
    @Option(help: ArgumentHelp("Clients that stay connected, 200 to 20000.", valueName: "number"))
    var clients = 10_000
    @Option(help: ArgumentHelp("Measure only this; may be repeated.", valueName: "part"))
    var only: [Part] = []
    @Option(help: "How the figures are printed: text or json.")
    var format = Format.text
    @Option(help: ArgumentHelp("Add the figures to this file.", valueName: "file"))
    var results: String?

    func validate() throws {
        guard 1...20 ~= rounds else { throw ValidationError("--rounds must be from 1 to 20") }
        guard 1...60 ~= seconds else { throw ValidationError("--seconds must be from 1 to 60") }
        guard 200...20_000 ~= clients else { throw ValidationError("--clients must be from 200 to 20000") }
    }

    func run() async throws {
        let interruption = Interruption()
        let target = try ProxyTarget(BenchServer(url: url))
        try await target.prepare()
        let measured: Result<[ResultLine], any Error>
        do {
            measured = .success(try await BenchLayout.withFolder { try await measure(target, $0, interruption) })
        } catch {
            measured = .failure(error)
        }
        try await target.remove()
        try report(measured.get())
    }

    private func measure(
        _ target: ProxyTarget, _ folder: String, _ interruption: Interruption
    ) async throws -> [ResultLine] {
        var lines: [ResultLine] = []
        for part in Part.allCases where only.isEmpty || only.contains(part) {
            try interruption.check()
            switch part {
            case .processor:
                var time = ProxyProcessorTime(rounds: rounds, seconds: seconds, folder: folder)
                lines += try await time.run(target, interruption)
            case .latency: lines += try await ProxyLatency(rounds: rounds, folder: folder).run(target, interruption)
            case .clients:
                let crowd = ProxyCrowd(clients: clients, seconds: seconds + 2, folder: folder)
                lines += try await crowd.run(target, interruption)
            case .throughput:
                let throughput = ProxyThroughput(rounds: rounds, seconds: seconds, folder: folder)
                lines += try await throughput.run(target, interruption)
            case .decisions: lines += try await ProxyDecisions(rounds: rounds).run(target)
            }
        }
        return lines
    }

    private func report(_ lines: [ResultLine]) throws {
        switch format {
        case .text:
            print("transaction mode, statements read; median of \(rounds)")
            print(ResultLine.table(lines))
            for line in lines where line.isMet == false {
                print("missed: \(line.what.drop { $0 == " " }): \(line.figure), target \(line.target ?? "")")
            }
        case .json:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(lines), as: UTF8.self))
        }
        try ResultLine.append(lines, to: results)
    }
}
