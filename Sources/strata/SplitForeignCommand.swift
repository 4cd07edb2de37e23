import ArgumentParser
import Engine
import Foundation
import Planning
import PostgresDriver

/// Schemas of the main database that read tables of another one.
struct SplitForeignCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "foreign",
        abstract: "Foreign tables in the main database, for joins with what lives in another one.",
        discussion: """
            The layout says which (foreign_tables:). They are read-only, and read the other database at each use.

            Examples:
              strata split foreign                   # what there is
              strata split foreign make              # all that the layout declares; again after definitions changed
              strata split foreign drop far_audit    # both databases are as they were
            """,
        subcommands: [List.self, Make.self, Drop.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract:
                "Shows every schema of foreign tables, and whether its definitions are still those of the tables.",
            discussion: """
                Examples:
                  strata split foreign list
                  strata split foreign list --format json
                """)

        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let workplace = Workplace(global)
            let layout = try workplace.layout()
            let main = try await workplace.connect(layout, command: "split foreign")
            var others: [String: Connection] = [:]
            for database in layout.databases.dropFirst() {
                guard let settings = try? workplace.settings(ofOther: database, database.name) else { continue }
                others[database.name] = try? await Connection.open(settings.settings(["connect_timeout": "5"]))
            }
            let found: Result<[ForeignStatus], any Error>
            do {
                found = .success(try await ForeignStatus.read(layout, main: main, others: others))
            } catch {
                found = .failure(error)
            }
            for connection in others.values { await connection.close() }
            await main.close()
            let status = try found.get()
            switch global.format {
            case .json: workplace.console.output(try JSONOutput.text(status))
            case .text: workplace.console.output(Self.text(status, workplace.console.outputStyle))
            }
        }

        static func text(_ schemas: [ForeignStatus], _ style: TextStyle) -> String {
            guard !schemas.isEmpty else { return "No foreign tables. The layout declares them: `foreign_tables:`.\n" }
            var table = TextTable([.left, .left, .left, .left, .right])
            table.add(["SCHEMA", "READS", "IN", "STATE", "TABLES"])
            for schema in schemas {
                table.add([schema.schema, schema.source, schema.database, schema.state, String(schema.tables.count)])
            }
            var text = table.render(indentation: 0) + "\n"
            for schema in schemas {
                if let error = schema.error {
                    text += style.wrap("\(schema.schema): \(error)", indentation: 2, first: 0) + "\n"
                }
                for warning in schema.warnings {
                    let line = "\(schema.schema): \(warning)"
                    text +=
                        style.marked(style.yellow("warning: "), width: 9, line)
                }
            }
            return text
        }
    }

    struct Make: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "make",
            abstract: "Makes the foreign tables that the layout declares, or brings them up to date.",
            discussion: """
                Stopped at any point, the same command goes on.

                Examples:
                  strata split foreign make
                  strata split foreign make far_audit
                """)

        @OptionGroup var global: GlobalOptions

        @Argument(help: "A schema of `foreign_tables`; all of them unless given.")
        var schema: String?

        func run() async throws {
            let workplace = Workplace(global)
            let layout = try workplace.layout()
            let main = try await workplace.settings(layout)
            let entries = layout.foreignTables.filter { schema == nil || $0.schema == schema }
            if let schema, entries.isEmpty {
                throw DiagnosticsError(
                    Diagnostic(
                        .error, "no-foreign-schema", "the layout declares no foreign tables in schema \(schema)",
                        nextStep: "foreign_tables: [{ schema: \(schema), of: NAME }]"))
            }
            var made: [String: [String]] = [:]
            for entry in entries {
                let other = try workplace.settings(
                    ofOther: layout.databases.first { $0.name == entry.database }, entry.database)
                let foreign = ForeignTables(main: main, other: other) { workplace.say("note: \($0)") }
                made[entry.schema] = try await foreign.make(entry).tables
            }
            switch global.format {
            case .json: workplace.console.output(try JSONOutput.text(made))
            case .text:
                let lines = made.sorted { $0.key < $1.key }.map { schema, tables in
                    "Schema \(schema) reads \(counted(tables.count, "table")): \(tables.joined(separator: ", ")).\n"
                }
                workplace.console.output(
                    lines.isEmpty ? "Nothing to make: the layout declares no foreign tables.\n" : lines.joined())
            }
        }
    }

    struct Drop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "drop",
            abstract: "Takes foreign tables back: both databases are as they were.",
            discussion: """
                Examples:
                  strata split foreign drop far_audit
                """)

        @OptionGroup var global: GlobalOptions

        @Argument(help: "A schema of foreign tables.")
        var schema: String

        func run() async throws {
            let workplace = Workplace(global)
            let layout = try workplace.layout()
            let main = try await workplace.settings(layout)
            let connection = try await workplace.connect(layout, command: "split foreign")
            let found: Result<ForeignRecord?, any Error>
            do { found = .success(try await ForeignLedger(connection).all().first { $0.schema == schema }) } catch {
                found = .failure(error)
            }
            await connection.close()
            guard let record = try found.get() else {
                throw DiagnosticsError(
                    Diagnostic(
                        .error, "no-foreign-schema", "there are no foreign tables in schema \(schema)",
                        nextStep: "strata split foreign shows those that there are"))
            }
            let other = try workplace.settings(
                ofOther: layout.databases.first { $0.name == record.database }, record.database)
            try await ForeignTables(main: main, other: other) { workplace.say("note: \($0)") }.drop(schema: schema)
            switch global.format {
            case .json: workplace.console.output(try JSONOutput.text(["dropped": schema]))
            case .text: workplace.console.output("Schema \(schema) and its foreign tables are gone.\n")
            }
        }
    }
}
