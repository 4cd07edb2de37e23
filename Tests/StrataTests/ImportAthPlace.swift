import Foundation
import PostgresDriver
import TestSupport
import Testing

/// The SQLite file of `Examples/ath`, made as its README says, beside a database and a layout.
struct ImportAthPlace: Sendable {
    let shop: Workshop

    static let folder = TestServer.repository.appending(path: "Examples/ath")
    private static func read(_ file: String) throws -> String {
        try String(contentsOf: folder.appending(path: file), encoding: .utf8)
    }

    /// What `prisma migrate` makes in PostgreSQL: `before.sql` without its rows.
    static func tablesOfPrisma() throws -> String {
        let text = try read("before.sql")
        let first = try #require(text.range(of: "\nINSERT INTO"))
        let last = try #require(text.range(of: "\n-- After the data"))
        return String(text[..<first.lowerBound] + text[last.lowerBound...])
    }

    /// Nothing but the roles of the layout.
    static func roles() throws -> String {
        let text = try read("before.sql")
        return String(text[..<(try #require(text.range(of: "\nCREATE TYPE"))).lowerBound])
    }

    static func layout() throws -> String { try read("layout.yaml") }

    /// The layout without the types and views that a SQLite file does not have.
    static func layoutOfTables() throws -> String {
        try layout().replacing(/, views: \[[^\]]*\]/, with: "").split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.hasPrefix("    views:") && !$0.hasPrefix("    types:") }.joined(separator: "\n")
    }

    /// Statements of the application, with the old names.
    static func workload() throws -> [String] { try read("workload.sql").split(separator: "\n").map(String.init) }

    /// Those that need no function, view or enum, which no SQLite file has.
    static func workloadOnTables() throws -> [String] {
        try workload().filter { line in
            !["::text", "MarketplaceProject", "unreadCount"].contains { line.contains($0) }
        }
    }

    static func with(pile: String, layout: String, _ body: (ImportAthPlace) async throws -> Void) async throws {
        try await Workshop.with(pile: pile, layout: layout) { shop in
            let place = ImportAthPlace(shop: shop)
            let made = try await place.sqlite(".read '\(folder.appending(path: "sqlite.sql").path)'")
            try #require(made.isEmpty)
            try await body(place)
        }
    }

    // MARK: Both sides

    func strata(
        _ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Program.Result {
        try await shop.program.start(arguments, timeout: 120).finish(sourceLocation)
    }

    /// Lines of SQLite's own program.
    func sqlite(_ sql: String) async throws -> [String] {
        let result = try await shop.program.start(
            ["sqlite3", "ath.db", sql], executable: URL(filePath: "/usr/bin/env")
        ).finish()
        try #require(result.code == 0 && result.errors.isEmpty, "\(result)")
        return result.output.split(separator: "\n").map(String.init)
    }

    /// The first column of what PostgreSQL answers.
    func postgres(_ sql: String) async throws -> [String] { try await shop.column(sql) }

    /// Rows by table, in SQLite.
    func sourceCounts() async throws -> [String: Int] {
        let names = try await sqlite(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        let counts = try await sqlite(names.map { "SELECT count(*) FROM \"\($0)\";" }.joined())
        return Dictionary(uniqueKeysWithValues: zip(names, counts.compactMap { Int($0) }))
    }

    /// Rows by table, in PostgreSQL: those of the import's own schemas, wherever they are.
    func targetCounts() async throws -> [String: Int] {
        let rows = try await postgres(
            """
            SELECT c.relname || ' ' || (xpath('//c/text()', query_to_xml(
                format('SELECT count(*) AS c FROM %I.%I', n.nspname, c.relname), false, true, '')))[1]::text
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'strata')
            """)
        let pairs = rows.map { $0.split(separator: " ") }.map { (String($0[0]), Int($0[1]) ?? -1) }
        return Dictionary(pairs) { _, _ in -1 }
    }

    /// Foreign keys that stand and hold for all rows.
    func validKeys() async throws -> [String] {
        try await postgres(
            "SELECT count(*)::text FROM pg_constraint WHERE contype = 'f' AND convalidated AND connamespace::regnamespace::text <> 'strata'"
        )
    }

    /// The rejects as table and rowid.
    func rejects() throws -> Set<String> {
        let text = try String(contentsOf: shop.folder.appending(path: "ath.db.rejects.jsonl"), encoding: .utf8)
        return Set(
            try text.split(separator: "\n").map {
                let line = try object(String($0))
                return "\(line["table"] ?? "") \(line["rowid"] ?? "")"
            })
    }

    /// Runs them one by one as the application's role.
    func runAsApplication(_ statements: [String], searchPath: String? = nil) async throws {
        let connection = try await shop.database.connect()
        try await connection.execute("SET ROLE ath_app")
        if let searchPath { try await connection.execute("SET search_path = \(searchPath)") }
        for statement in statements { try await connection.execute(statement) }
        await connection.close()
    }
}
