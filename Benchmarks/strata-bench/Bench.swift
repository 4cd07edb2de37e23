import ArgumentParser

/// Measures Strata beside what people would do without it; prints figures, asserts nothing.
@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "strata-bench",
        abstract: "Measures Strata beside what people would do without it. scripts/bench runs all of it.",
        subcommands: [
            ClientsCommand.self, ShowCommand.self, MovesCommand.self, ScaleCommand.self, ApplyCommand.self,
            StagesCommand.self, ProxyCommand.self, SplitCommand.self, EventsCommand.self, ImportCommand.self,
            ResultsCommand.self,
        ])
}
