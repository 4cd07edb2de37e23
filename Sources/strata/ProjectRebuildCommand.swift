import ArgumentParser
import Engine
import EventStore
import Foundation
import Planning

struct ProjectRebuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Builds a read model anew beside the live one, compares both, and exchanges them.",
        discussion: """
            The live one is read and goes on all the while; the exchange is one short
            transaction. Killed at any point, the same command goes on. What was
            replaced is kept until drop-old, or --undo.

            Exit code 4 where the two are not the same; 5 where it was cut off.

            Examples:
              strata project rebuild animals
              strata project rebuild animals --expect-difference  # other statements
              strata project rebuild animals --undo
            """)

    @OptionGroup var global: GlobalOptions
    @Argument(help: "A projection of the layout.") var name: String
    @Flag(help: "Exchanges them also where the new one is not the same.") var expectDifference = false
    @Flag(help: "Drops what is replaced at once.") var dropOld = false
    @Flag(help: "Brings back what the last rebuild has replaced, with all that has come since.") var undo = false
    @Flag(help: "Gives up a rebuild that is under way, and drops what it has built.") var cancel = false

    @Option(help: ArgumentHelp("How long a statement may queue for a lock, 10ms to 60s.", valueName: "duration"))
    var lockTimeout = DurationArgument(.milliseconds(200))

    @Option(help: ArgumentHelp("How long it tries to get its locks, 0s to 7d.", valueName: "duration"))
    var lockWait = DurationArgument(.seconds(600))

    func validate() throws {
        if undo, cancel { throw ValidationError("--undo or --cancel, not both") }
        if undo || cancel, expectDifference || dropOld {
            throw ValidationError("--undo and --cancel take neither --expect-difference nor --drop-old")
        }
        guard (.milliseconds(10))...(.seconds(60)) ~= lockTimeout.duration else {
            throw ValidationError("--lock-timeout must be from 10ms to 60s")
        }
        guard lockWait.duration <= .seconds(7 * 86_400) else { throw ValidationError("--lock-wait must be at most 7d") }
    }

    private struct Answer: Encodable {
        var name: String
        var outcome: String
        var report: ReadModelReport?
    }

    func run() async throws {
        try await ProjectPlace.with(global, [name]) { place in
            let entry = place.entries[0]
            var options = ProjectionRebuild.Options()
            (options.expectsDifference, options.dropsOld) = (expectDifference, dropOld)
            (options.lockTimeout, options.lockWait) = (lockTimeout.duration, lockWait.duration)
            let progress = RebuildProgress(console: place.workplace.console)
            let rebuild = try ProjectionRebuild(
                entry.projection, reader: entry.reader, target: entry.target, options: options,
                report: progress.handle)
            do {
                if undo {
                    try await rebuild.undo()
                    try show("undone", nil, "What was live before the rebuild of \(name) is live again.\n", place)
                } else if cancel {
                    try await rebuild.cancel()
                    try show("cancelled", nil, "The rebuild of \(name) is given up; nothing of it is left.\n", place)
                } else {
                    let report = try await rebuild.run()
                    progress.finish()
                    let kept =
                        dropOld
                        ? "" : " What was live is kept: strata project drop-old \(name), or --undo brings it back."
                    let text = place.workplace.console.outputStyle.wrap(
                        "Read model \(name) is rebuilt and live.\(kept)", indentation: 0)
                    try show("rebuilt", report, text + "\n", place)
                }
            } catch RebuildRefusal.differs {
                progress.finish()
                try differs(progress.report, place)
            } catch is CancellationError {
                progress.finish()
                throw EngineFailure(
                    .resumable,
                    Diagnostic(
                        .error, "interrupted", "interrupted; the live read model \(name) is complete",
                        nextStep: "strata project rebuild \(name) goes on"))
            } catch {
                progress.finish()
                throw ProjectFailure.readable(error, of: name)
            }
        }
    }

    private func show(
        _ outcome: String, _ report: ReadModelReport?, _ text: String, _ place: ProjectPlace
    ) throws {
        let console = place.workplace.console
        switch global.format {
        case .json: console.output(try JSONOutput.text(Answer(name: name, outcome: outcome, report: report)))
        case .text: console.output((report.map { Self.text($0, console.outputStyle) } ?? "") + text)
        }
    }

    private func differs(_ report: ReadModelReport?, _ place: ProjectPlace) throws {
        let style = place.workplace.console.outputStyle
        let next =
            "Nothing was exchanged. Where that is what changed statements are to do: strata project rebuild \(name) --expect-difference. Else --cancel gives it up; columns that no event decides belong into `not_compared`."
        try show("differs", report, style.wrap(next, indentation: 0) + "\n", place)
        throw ExitCode.verificationDiffers
    }

    static func text(_ report: ReadModelReport, _ style: TextStyle) -> String {
        var table = TextTable([.left, .right, .right, .left])
        table.add(["TABLE", "LIVE", "REBUILT", "FOUND"])
        for found in report.tables {
            table.add([
                found.name, grouped(found.liveRows), grouped(found.rebuiltRows), found.isEqual ? "equal" : "differs",
            ])
        }
        var text = table.render(indentation: 0) + "\n"
        for found in report.tables {
            guard let difference = found.difference else { continue }
            text += style.wrap("\(found.name): \(Self.text(difference))", indentation: 2, first: 0) + "\n"
        }
        return text
    }

    private static func text(_ difference: ReadModelReport.Difference) -> String {
        var parts: [String] = []
        if difference.onlyLive > 0 { parts.append("\(counted(difference.onlyLive, "row")) only in the live one") }
        if difference.onlyRebuilt > 0 {
            parts.append("\(counted(difference.onlyRebuilt, "row")) only in the rebuilt one")
        }
        if difference.changed > 0 {
            let columns = difference.columns.sorted { $0.key < $1.key }.map { "\($0.key) (\(grouped($0.value)))" }
            parts.append("\(counted(difference.changed, "row")) in column \(columns.joined(separator: ", "))")
        }
        let examples = difference.examples.map { DiagnosticText.printable($0) }.joined(separator: ", ")
        return parts.joined(separator: "; ") + (examples.isEmpty ? "" : "; such as \(examples)")
    }
}

struct ProjectDropOldCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drop-old",
        abstract: "Drops what the last rebuild of a read model has replaced.",
        discussion: "Example:\n  strata project drop-old animals")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "A projection of the layout.") var name: String

    func run() async throws {
        try await ProjectPlace.with(global, [name]) { place in
            let entry = place.entries[0]
            let progress = RebuildProgress(console: place.workplace.console)
            do {
                try await ProjectionRebuild(
                    entry.projection, reader: entry.reader, target: entry.target, report: progress.handle
                ).dropOld()
            } catch { throw ProjectFailure.readable(error, of: name) }
            switch global.format {
            case .json: place.workplace.console.output(try JSONOutput.text(["name": name, "outcome": "dropped"]))
            case .text: place.workplace.console.output("What the last rebuild of \(name) had replaced is gone.\n")
            }
        }
    }
}
