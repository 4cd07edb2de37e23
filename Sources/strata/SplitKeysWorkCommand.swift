import ArgumentParser
import Engine
import Planning

extension SplitKeysCommand {
    struct Work: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "work",
            abstract: "Does to children what was written down of their parents, until it is stopped.",
            discussion: """
                It may be killed at any time and run several times at once: what was not finished is done again, and
                doing it twice changes nothing more.

                Examples:
                  strata split keys work
                  strata split keys work --once    # until nothing is left to do; 5 where something failed
                """)

        @OptionGroup var global: GlobalOptions

        @Flag(help: "End when the queue is empty; exit with 5 if something failed and waits to be tried again.")
        var once = false

        func run() async throws {
            let workplace = Workplace(global)
            let layout = try workplace.layout()
            let databases = try await workplace.looseKeyDatabases(layout, command: "split keys work")
            // Before anything else: a URL that is wrong is not to be tried for ever.
            _ = try await databases.connection(to: layout.mainDatabase)
            let progress = LooseKeyWorkProgress(console: workplace.console)
            let worker = LooseKeyWorker(databases, report: progress.handle)
            if once {
                let tally = try await worker.runOnce()
                let status = try await LooseKeyStatus.read(databases)
                await databases.close()
                return try finish(tally, failing: status.keys.reduce(0) { $0 + $1.failing }, progress, workplace)
            }
            do {
                try await worker.run()
            } catch is CancellationError {
                await databases.close()
                try finish(progress.tally, failing: 0, progress, workplace)
            }
        }

        private func finish(
            _ tally: LooseKeyWorker.Tally, failing: Int, _ progress: LooseKeyWorkProgress, _ workplace: Workplace
        ) throws {
            progress.finish()
            switch global.format {
            case .json:
                workplace.console.output(
                    "{\"entries\":\(tally.entries),\"failing\":\(failing),\"returned\":\(tally.returned),\"rows\":\(tally.rows)}\n"
                )
            case .text:
                workplace.console.output(
                    "\(counted(tally.entries, "entry", "entries")) done, \(counted(tally.rows, "row")) changed.\n")
            }
            guard failing > 0 else { return }
            throw EngineFailure(
                .resumable,
                Diagnostic(
                    .error, "entries-failing",
                    "\(counted(failing, "entry", "entries")) could not be done and will be tried again",
                    nextStep: "strata split keys shows the errors"))
        }
    }
}
