import ArgumentParser
import Engine
import Planning
import PostgresDriver

struct SplitStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows the splits that are under way, and how far each copy is behind.",
        discussion: """
            Examples:
              strata split status
              strata split status --format json
            """)

    @OptionGroup var global: GlobalOptions

    func run() async throws {
        let workplace = Workplace(global)
        let layout = global.url == nil ? try workplace.layoutIfPresent() : nil
        let connection = try await workplace.connect(layout, command: "split status")
        let splits: [SplitStanding]
        do {
            splits = try await SplitStanding.all(connection) { try await Self.connect(workplace, layout, $0) }
        } catch {
            await connection.close()
            throw error
        }
        await connection.close()
        switch global.format {
        case .json: workplace.console.output(try JSONOutput.text(splits))
        case .text: workplace.console.output(Self.text(splits, workplace.console.outputStyle))
        }
    }

    /// To a database of the layout, for a moment.
    static func connect(_ workplace: Workplace, _ layout: Layout?, _ name: String) async throws -> Connection {
        let settings = try workplace.settings(ofOther: layout?.databases.first { $0.name == name }, name)
        return try await Connection.open(settings.settings(["connect_timeout": "5"]))
    }

    static func text(_ splits: [SplitStanding], _ style: TextStyle) -> String {
        guard !splits.isEmpty else { return "No split is under way.\n" }
        var table = TextTable([.right, .left, .left, .left, .right, .right, .right])
        table.add(["SPLIT", "SCHEMA", "TO", "STATE", "TABLES", "ROWS", "BEHIND"])
        for split in splits {
            let record = split.record
            table.add([
                String(record.id), record.schema, record.database, record.state.rawValue,
                "\(record.tables.count(where: \.isCopied))/\(record.tables.count)",
                grouped(record.tables.compactMap(\.rows).reduce(0, +)),
                split.lagBytes.map { sized(Int64($0)) } ?? "-",
            ])
        }
        var text = table.render(indentation: 0) + "\n"
        for split in splits {
            if let error = split.record.error {
                text += style.wrap("split \(split.record.id) stopped: \(error)", indentation: 2, first: 0) + "\n"
            }
            for warning in split.warnings {
                text += style.marked(style.yellow("warning: "), width: 9, warning)
            }
        }
        return text
    }
}
