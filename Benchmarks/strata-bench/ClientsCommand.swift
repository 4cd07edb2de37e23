import ArgumentParser
import Dispatch
import Foundation
import PostgresDriver

/// An application: clients that send a workload's statements until they are told to stop.
struct ClientsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clients",
        abstract: "Runs clients with a workload's statements and reports what they felt.",
        discussion: """
            Half of the clients prepare their statements, half send pairs of them in transactions. None connects again.
            Ends after --seconds, when --until-file appears, or with Ctrl-C. Exits with 1 if a statement failed.
            """)

    @Option(help: ArgumentHelp("Connection string, as psql takes it.", valueName: "url"))
    var url: String
    @Option(help: ArgumentHelp("File with a statement in each line.", valueName: "file"))
    var workload: String
    @Option(help: ArgumentHelp("How many clients, 1 to 200.", valueName: "number"))
    var connections = 16
    @Option(help: ArgumentHelp("Milliseconds that a client pauses between statements.", valueName: "ms"))
    var pause = 5
    @Option(help: ArgumentHelp("Role that the clients take on (SET ROLE).", valueName: "name"))
    var role: String?
    @Option(help: ArgumentHelp("End after this many seconds.", valueName: "number"))
    var seconds: Double?
    @Option(help: ArgumentHelp("End when this file exists.", valueName: "file"))
    var untilFile: String?
    @Option(help: ArgumentHelp("Its content names the phase that statements count for; may change.", valueName: "file"))
    var phaseFile: String?
    @Option(
        help: ArgumentHelp("Write the figures (JSON) here, at each change of phase and at the end.", valueName: "file"))
    var report: String?

    func validate() throws {
        guard 1...200 ~= connections else { throw ValidationError("--connections must be from 1 to 200") }
        guard 0...60_000 ~= pause else { throw ValidationError("--pause must be from 0 to 60000") }
        guard seconds != nil || untilFile != nil else { throw ValidationError("--seconds or --until-file is needed") }
    }

    func run() async throws {
        var options = Load.Options()
        options.connections = connections
        options.pause = .milliseconds(pause)
        options.role = role
        if let phase = phase() { options.firstPhase = phase }
        let settings = try ConnectionSettings(url)
        let interruption = Interruption()
        let load = try await Load.start(settings, try Workload(file: workload), options)
        try save(load)
        try await supervise(load, interruption)
        await load.stop()
        try save(load)
        let result = LoadReport(load.tally, connections: connections)
        print(result.text, terminator: "")
        if result.total.failed > 0 || result.connectionsLost > 0 { throw ExitCode.failure }
    }

    private func supervise(_ load: Load, _ interruption: Interruption) async throws {
        let deadline = seconds.map { ContinuousClock.now + .seconds($0) }
        let over = LoadSwitch()
        let watch = Task {
            await load.ended()
            over.turnOff()
        }
        defer { watch.cancel() }
        while !interruption.happened, !over.isOff {
            if let deadline, ContinuousClock.now >= deadline { return }
            if let untilFile, FileManager.default.fileExists(atPath: untilFile) { return }
            if let name = phase(), load.tally.begin(name) { try save(load) }
            try await Task.sleep(for: .milliseconds(25))
        }
    }

    private func save(_ load: Load) throws {
        guard let report else { return }
        try LoadReport(load.tally, connections: connections).write(to: report)
    }

    /// The first line of the phase file; nil when there is none.
    private func phase() -> String? {
        guard let phaseFile, let text = try? String(contentsOfFile: phaseFile, encoding: .utf8) else { return nil }
        return text.split(separator: "\n").first.map { String($0.prefix(40)) }
    }
}

/// Prints what `clients --report` wrote.
struct ShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Prints a report of the clients.")

    @Argument(help: "The file that clients --report wrote.")
    var file: String
    @Option(help: ArgumentHelp("Only this phase, in one sentence.", valueName: "name"))
    var phase: String?

    func run() throws {
        let report = try LoadReport.read(file)
        guard let phase else { return print(report.text, terminator: "") }
        guard let found = report.phases.first(where: { $0.name == phase }) else {
            throw BenchFailure("the report has no phase \(phase)")
        }
        print(found.sentence)
    }
}

/// Ctrl-C and SIGTERM end the measurement early, with its figures.
final class Interruption: Sendable {
    private let signalled = LoadSwitch()
    private nonisolated(unsafe) var sources: [any DispatchSourceSignal] = []

    init() {
        for number in [SIGINT, SIGTERM] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [signalled] in signalled.turnOff() }
            source.resume()
            sources.append(source)
        }
    }

    var happened: Bool { signalled.isOff }
}
