import ArgumentParser
import EventStore
import Foundation
import Planning
import PostgresDriver

struct ProjectStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows where projections stand: position, lag, what they have stopped at, rebuilds.",
        discussion: """
            Examples:
              strata project status
              strata project status animals --format json
            """)

    @OptionGroup var global: GlobalOptions
    @Argument(help: "Projections of the layout; all of them unless given.") var names: [String] = []

    struct Shown: Encodable {
        enum State: String, Encodable {
            /// A process is at work with it.
            case running
            /// It goes on when somebody runs it.
            case idle
            /// It stands before an event that it cannot do.
            case stopped
            /// It has never run.
            case new
        }

        struct Rebuild: Encodable {
            var stage: RebuildRecord.Stage
            var isRunning: Bool
            /// ISO 8601, UTC.
            var startedAt: String
            var swappedAt: String?
            /// Of what is being built, or of what is kept.
            var position: Int?
            var report: ReadModelReport?
        }

        var name: String
        var stream: String
        var state: State
        var position: Int
        var lag: Int
        var deadLetters: Int
        var error: String?
        var updatedAt: String?
        var rebuild: Rebuild?

        init(_ entry: ProjectPlace.Entry, _ status: ProjectionStatus?) {
            (name, stream) = (entry.projection.name, entry.stream.name)
            let live = status?.copies[.live]
            position = live?.position ?? 0
            lag = max(0, entry.stream.lastPosition - position)
            (deadLetters, error, updatedAt) = (
                live?.deadLetters ?? 0, live?.error, live?.updatedAt.ISO8601Format()
            )
            state =
                if live?.isStopped == true { .stopped } else if status?.isRunning == true { .running } else {
                    live == nil ? .new : .idle
                }
            guard let status, let record = status.rebuild else { return }
            let copy: ProjectionCopy = record.stage == .projecting ? .next : .old
            rebuild = Rebuild(
                stage: record.stage, isRunning: status.isRebuilding, startedAt: record.startedAt.ISO8601Format(),
                swappedAt: record.swappedAt?.ISO8601Format(), position: status.copies[copy]?.position,
                report: record.report)
        }
    }

    func run() async throws {
        try await ProjectPlace.with(global, names) { place in
            var shown: [Shown] = []
            for entry in place.entries {
                let connection = try await Connection.open(entry.target)
                do {
                    let status = try await ProjectionStatus.read([entry.projection.name], on: connection).first
                    shown.append(Shown(entry, status))
                } catch {
                    await connection.close()
                    throw error
                }
                await connection.close()
            }
            switch global.format {
            case .json: place.workplace.console.output(try JSONOutput.text(shown))
            case .text: place.workplace.console.output(Self.text(shown, place.workplace.console.outputStyle))
            }
        }
    }

    static func text(_ shown: [Shown], _ style: TextStyle) -> String {
        var table = TextTable([.left, .left, .left, .right, .right, .right])
        table.add(["PROJECTION", "STREAM", "STATE", "POSITION", "LAG", "DEAD"])
        for status in shown {
            table.add([
                status.name, DiagnosticText.printable(status.stream), status.state.rawValue, grouped(status.position),
                grouped(status.lag), grouped(status.deadLetters),
            ])
        }
        var text = table.render(indentation: 0) + "\n"
        for status in shown { for note in notes(status) { text += style.wrap(note, indentation: 2, first: 0) + "\n" } }
        return text
    }

    private static func notes(_ status: Shown) -> [String] {
        let name = status.name
        var notes: [String] = []
        if let error = status.error {
            notes.append(
                "\(name) stands before \(error): mend the statement file or the read model, then strata project \(name)"
            )
        }
        if status.deadLetters > 0 {
            notes.append(
                "\(name) lacks \(counted(status.deadLetters, "event")): strata events dead list \(status.stream) projection:\(name)"
            )
        }
        guard let rebuild = status.rebuild else { return notes }
        let command = "strata project rebuild \(name)"
        switch rebuild.stage {
        case .projecting:
            let done = grouped(rebuild.position ?? 0)
            if rebuild.isRunning {
                notes.append("\(name) is being rebuilt, position \(done)")
            } else if let report = rebuild.report, !report.isEqual {
                notes.append(
                    "the rebuild of \(name) waits at position \(done), for it is not the same as the live read model: \(command) shows where, --expect-difference goes on, --cancel gives it up"
                )
            } else {
                notes.append(
                    "a rebuild of \(name) was cut off at position \(done): \(command) goes on, \(command) --cancel gives it up"
                )
            }
        case .swapped:
            notes.append(
                "the last rebuild of \(name) keeps what it has replaced: strata project drop-old \(name), or \(command) --undo"
            )
        case .undone:
            notes.append(
                "the last rebuild of \(name) is undone, and what it had built is kept: strata project drop-old \(name)")
        }
        return notes
    }
}
