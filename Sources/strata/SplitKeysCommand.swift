import ArgumentParser
import Engine
import Foundation
import Planning
import PostgresDriver

/// Loose keys: what takes the place of foreign keys over two databases.
struct SplitKeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Loose keys in place of foreign keys that would cross databases.",
        discussion: """
            A trigger beside the parent writes down what is deleted there, and a worker deletes the children, or sets them
            NULL, in whichever database they are.

            Examples:
              strata split keys                  # what there is, and how far the worker is
              strata split keys replace audit    # put them in the place of the real keys
              strata split keys work             # do what was written down, until it is stopped
              strata split keys restore audit    # the way back
            """,
        subcommands: [List.self, Replace.self, Restore.self, Work.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Shows every loose key: what it does, its state, what waits in its queue and for how long.",
            discussion: """
                Examples:
                  strata split keys list
                  strata split keys list --format json
                """)

        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let workplace = Workplace(global)
            let databases = try await workplace.looseKeyDatabases(try workplace.layout(), command: "split keys")
            let status = try await LooseKeyStatus.read(databases)
            await databases.close()
            for (name, reason) in status.unreachable.sorted(by: { $0.key < $1.key }) {
                workplace.console.report([
                    Diagnostic(
                        .warning, "database-unreachable", "database \(name) was not looked at: \(reason)",
                        nextStep: "its queue may hold more than is shown")
                ])
            }
            let output = LooseKeyOutput(status: status)
            workplace.console.output(
                try global.format == .json ? output.json() : output.text(workplace.console.outputStyle))
        }
    }

    struct Replace: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "replace",
            abstract:
                "Puts loose keys in the place of foreign keys that cross the cut, without losing anything between.",
            discussion: """
                First triggers write down what happens to the parents, then every row is looked at, and only where all of
                them have their parents the real keys are dropped. Stopped at any point, the same command goes on.

                Examples:
                  strata split keys replace              # for all schemas that leave the main database
                  strata split keys replace audit --yes
                """)

        @OptionGroup var global: GlobalOptions
        @OptionGroup var locks: SplitLockOptions

        @Argument(help: "A schema that the layout places on another database; all of them unless given.")
        var schema: String?

        @Flag(name: .shortAndLong, help: "Do not ask.")
        var yes = false

        func run() async throws {
            let workplace = Workplace(global)
            let layout = try workplace.layout()
            let databases = try await workplace.looseKeyDatabases(layout, command: "split keys")
            let main = try await workplace.mainConnection(databases, layout)
            let records = try await LooseKeyStatus.read(databases).keys.map(\.record)
            let known = Dictionary(records.map { ($0.key.name, $0.key) }) { first, _ in first }
            let loose = Set(records.filter { $0.state == .loose }.map(\.key.name))
            let keys = try LooseKeyPlanner.keys(
                layout, try await CatalogReader.read(main), of: schema, known: known)
            // Also those of which the layout now says something else.
            let open = keys.filter { key in
                key.constraint != nil || !loose.contains(key.name) || known[key.name]?.onDelete != key.onDelete
                    || known[key.name]?.onUpdate != key.onUpdate
            }
            guard !open.isEmpty else {
                await databases.close()
                workplace.console.output(
                    global.format == .json
                        ? "{\"replaced\":[]}\n" : "Nothing to replace: no foreign key crosses the cut.\n")
                return
            }
            let list = open.map { LooseKeyOutput.line($0) }.joined(separator: "\n")
            if !yes && workplace.console.inputIsTerminal {
                workplace.console.error(list + "\n")
                let question = "Replace \(counted(open.count, "foreign key")) by loose keys?"
                guard workplace.console.confirm(question) else {
                    await databases.close()
                    return workplace.say("nothing was changed")
                }
            }
            let progress = LooseKeyProgress(console: workplace.console, quiet: global.format == .json)
            let replacement = LooseKeyReplacement(databases, options: locks.options, report: progress.handle)
            let replaced = try await Applier(main).exclusively { applier in
                try await Self.refuseOpenRun(applier)
                return try await replacement.replace(open)
            }
            await databases.close()
            progress.finish()
            let done = Set(replaced)
            let changed = open.map(\.name).filter { !done.contains($0) }
            let text = [
                replaced.isEmpty
                    ? nil
                    : "Replaced \(counted(replaced.count, "foreign key")) by \(replaced.count == 1 ? "a loose one" : "loose ones").",
                changed.isEmpty
                    ? nil
                    : "Changed what \(counted(changed.count, "loose key")) \(changed.count == 1 ? "does" : "do").",
            ]
            let names = ["replaced": replaced].merging(changed.isEmpty ? [:] : ["changed": changed]) { first, _ in first
            }
            try Self.report(names, workplace, global.format, text.compactMap(\.self).joined(separator: " ")) {
                "try: keep the worker running from now on: strata split keys work"
            }
        }

        /// Its steps compare the catalog with the one at its start.
        static func refuseOpenRun(_ applier: Applier) async throws {
            guard let run = try await applier.ledger.openRun() else { return }
            throw EngineFailure(
                .failed,
                Diagnostic(
                    .error, "run-unfinished", "run \(run.id) (\(run.kind)) is not finished", object: "run \(run.id)",
                    nextStep: "finish it (strata \(run.kind)) or undo it (strata rollback) first"))
        }

        static func report(
            _ names: [String: [String]], _ workplace: Workplace, _ format: OutputFormat, _ text: String,
            next: () -> String
        ) throws {
            guard format == .text else {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
                let json = String(decoding: try encoder.encode(names), as: UTF8.self)
                return workplace.console.output(json + "\n")
            }
            workplace.console.output(names.values.joined().sorted().map { "\($0)\n" }.joined() + text + "\n")
            workplace.say(next())
        }
    }

    struct Restore: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "restore",
            abstract: "Makes the real keys again and takes the loose ones away, where both tables are in one database.",
            discussion: """
                What waits in the queue is done first. The real key is made without looking at the rows and made valid
                afterwards, so that nobody waits for it.

                Examples:
                  strata split keys restore
                  strata split keys restore audit --yes
                """)

        @OptionGroup var global: GlobalOptions
        @OptionGroup var locks: SplitLockOptions

        @Argument(help: "A schema with one end of the keys; all keys unless given.")
        var schema: String?

        @Flag(name: .shortAndLong, help: "Do not ask.")
        var yes = false

        func run() async throws {
            let workplace = Workplace(global)
            let layout = try workplace.layout()
            let databases = try await workplace.looseKeyDatabases(layout, command: "split keys")
            let main = try await workplace.mainConnection(databases, layout)
            let progress = LooseKeyProgress(console: workplace.console, quiet: global.format == .json)
            let restoration = LooseKeyRestoration(databases, options: locks.options, report: progress.handle)
            let records = try await restoration.candidates(of: schema)
            guard !records.isEmpty else {
                await databases.close()
                workplace.console.output(
                    global.format == .json ? "{\"restored\":[]}\n" : "Nothing to restore: there is no loose key.\n")
                return
            }
            if !yes && workplace.console.inputIsTerminal {
                workplace.console.error(records.map { LooseKeyOutput.line($0.key) }.joined(separator: "\n") + "\n")
                let question = "Take away \(counted(records.count, "loose key")) and make the real ones again?"
                guard workplace.console.confirm(question) else {
                    await databases.close()
                    return workplace.say("nothing was changed")
                }
            }
            try await Applier(main).exclusively { applier in
                try await Replace.refuseOpenRun(applier)
                try await restoration.restore(records)
            }
            await databases.close()
            progress.finish()
            try Replace.report(
                ["restored": records.map(\.key.name)], workplace, global.format,
                "Restored \(counted(records.count, "foreign key"))."
            ) { "strata split keys shows what is left" }
        }
    }
}

/// How long a change of keys may wait for its locks.
struct SplitLockOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How long a statement may queue for a lock, 10ms to 60s.", valueName: "duration"))
    var lockTimeout = DurationArgument(.milliseconds(200))

    @Option(
        help: ArgumentHelp(
            "How long each change is tried before the command stops, resumable, 0s to 7d.", valueName: "duration"))
    var lockWait = DurationArgument(.seconds(600))

    func validate() throws {
        guard (.milliseconds(10))...(.seconds(60)) ~= lockTimeout.duration else {
            throw ValidationError("--lock-timeout must be from 10ms to 60s")
        }
        guard lockWait.duration <= .seconds(7 * 86_400) else { throw ValidationError("--lock-wait must be at most 7d") }
    }

    var options: RunOptions {
        var options = RunOptions()
        options.lockTimeout = lockTimeout.duration
        options.patienceWithHolders = lockTimeout.duration
        options.lockWaitLimit = lockWait.duration
        return options
    }
}

extension Workplace {
    /// All databases of the layout; of those that cannot be reached, why is said where it matters.
    func looseKeyDatabases(_ layout: Layout, command: String) async throws -> LooseKeyDatabases {
        var sites = [LooseKeyDatabases.Site(name: layout.mainDatabase, settings: .success(try await settings(layout)))]
        for database in layout.databases.dropFirst() {
            let settings: Result<ConnectionSettings, DiagnosticsError>
            do {
                settings = .success(try self.settings(ofOther: database, database.name))
            } catch let error as DiagnosticsError {
                settings = .failure(error)
            }
            sites.append(.init(name: database.name, settings: settings))
        }
        return LooseKeyDatabases(sites, command: command)
    }

    /// The session that holds the run lock.
    func mainConnection(_ databases: LooseKeyDatabases, _ layout: Layout) async throws -> Connection {
        try await databases.connection(to: layout.mainDatabase, .queue)
    }
}
