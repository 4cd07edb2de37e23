import ArgumentParser
import Engine
import Foundation
import Planning
import PostgresDriver

/// Small tables that other databases get to read.
struct SplitCopiesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "copies",
        abstract: "Read-only copies of small tables in other databases, for joins after a split.",
        discussion: """
            The layout says which (copies:). Logical replication keeps them up to date, some moments behind.

            Examples:
              strata split copies                        # what there is, and how far behind it is
              strata split copies make                   # all that the layout declares
              strata split copies make public.countries
              strata split copies drop public.countries  # both databases are as they were
            """,
        subcommands: [List.self, Make.self, Drop.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Shows every copy: its state, how far it is behind, and what is wrong with it.",
            discussion: """
                Examples:
                  strata split copies list
                  strata split copies list --format json
                """)

        @OptionGroup var global: GlobalOptions

        func run() async throws {
            let workplace = Workplace(global)
            let layout = try workplace.layout()
            let home = try await workplace.connect(layout, command: "split copies")
            var targets: [String: Connection] = [:]
            for database in layout.databases.dropFirst() {
                guard let settings = try? workplace.settings(ofOther: database, database.name) else { continue }
                targets[database.name] = try? await Connection.open(settings.settings(["connect_timeout": "5"]))
            }
            let found: Result<[CopyStatus], any Error>
            do {
                found = .success(try await CopyStatus.read(layout, home: home, targets: targets))
            } catch {
                found = .failure(error)
            }
            for connection in targets.values { await connection.close() }
            await home.close()
            let status = try found.get()
            switch global.format {
            case .json: workplace.console.output(try JSONOutput.text(status))
            case .text: workplace.console.output(Self.text(status, workplace.console.outputStyle))
            }
        }

        static func text(_ copies: [CopyStatus], _ style: TextStyle) -> String {
            guard !copies.isEmpty else { return "No copies. The layout declares them: `copies:`.\n" }
            var table = TextTable([.left, .left, .left, .right])
            table.add(["TABLE", "IN", "STATE", "BEHIND"])
            for copy in copies {
                table.add([
                    "\(copy.schema).\(copy.table)", copy.database, copy.state,
                    copy.lagBytes.map { sized(Int64($0)) } ?? "-",
                ])
            }
            var text = table.render(indentation: 0) + "\n"
            for copy in copies {
                let name = "\(copy.schema).\(copy.table) in \(copy.database): "
                if let error = copy.error { text += style.wrap(name + error, indentation: 2, first: 0) + "\n" }
                for warning in copy.warnings {
                    text +=
                        style.marked(style.yellow("warning: "), width: 9, name + warning)
                }
            }
            return text
        }
    }

    struct Make: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "make",
            abstract: "Makes the copies that the layout declares, and waits until they have all rows.",
            discussion: """
                Stopped at any point, the same command goes on.

                Examples:
                  strata split copies make
                  strata split copies make public.countries --wait 1h
                """)

        @OptionGroup var global: GlobalOptions

        @Argument(help: "A table, as the layout has it; all that are declared unless given.")
        var table: String?

        @Option(help: ArgumentHelp("How long one first copy may take, 1s to 7d.", valueName: "duration"))
        var wait = DurationArgument(.seconds(600))

        func validate() throws {
            guard (.seconds(1))...(.seconds(7 * 86_400)) ~= wait.duration else {
                throw ValidationError("--wait must be from 1s to 7d")
            }
        }

        func run() async throws {
            let workplace = Workplace(global)
            let layout = try workplace.layout()
            let source = try await workplace.settings(layout)
            var made: [CopyRecord] = []
            for copy in try CopyChoice.declared(layout, table) {
                for database in copy.databases {
                    let name = "\(copy.schema).\(copy.table)"
                    let making = try CopyChoice.making(
                        workplace, layout, source, database, patience: wait.duration, about: "\(name) in \(database)")
                    made.append(try await making.make(schema: copy.schema, table: copy.table))
                }
            }
            switch global.format {
            case .json: workplace.console.output(try JSONOutput.text(made.map(CopyChoice.Machine.init)))
            case .text:
                let lines = made.map { "\($0.schema).\($0.table) is in database \($0.database) as well.\n" }
                workplace.console.output(
                    lines.isEmpty ? "Nothing to copy: the layout declares no copies.\n" : lines.joined())
            }
        }
    }

    struct Drop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "drop",
            abstract: "Takes copies back: both databases are as they were.",
            discussion: """
                Statements that joined a copy are refused from then on. Remove the table from the layout as well.

                Examples:
                  strata split copies drop public.countries
                  strata split copies drop public.countries --database archive
                  strata split copies drop               # what the layout does not declare any more
                """)

        @OptionGroup var global: GlobalOptions

        @Argument(help: "A table; unless given, all copies that the layout does not declare.")
        var table: String?

        @Option(help: ArgumentHelp("Only the copy in this database.", valueName: "name"))
        var database: String?

        func run() async throws {
            let workplace = Workplace(global)
            let layout = try workplace.layout()
            let source = try await workplace.settings(layout)
            let connection = try await workplace.connect(layout, command: "split copies")
            let records: [CopyRecord]
            do { records = try await CopyLedger(connection).all() } catch {
                await connection.close()
                throw error
            }
            await connection.close()
            let chosen = records.filter { record in
                if let database, record.database != database { return false }
                if let table { return table == "\(record.schema).\(record.table)" || table == record.table }
                return !layout.copies.contains {
                    $0.schema == record.schema && $0.table == record.table && $0.databases.contains(record.database)
                }
            }
            guard !chosen.isEmpty || table == nil else {
                throw DiagnosticsError(
                    Diagnostic(
                        .error, "no-copy",
                        "there is no copy of \(table ?? "")\(database.map { " in database \($0)" } ?? "")",
                        nextStep: "strata split copies shows those that there are"))
            }
            for record in chosen {
                let making = try CopyChoice.making(
                    workplace, layout, source, record.database, about: "\(record.schema).\(record.table)")
                try await making.drop(schema: record.schema, table: record.table)
            }
            switch global.format {
            case .json: workplace.console.output(try JSONOutput.text(chosen.map(CopyChoice.Machine.init)))
            case .text:
                let lines = chosen.map { "\($0.schema).\($0.table) is in database \($0.database) no more.\n" }
                workplace.console.output(lines.isEmpty ? "Nothing to drop.\n" : lines.joined())
            }
        }
    }
}

/// What the commands on copies work on.
private enum CopyChoice {
    struct Machine: Encodable {
        var schema: String
        var table: String
        var database: String

        init(_ record: CopyRecord) {
            (schema, table, database) = (record.schema, record.table, record.database)
        }
    }

    static func declared(_ layout: Layout, _ table: String?) throws -> [CopyLayout] {
        guard let table else { return layout.copies }
        let found = layout.copies.filter { table == "\($0.schema).\($0.table)" || table == $0.table }
        guard !found.isEmpty else {
            throw DiagnosticsError(
                Diagnostic(
                    .error, "no-copy", "the layout declares no copy of \(table)",
                    nextStep: "copies: [{ table: \(table), databases: [NAME] }]"))
        }
        return found
    }

    static func making(
        _ workplace: Workplace, _ layout: Layout, _ source: ConnectionSettings, _ database: String,
        patience: Duration = .seconds(600), about: String
    ) throws -> CopyMaking {
        let target = try workplace.settings(ofOther: layout.databases.first { $0.name == database }, database)
        return CopyMaking(
            source: source, home: layout.mainDatabase, target: target, database: database, patience: patience
        ) { event in
            switch event {
            case .note(let text): workplace.say("note: \(text)")
            case .stage(let name): workplace.say("\(about): \(name)")
            }
        }
    }
}
