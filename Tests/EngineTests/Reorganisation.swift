import Engine
import Foundation
import Planning
import PostgresDriver
import TestSupport
import Testing

/// A database and the layout that it is to get: planned, applied and undone as the command line does it.
struct Reorganisation: Sendable {
    let database: TestDatabase
    let connection: Connection
    let layout: Layout

    /// Loads `before` into a database of its own, runs the body, and drops the database whatever happens.
    static func with<T>(
        _ label: String, before: String, layout: String, _ body: (Reorganisation) async throws -> T
    ) async throws -> T {
        let (decoded, _) = try Pipeline.decode(layout, file: "layout.yaml", environment: [:])
        return try await withTestDatabase(label) { database in
            let connection = try await database.connect()
            do {
                try await RacingRoles.load(before, on: connection)
                let value = try await body(
                    Reorganisation(database: database, connection: connection, layout: decoded))
                await close(connection)
                return value
            } catch {
                await close(connection)
                throw error
            }
        }
    }

    /// The same database with another layout.
    func with(layout text: String) throws -> Reorganisation {
        let (decoded, _) = try Pipeline.decode(text, file: "layout.yaml", environment: [:])
        return Reorganisation(database: database, connection: connection, layout: decoded)
    }

    /// A subscription keeps its database from being dropped; those of the tests have no slot.
    private static func close(_ connection: Connection) async {
        let found = try? await connection.query(
            """
            SELECT quote_ident(subname) AS name FROM pg_subscription
             WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
            """)
        for row in found.map({ Array($0) }) ?? [] {
            guard let name = try? row.string("name") else { continue }
            _ = try? await connection.executeShielded("ALTER SUBSCRIPTION \(name) DISABLE")
            _ = try? await connection.executeShielded("ALTER SUBSCRIPTION \(name) SET (slot_name = NONE)")
            _ = try? await connection.executeShielded("DROP SUBSCRIPTION \(name)")
        }
        await connection.close()
    }

    // MARK: The stages

    func catalog() async throws -> Catalog {
        var catalog = try await CatalogReader.read(connection)
        let values = try await SequenceValueReader.read(connection, sequences: catalog.sequences.keys.sorted())
        for (sequence, value) in values { catalog.sequences[sequence]?.lastValue = value }
        return catalog
    }

    func plan() async throws -> Plan {
        try Pipeline.plan(layout, try await catalog(), use: try await StatementUseReader.read(connection))
    }

    /// Applies with every hazard accepted.
    @discardableResult
    func apply(_ plan: Plan) async throws -> RunReport {
        let catalog = try await catalog()
        let codes = Set(plan.hazards.map(\.code))
        return try await Applier(connection).exclusively { applier in
            try applier.check(plan, against: catalog, accepted: codes)
            return try await applier.apply(plan, accepted: codes.sorted { $0.rawValue < $1.rawValue })
        }
    }

    @discardableResult
    func rollback() async throws -> RunReport {
        try await Applier(connection).exclusively { applier in
            try await applier.rollback(try #require(try await applier.ledger.latestEffective()))
        }
    }

    /// What `strata verify --exact` finds wrong with the newest run, also when it was undone.
    func differences() async throws -> [String] {
        let ledger = Ledger(connection)
        let newest = try #require(try await ledger.history(limit: 1).first)
        let run = try #require(try await ledger.run(id: newest.id))
        let verification = try await Verifier(connection, options: VerifyOptions(exactRows: true))
            .verify(
                layout: run.state == .undone ? nil : layout, catalog: try await CatalogReader.read(connection),
                runs: [run])
        return verification.differences.map { "\($0.group.rawValue) \($0.object): \($0.message)" }
    }

    // MARK: Asking

    /// A transaction on a connection of its own, always rolled back.
    func session<T>(as role: String? = nil, _ body: (Session) async throws -> T) async throws -> T {
        let connection = try await database.connect()
        do {
            try await connection.execute("BEGIN" + (role.map { "; SET LOCAL ROLE \"\($0)\"" } ?? ""))
            let value = try await body(Session(connection: connection))
            try await connection.execute("ROLLBACK")
            await connection.close()
            return value
        } catch {
            await connection.close()
            throw error
        }
    }
}

/// One transaction that asks questions.
struct Session {
    let connection: Connection

    /// The rows as text, columns joined by `|`, NULL as nothing.
    func rows(_ sql: String) async throws -> [String] {
        try await connection.query(sql).map { row in
            try row.columns.indices.map { try row.optionalString($0) ?? "" }.joined(separator: "|")
        }
    }

    func value(_ sql: String) async throws -> String { try await rows(sql).joined(separator: "\n") }

    func run(_ sql: String) async throws { try await connection.execute(sql) }

    func expect(
        _ sql: String, _ wanted: [String], _ comment: Testing.Comment? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let found = try await rows(sql)
        #expect(found == wanted, comment, sourceLocation: sourceLocation)
    }

    /// One row.
    func expect(
        _ sql: String, _ wanted: String, _ comment: Testing.Comment? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await expect(sql, [wanted], comment, sourceLocation: sourceLocation)
    }

    /// `00000` as the SQLSTATE for a statement that has to be carried out.
    func refuses(
        _ sql: String, _ state: String, _ comment: Testing.Comment? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let found = try await refusal(sql)
        #expect(found == state, comment ?? "\(sql)", sourceLocation: sourceLocation)
    }

    /// The SQLSTATE with which a statement is refused, `00000` where it is not; the transaction goes on.
    func refusal(_ sql: String) async throws -> String {
        try await connection.execute("SAVEPOINT before")
        do {
            try await connection.execute(sql)
            try await connection.execute("RELEASE before")
            return "00000"
        } catch let error as PostgresError where error.kind == .server {
            try await connection.execute("ROLLBACK TO before")
            return error.sqlState?.rawValue ?? "no SQLSTATE"
        }
    }
}

/// Roles belong to the whole server: tests that run at the same time make the same ones.
enum RacingRoles {
    /// Runs a script that makes roles if they are missing; again where another session was faster.
    static func load(_ script: String, on connection: Connection) async throws {
        var attempt = 1
        while true {
            do {
                try await connection.execute(script)
                return
            } catch let error as PostgresError where attempt < 20 && isRace(error) {
                // One string is one transaction: nothing of it is left.
                attempt += 1
                try await Task.sleep(for: .milliseconds(.random(in: 5...50)))
            }
        }
    }

    private static func isRace(_ error: PostgresError) -> Bool {
        switch error.sqlState?.rawValue {
        case "XX000": error.message.contains("concurrently")
        case "42710": error.message.hasPrefix("role ")
        case "23505": error.constraint?.hasPrefix("pg_authid") == true || error.constraint?.hasPrefix("pg_auth") == true
        case "40P01", "40001": true
        default: false
        }
    }
}
