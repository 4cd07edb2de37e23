import ArgumentParser

/// `strata import …`: applications that come from elsewhere.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Brings another database's tables into PostgreSQL.",
        discussion: """
            Example:
              strata import sqlite app.db --review
            """,
        subcommands: [ImportSQLiteCommand.self])
}
