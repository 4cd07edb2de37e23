import Planning
import PostgresDriver
import TestSupport
import Testing

@testable import Engine

/// A database `main` with a schema `audit`, which a database `archive` follows.
func withFollowed(
    _ setup: String, _ text: String, definitions: SchemaLayout.Definitions = .refuse,
    _ body: (_ main: TestDatabase, _ other: TestDatabase) async throws -> Void
) async throws {
    try await withTestDatabase("split") { main in
        try await withTestDatabase("splitto") { other in
            try await main.execute(setup)
            let layout = try Pipeline.decode(text, file: "strata.yaml", environment: [:]).0
            let connection = try await main.connect()
            let plan = try await LivePlanner.plan(layout, on: connection).plan
            await connection.close()
            let report = try #require(plan.splits?.first)
            func clear() async {
                _ = try? await main.execute("UPDATE strata.splits SET state = 'following' WHERE state = 'switched'")
                _ = try? await SplitCancel(
                    "audit", mainDatabase: "main", source: main.settings, target: other.settings
                ).run()
            }
            do {
                var options = SplitOptions()
                options.definitions = definitions
                try await SplitMove(
                    report, mainDatabase: "main", source: main.settings, target: other.settings, options: options
                ).run()
                try await body(main, other)
            } catch {
                await clear()
                throw error
            }
            await clear()
        }
    }
}
