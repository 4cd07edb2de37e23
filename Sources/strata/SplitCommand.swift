import ArgumentParser

/// Moves a schema to a database of its own.
struct SplitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "split",
        abstract: "Move a schema to a database of its own while the application goes on.",
        subcommands: [SplitObserveCommand.self])
}
