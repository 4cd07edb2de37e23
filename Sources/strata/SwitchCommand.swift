import ArgumentParser
import Engine

struct SwitchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "switch",
        abstract: "Makes the database that a schema was copied to its home, while the application goes on.",
        discussion: """
            Statements that touch the schema wait until it is done, or until the time is over: then nothing has changed.
            Killed at any point, the same command finishes or undoes it.

            Examples:
              strata switch audit --dry-run
              strata switch audit
              strata switch audit --budget 2 --end-transactions
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var arguments: SwitchArguments

    func run() async throws { try await arguments.run(.out, global) }
}
