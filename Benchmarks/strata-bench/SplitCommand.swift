import ArgumentParser
import Foundation
import Planning

/// What a split costs, beside what copies, reads and serves without it, on two servers of its own.
struct SplitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "split", abstract: "strata split, its comparison, the switch and observing, beside peers.",
        discussion: """
            Starts two durable servers of its own. Measures the copy beside pgcopydb, and pg_dump with pg_restore; the \
            comparison beside reading both sides; what clients of the proxy wait for while a schema is switched; and what \
            observing costs. Needs pgcopydb, pg_dump, psql and pgbench, and Linux.
            """)

    enum Part: String, CaseIterable, ExpressibleByArgument { case copy, diff, `switch`, observe }

    @Option(help: ArgumentHelp("Where the servers' files go; others may enter it.", valueName: "folder"))
    var folder: String
    @Option(help: ArgumentHelp("Size of the tables that are copied and compared, 20 to 5000.", valueName: "MB"))
    var megabytes = 2_000
    @Option(help: ArgumentHelp("Size of the tables that are switched, 20 to 5000.", valueName: "MB"))
    var switchMegabytes = 50
    @Option(help: ArgumentHelp("Connections that copy at once, of each that can have several.", valueName: "number"))
    var jobs = 4
    @Option(help: ArgumentHelp("How often each is measured, 1 to 20.", valueName: "number"))
    var rounds = 3
    @Option(help: ArgumentHelp("How often the schema is switched and back, 1 to 20.", valueName: "number"))
    var switches = 5
    @Option(help: ArgumentHelp("Clients while it is switched, 1 to 100.", valueName: "number"))
    var clients = 16
    @Option(help: ArgumentHelp("Milliseconds that a client pauses between statements.", valueName: "ms"))
    var pause = 5
    @Option(help: ArgumentHelp("Seconds of each run of pgbench, 1 to 60.", valueName: "number"))
    var seconds = 3
    @Option(help: ArgumentHelp("Measure only this; may be repeated.", valueName: "part"))
    var only: [Part] = []
    @Option(help: ArgumentHelp("Copy only by this one; may be repeated.", valueName: "peer"))
    var contender: [SplitContender] = []
    @Option(help: ArgumentHelp("Add the figures to this file.", valueName: "file"))
    var results: String?

    func validate() throws {
        for size in [megabytes, switchMegabytes] {
            guard 20...5_000 ~= size else { throw ValidationError("sizes must be from 20 to 5000") }
        }
        guard 1...16 ~= jobs else { throw ValidationError("--jobs must be from 1 to 16") }
        guard 1...20 ~= rounds, 1...20 ~= switches else {
            throw ValidationError("--rounds and --switches must be from 1 to 20")
        }
        guard 1...100 ~= clients else { throw ValidationError("--clients must be from 1 to 100") }
        guard 1...60 ~= seconds else { throw ValidationError("--seconds must be from 1 to 60") }
    }

    func run() async throws {
        let interruption = Interruption()
        let own = "\(folder)/split-\(getpid())"
        try FileManager.default.createDirectory(
            atPath: own, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
        defer { try? FileManager.default.removeItem(atPath: own) }
        let pair = try await SplitPair(folder: own, jobs: jobs)
        defer { pair.stop() }
        var lines: [ResultLine] = []
        for part in Part.allCases where only.isEmpty || only.contains(part) {
            try interruption.check()
            lines += try await measure(part, pair, interruption)
        }
        print("median of \(rounds), observing of \(rounds + 2), switches of \(switches)")
        print(ResultLine.table(lines))
        for line in lines where line.isMet == false {
            print("missed: \(line.what.drop { $0 == " " }): \(line.figure), target \(line.target ?? "")")
        }
        try ResultLine.append(lines, to: results)
    }

    private func measure(_ part: Part, _ pair: SplitPair, _ interruption: Interruption) async throws -> [ResultLine] {
        switch part {
        case .copy:
            try await pair.make(SplitShop(megabytes: megabytes))
            let chosen = SplitContender.allCases.filter { contender.isEmpty || contender.contains($0) }
            return try await SplitCopyTime(rounds: rounds, contenders: chosen).run(pair, interruption)
        case .diff:
            try await pair.make(SplitShop(megabytes: megabytes))
            return try await SplitDiffTime(rounds: rounds).run(pair, interruption)
        case .switch:
            let shop = SplitShop(megabytes: switchMegabytes)
            try await pair.make(shop)
            var options = Load.Options()
            options.connections = clients
            options.pause = .milliseconds(pause)
            return try await SplitSwitchTime(rounds: switches, options: options).run(pair, shop, interruption)
        case .observe:
            return try await SplitObserveTime(rounds: rounds + 2, seconds: seconds).run(pair, interruption)
        }
    }
}

extension SplitContender: ExpressibleByArgument {}
