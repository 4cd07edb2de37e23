import ArgumentParser

/// Moves a schema to a database of its own.
struct SplitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "split",
        abstract: "Move a schema to a database of its own while the application goes on.",
        discussion: """
            The layout says where the schema goes (schemas.NAME.database). strata plan shows what crosses the cut.

            Examples:
              strata split observe           # what crosses the cut, from live traffic
              strata split keys replace audit
              strata split copies make
              strata split audit             # copies it, and keeps the copy up to date
              strata split status
              strata split diff audit        # every row on both sides
              strata split cancel audit      # both databases are as they were
            """,
        subcommands: [
            SplitStartCommand.self, SplitStatusCommand.self, SplitDiffCommand.self, SplitCancelCommand.self,
            SplitKeysCommand.self, SplitCopiesCommand.self, SplitForeignCommand.self, SplitObserveCommand.self,
        ],
        defaultSubcommand: SplitStartCommand.self)
}
