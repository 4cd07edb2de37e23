import ArgumentParser
import EventStore
import Foundation
import Planning
import PostgresDriver
import Synchronization

struct EventsArchiveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "archive",
        abstract: "Moves whole partitions whose time is over into files, and drops them once those are verified.",
        discussion: """
            Examples:
              strata events archive --older-than 90d --to /archive/events --dry-run
              strata events archive --older-than 90d --to /archive/events
              strata events archive verify /archive/events
              strata events archive restore /archive/events/events_2026_08.jsonl \\
                --into old.august
            """,
        subcommands: [
            EventsArchiveRunCommand.self, EventsArchiveListCommand.self, EventsArchiveVerifyCommand.self,
            EventsArchiveRestoreCommand.self,
        ], defaultSubcommand: EventsArchiveRunCommand.self)
}

struct EventsArchiveRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Archives what is over: the default.",
        discussion: """
            A partition goes when its end is so long ago, and no stream in it is kept
            longer (strata events retain). Killed at any point, the same call goes on. A
            partition whose events a consumer group has not done yet stays, unless you say
            --leave-behind: such a group then gets EV416 and has to seek.

            Examples:
              strata events archive --older-than 90d --to /archive/events --dry-run
              strata events archive --to /archive/events
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var store: EventStoreOptions

    @Option(
        help: ArgumentHelp(
            "The age of a partition's end; unless given, what strata events retain has declared counts alone.",
            valueName: "duration"))
    var olderThan: DurationArgument?

    @Option(help: ArgumentHelp("The folder; made where it is missing.", valueName: "folder")) var to: String
    @Flag(help: "Shows what would go, and what keeps the rest.") var dryRun = false
    @Flag(help: "Keeps each table, no partition any more, until somebody drops it.") var keepTable = false
    @Flag(help: "Archives also what consumer groups have not done yet.") var leaveBehind = false

    @Option(help: ArgumentHelp("How long appends may wait for us at a time, 10ms to 10s.", valueName: "duration"))
    var lockTimeout = DurationArgument(.milliseconds(200))

    @Option(help: ArgumentHelp("How long locks are tried for, 0s to 7d.", valueName: "duration"))
    var lockWait = DurationArgument(.seconds(600))

    func validate() throws {
        guard (.milliseconds(10))...(.seconds(10)) ~= lockTimeout.duration else {
            throw ValidationError("--lock-timeout must be from 10ms to 10s")
        }
        guard lockWait.duration <= .seconds(7 * 86_400) else { throw ValidationError("--lock-wait must be at most 7d") }
        guard !to.isEmpty else { throw ValidationError("--to names a folder") }
    }

    private struct Shown: Encodable {
        struct Partition: Encodable {
            var name: String
            var from: String
            var until: String
            var bytes: Int
            var streams: Int
            var isDue: Bool
            var isOldEnough: Bool
            var keptBy: [ArchivePlan.Hold]
            var behind: [ArchivePlan.Behind]
        }

        var partitions: [Partition]
        var unfinished: [String]
        var archived: [EventManifest]
    }

    func run() async throws {
        try await EventPlace.with(global, store) { place in
            let connection = try await Connection.open(place.settings)
            do {
                try await archive(place, connection)
            } catch is CancellationError {
                await connection.close()
                place.workplace.say("Interrupted; nothing is lost. Run the same again: it goes on.")
                throw ExitCode.stoppedResumable
            } catch let problem as EventStoreProblem where problem.code == "resumable" {
                await connection.close()
                place.workplace.console.report([
                    Diagnostic(.error, problem.code, problem.message, nextStep: problem.nextStep)
                ])
                throw ExitCode.stoppedResumable
            } catch {
                await connection.close()
                throw error
            }
            await connection.close()
        }
    }

    private func archive(_ place: EventPlace, _ connection: Connection) async throws {
        let age = olderThan?.duration
        if dryRun {
            return try show(try await ArchivePlan(place.schema, olderThan: age, on: connection), [], place)
        }
        var options = PartitionArchive.Options()
        (options.keepsTable, options.leavesBehind) = (keepTable, leaveBehind)
        (options.lockTimeout, options.lockWait) = (lockTimeout.duration, lockWait.duration)
        let workplace = place.workplace
        let waits = WaitNotes()
        let archive = try await PartitionArchive(place.schema, on: connection, to: ArchiveFolder(to), options) {
            partition, step in
            if case .waiting = step, !waits.isDue() { return }
            workplace.say("\(partition): \(Self.text(step))")
        }
        // Read behind the archive's lock: what another one has done meanwhile is done.
        let plan = try await ArchivePlan(place.schema, olderThan: age, on: connection)
        let (manifests, letters) = try await archive.run(plan)
        if letters > 0 { workplace.say("\(letters) resolved or discarded dead letters of archived events are gone.") }
        try show(plan, manifests, place)
    }

    private static func text(_ step: PartitionArchive.Step) -> String {
        switch step {
        case .exported(let manifest): "\(grouped(manifest.events)) events are in \(manifest.file)"
        case .waiting(let reason): "waiting, \(reason)"
        case .detached(let table): "no partition any more, now the table \(table)"
        case .verified(let manifest): "the file has what the table has, SHA-256 \(manifest.sha256.prefix(16))…"
        case .settled: "done"
        }
    }

    private func show(_ plan: ArchivePlan, _ manifests: [EventManifest], _ place: EventPlace) throws {
        let due = Set(plan.due.map(\.name))
        guard global.format == .text else {
            let partitions = plan.partitions.map {
                Shown.Partition(
                    name: $0.name, from: UTCText.text($0.from), until: UTCText.text($0.until), bytes: $0.bytes,
                    streams: $0.streams, isDue: due.contains($0.name), isOldEnough: $0.isOldEnough, keptBy: $0.holds,
                    behind: $0.behind)
            }
            return place.workplace.console.output(
                try JSONOutput.text(
                    Shown(
                        partitions: partitions, unfinished: plan.unfinished.map(\.table), archived: manifests)))
        }
        if !dryRun {
            let events = manifests.reduce(0) { $0 + $1.events }
            place.workplace.console.output(
                manifests.isEmpty
                    ? "Nothing is over: --dry-run shows what keeps what.\n"
                    : "Archived: \(manifests.count) partitions with \(grouped(events)) events, in \(to)\n")
            return
        }
        var lines: [String] = plan.unfinished.map { "\($0.table)  goes on: an earlier call has detached it" }
        for partition in plan.partitions { lines += Self.lines(partition, isDue: due.contains(partition.name)) }
        place.workplace.console.output(
            lines.isEmpty ? "No partition has ended yet.\n" : lines.joined(separator: "\n") + "\n")
    }

    private static func lines(_ partition: ArchivePlan.Partition, isDue: Bool) -> [String] {
        let size = "\(partition.streams) streams, about \(grouped(partition.bytes / 1024)) KiB"
        let state = state(of: partition, isDue: isDue)
        var lines = ["\(partition.name)  \(state)  (\(size))"]
        for hold in partition.holds {
            let until = hold.until.map { "until \(EventText.time($0))" } ?? "for ever"
            lines.append(
                "    kept \(until) by stream \(DiagnosticText.printable(hold.stream)) of \(DiagnosticText.printable(hold.organization))"
            )
        }
        for group in partition.behind {
            lines.append(
                "    group \(DiagnosticText.printable(group.group)) of \(DiagnosticText.printable(group.stream)) stands at \(group.position) of \(group.needed)"
            )
        }
        return lines
    }

    private static func state(of partition: ArchivePlan.Partition, isDue: Bool) -> String {
        if isDue { return partition.behind.isEmpty ? "goes" : "waits for its groups, or --leave-behind" }
        if partition.isDue { return "stays: one before it does" }
        return partition.isOldEnough ? "stays" : "is too young"
    }
}

/// Says that something waits at once, and then every ten seconds.
private final class WaitNotes: Sendable {
    private let last = Mutex<ContinuousClock.Instant?>(nil)

    func isDue() -> Bool {
        last.withLock { last in
            if let last, .now - last < .seconds(10) { return false }
            last = .now
            return true
        }
    }
}
