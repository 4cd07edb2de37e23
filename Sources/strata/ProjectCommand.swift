import ArgumentParser
import Engine
import EventStore
import Foundation
import Planning

/// Read models from streams: docs/events.md.
struct ProjectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "project",
        abstract: "Runs the layout's projections: read models made of streams of events.",
        discussion: """
            Each event changes a read model once, whatever is killed when. SIGINT and
            SIGTERM end it after the transactions that are under way.

            Examples:
              strata project                   # all of them, until it is interrupted
              strata project animals --once    # to the present end of the stream
              strata project status
              strata project rebuild animals   # beside the live one, compared, exchanged
            """,
        subcommands: [
            Run.self, ProjectStatusCommand.self, ProjectRebuildCommand.self, ProjectDropOldCommand.self,
        ], defaultSubcommand: Run.self)

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "run", abstract: "Runs projections forward (the default).",
            discussion: """
                Several processes may be started for one projection: one works, the others
                take over when it ends. Exit code 5 where one has stopped at an event.

                Examples:
                  strata project run animals
                  strata project run --once --format json
                """)

        @OptionGroup var global: GlobalOptions
        @Argument(help: "Projections of the layout; all of them unless given.") var names: [String] = []
        @Flag(help: "To the present ends of the streams, then it ends.") var once = false

        @Option(help: ArgumentHelp("How many work at the same time, 1 to 64.", valueName: "number"))
        var jobs = 4

        func validate() throws {
            guard 1...64 ~= jobs else { throw ValidationError("--jobs must be from 1 to 64") }
        }

        func run() async throws {
            try await ProjectPlace.with(global, names) { place in
                let progress = ProjectProgress(console: place.workplace.console)
                let runners = place.entries.map {
                    ProjectionRunner($0.projection, reader: $0.reader, target: $0.target)
                }
                let outcomes =
                    once
                    ? await ProjectionLoop(watch: nil, jobs: jobs, report: progress.handle).run(runners)
                    : await follow(place, runners, progress)
                progress.finish()
                let shown = place.entries.map { Shown($0, progress.progress, outcomes) }
                switch global.format {
                case .json: place.workplace.console.output(try JSONOutput.text(shown))
                case .text: place.workplace.console.output(shown.map(\.text).joined())
                }
                try Self.check(outcomes)
            }
        }

        /// One watch for each store.
        private func follow(
            _ place: ProjectPlace, _ runners: [ProjectionRunner], _ progress: ProjectProgress
        ) async -> [String: ProjectionLoop.Outcome] {
            let stores = Dictionary(grouping: zip(place.entries, runners), by: { $0.0.store.schema.name })
            return await withTaskGroup(of: [String: ProjectionLoop.Outcome].self) { group in
                var watches: [Task<Void, Never>] = []
                for entries in stores.values {
                    let store = entries[0].0.store
                    let watch = StreamWatch(store.settings, schema: store.schema)
                    watches.append(Task { await watch.run() })
                    let loop = ProjectionLoop(watch: watch, jobs: jobs, report: progress.handle)
                    let runners = entries.map(\.1)
                    group.addTask { await loop.run(runners) }
                }
                var outcomes: [String: ProjectionLoop.Outcome] = [:]
                for await some in group { outcomes.merge(some) { $1 } }
                for watch in watches { watch.cancel() }
                return outcomes
            }
        }

        /// What cannot go on by itself decides the exit code: 1 before 5.
        private static func check(_ outcomes: [String: ProjectionLoop.Outcome]) throws {
            var failure: EngineFailure?
            for (name, outcome) in outcomes.sorted(by: { $0.key < $1.key }) {
                let error: any Error
                switch outcome {
                case .done: continue
                case .stopped(let stop): error = ProjectFailure.readable(stop, of: name)
                case .failed(let reason): error = ProjectFailure.readable(reason, of: name)
                }
                let (diagnostics, code) = Failure.describe(error)
                var next = failure ?? EngineFailure(.resumable)
                next.diagnostics += diagnostics
                if code != .stoppedResumable { next.kind = .failed }
                failure = next
            }
            if let failure { throw failure }
        }
    }

    struct Shown: Encodable {
        enum State: String, Encodable { case done, stopped, failed }

        var name: String
        var state: State
        var position: Int
        var lastPosition: Int
        /// Done by this command.
        var events: Int
        var deadLetters: Int

        init(
            _ entry: ProjectPlace.Entry, _ progress: [String: ProjectionRunner.Progress],
            _ outcomes: [String: ProjectionLoop.Outcome]
        ) {
            name = entry.projection.name
            state =
                switch outcomes[name] {
                case .done, nil: .done
                case .stopped: .stopped
                case .failed: .failed
                }
            let found = progress[name]
            position = found?.position ?? 0
            lastPosition = max(found?.lastPosition ?? entry.stream.lastPosition, position)
            (events, deadLetters) = (found?.events ?? 0, found?.deadLetters ?? 0)
        }

        var text: String {
            let letters = deadLetters == 0 ? "" : ", \(counted(deadLetters, "dead letter"))"
            return
                "\(name): position \(grouped(position)) of \(grouped(lastPosition)), \(counted(events, "event")) done\(letters)\n"
        }
    }
}
