import Engine
import Foundation
import Planning
import PostgresDriver
import TestSupport
import Testing

/// A schema `billing` that goes from one database to another, and the program that brings it there: for what happens when
/// something on the way fails.
struct FaultSite: Sendable {
    var program: Program
    let source: ConnectionSettings
    let target: ConnectionSettings
    /// A program that runs the program elsewhere, and its arguments.
    var runner: [String] = []

    static let pile = """
        CREATE SCHEMA billing;
        CREATE TABLE billing.invoices (id bigserial PRIMARY KEY, client int NOT NULL, number int NOT NULL, note text);
        CREATE INDEX ON billing.invoices (client, number);
        CREATE TABLE billing.totals (client int PRIMARY KEY, n int NOT NULL);
        INSERT INTO billing.totals SELECT c, 0 FROM generate_series(0, 15) c;
        INSERT INTO billing.invoices (client, number, note) SELECT -1, n, repeat('x', 100) FROM generate_series(1, 5000) n;
        """
    static let layout = """
        strata: 1
        databases: { main: { url: "${DATABASE_URL}" }, books: { url: "${BOOKS_URL}" } }
        schemas: { billing: { database: books, tables: [invoices, totals] } }
        routing: { auth: { type: trust } }
        """
    /// As `strata switch` names them.
    static let steps = ["prepare", "hold", "guard", "stream", "hand over", "decide", "tidy"]

    @discardableResult
    func run(_ arguments: String...) async throws -> Program.Result { try await start(arguments).finish() }

    func start(_ arguments: [String]) throws -> RunningProgram {
        guard let first = runner.first else { return try program.start(arguments, timeout: 400) }
        return try program.start(
            runner.dropFirst() + [Program.path.path] + arguments, executable: URL(filePath: first), timeout: 400)
    }

    /// The same command again, until it has done what it is to do: a server that was away takes a moment.
    func finish(_ arguments: String...) async throws {
        var last: Program.Result?
        do {
            try await eventually("strata \(arguments.joined(separator: " ")) succeeds", within: .seconds(180)) {
                let result = try await start(arguments).finish()
                last = result
                return result.code == 0
            }
        } catch {
            Issue.record("strata \(arguments.joined(separator: " ")): \(last.map { "\($0)" } ?? "\(error)")")
            throw error
        }
    }

    func copy() async throws {
        let split = try await run("split", "billing")
        try #require(split.code == 0, "\(split)")
        try await finish("split", "diff", "billing")
    }

    // MARK: A switch, and where it is

    enum Outcome: Sendable {
        case made(SwitchReport)
        case failed(String)
        var isMade: Bool { if case .made = self { true } else { false } }
    }

    /// In this process: the fault happens between two steps, and nothing goes on before it has.
    func attempt(
        _ direction: SplitRecord.Direction, budget: Duration = .seconds(4), preparation: Duration = .seconds(60),
        at step: String, _ fault: @escaping @Sendable () -> Void
    ) async -> Outcome {
        var options = SwitchOptions()
        options.budget = budget
        options.preparation = preparation
        let change = SchemaSwitch(
            "billing", direction: direction, mainDatabase: "main", source: source, target: target, options: options
        ) { event in
            if event == .phase(step) { fault() }
        }
        do { return .made(try await change.run()) } catch let failure as EngineFailure {
            return .failed(failure.diagnostics.map(\.message).joined(separator: "; "))
        } catch {
            return .failed("\(error)")
        }
    }

    /// The database that has the schema by the main database's record.
    func home() async throws -> ConnectionSettings {
        let rows = try await rows(source, "SELECT database FROM strata.routes WHERE schema = 'billing'")
        return rows == [["books"]] ? target : source
    }

    func isHome(_ settings: ConnectionSettings) async throws -> Bool {
        try await home().keywordText(withPassword: false) == settings.keywordText(withPassword: false)
    }

    /// Who goes past the proxies can write where the schema is, and nowhere else.
    func requireOneHome(_ name: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        for (database, settings) in [("main", source), ("books", target)] {
            let accepts = try await accepts(settings)
            #expect(
                accepts == (database == name), "\(database) takes writes: \(accepts)", sourceLocation: sourceLocation)
        }
    }

    private func accepts(_ settings: ConnectionSettings) async throws -> Bool {
        do {
            _ = try await rows(settings, "INSERT INTO billing.invoices (client, number) VALUES (-2, 0)")
            return true
        } catch let error as PostgresError where error.sqlState == .readOnlyTransaction {
            return false
        }
    }

    func rows(_ settings: ConnectionSettings, _ sql: String) async throws -> [[String]] {
        let connection = try await Connection.open(settings.settings(["connect_timeout": "10"]))
        do {
            let rows = try await connection.simpleQuery(sql).map { row in
                try row.columns.indices.map { try row.optionalString($0) ?? "-" }
            }
            await connection.close()
            return rows
        } catch {
            await connection.close()
            throw error
        }
    }

    // MARK: What is left

    private static let sum = """
        SELECT count(*) || ' ' || md5(string_agg(concat_ws(' ', id, client, number, note), ',' ORDER BY id)),
               (SELECT md5(string_agg(concat_ws(' ', client, n), ',' ORDER BY client)) FROM billing.totals)
          FROM billing.invoices
        """

    /// The place that has the schema has all that was acknowledged, once, and nothing that nobody asked for; the other one
    /// has come to the same.
    func verify(_ journal: FaultJournal, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let home = try await home()
        let known = journal.result
        var found: [Int: [Int]] = [:]
        for row in try await rows(home, "SELECT client, number FROM billing.invoices WHERE client >= 0 ORDER BY 1, 2") {
            found[Int(row[0]) ?? -9, default: []].append(Int(row[1]) ?? -9)
        }
        for (client, numbers) in known.acknowledged {
            let there = found[client, default: []]
            let (set, wanted) = (Set(there), Set(numbers))
            #expect(there.count == set.count, "client \(client): written twice", sourceLocation: sourceLocation)
            #expect(
                wanted.subtracting(set).isEmpty, "client \(client): lost \(wanted.subtracting(set).sorted())",
                sourceLocation: sourceLocation)
            let more = set.subtracting(wanted).subtracting(known.uncertain[client, default: []])
            #expect(more.isEmpty, "client \(client): nobody wrote \(more.sorted())", sourceLocation: sourceLocation)
        }
        // Insert and update of a transaction are there together.
        for row in try await rows(home, "SELECT client, n FROM billing.totals") {
            let both = found[Int(row[0]) ?? -9, default: []].count { $0.isMultiple(of: 2) }
            #expect(both == Int(row[1]), "client \(row[0]): half a transaction", sourceLocation: sourceLocation)
        }
        #expect(
            !known.failures.contains { $0.contains("23505") }, "numbers were given twice: \(known.failures)",
            sourceLocation: sourceLocation)
        try await eventually("both databases have the same rows", within: .seconds(180)) {
            try await rows(source, Self.sum) == rows(target, Self.sum)
        }
    }
}

extension Program.Result {
    /// What it said, however the lines were broken.
    var words: String { (output + " " + errors).split(whereSeparator: \.isWhitespace).joined(separator: " ") }
}
