import ArgumentParser
import Engine

struct ReverseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reverse",
        abstract: "Brings a switched schema back to the main database, with all that was written since.",
        discussion: """
            The same as strata switch, in the other direction.

            Examples:
              strata reverse audit --dry-run
              strata reverse audit
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var arguments: SwitchArguments

    func run() async throws { try await arguments.run(.back, global) }
}
