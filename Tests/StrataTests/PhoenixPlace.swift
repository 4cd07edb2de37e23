import Foundation
import PostgresDriver
import TestSupport
import Testing

/// Project Phoenix on a server of its own, servers for `active` and `audit`, and the program with a layout that says so.
struct PhoenixPlace: Sendable {
    let main: ReplicationCluster
    /// Gets schema `active`.
    let running: ReplicationCluster
    /// Gets schema `audit`.
    let archive: ReplicationCluster
    let program: Program

    static func with(_ body: (PhoenixPlace) async throws -> Void) async throws {
        let settings = ["wal_level": "logical", "max_connections": "200"]
        try await ReplicationCluster.with(replicas: 0, settings: settings, ownIdentity: true) { main in
            try await ReplicationCluster.with(replicas: 0, settings: settings, ownIdentity: true) { running in
                try await ReplicationCluster.with(replicas: 0, settings: settings, ownIdentity: true) { archive in
                    try await Workshop.withFolder { program in
                        var program = program
                        program.environment["DATABASE_URL"] = main.url(of: 0)
                        program.environment["RUNNING_URL"] = running.url(of: 0)
                        program.environment["ARCHIVE_URL"] = archive.url(of: 0)
                        try await main.execute(0, try Self.example("before.sql"))
                        try await body(PhoenixPlace(main: main, running: running, archive: archive, program: program))
                    }
                }
            }
        }
    }

    static func example(_ file: String) throws -> String {
        try String(
            contentsOf: TestServer.repository.appending(path: "Examples/phoenix/\(file)"), encoding: .utf8)
    }

    /// The example's layout with `active` and `audit` on databases of their own.
    /// - Parameter more: further keys of the layout.
    func write(_ more: String = "") throws {
        var layout = try Self.example("layout.yaml")
        // Its rule is over both sides of the cut.
        let retention = try #require(layout.range(of: "\nretention:"))
        layout = String(layout[..<retention.lowerBound])
            .replacing("  # Phase 2", with: "  running: { url: \"${RUNNING_URL}\" }\n  # Phase 2")
            .replacing("  active:\n", with: "  active:\n    database: running\n")
            .replacing("  audit:\n", with: "  audit:\n    database: archive\n")
            .replacing(
                "    types: [attendance_status]\n",
                with: "    types: [attendance_status]\n    functions: [check_in, close_idle_sessions, room_occupancy]\n"
            )
        try Data((layout + "\n" + more).utf8).write(to: program.folder.appending(path: "strata.yaml"))
    }

    /// Runs the program, which must succeed.
    @discardableResult
    func strata(_ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation) async throws -> String {
        let result = try await program.start(arguments, timeout: 240).finish(sourceLocation)
        struct Failed: Error { var what: String }
        guard result.code == 0 else { throw Failed(what: "\(arguments): \(result)") }
        return result.output
    }

    // MARK: The plan

    struct Crossing: Decodable, Sendable {
        var kind: String
        var object: String
        var isBlocking: Bool
        var nextStep: String?
    }

    private struct Plan: Decodable {
        struct Split: Decodable {
            var schema: String
            var crossings: [Crossing]
        }
        var splits: [Split]
    }

    /// What crosses the cut around each schema.
    func crossings() async throws -> [String: [Crossing]] {
        let plan = try JSONDecoder().decode(Plan.self, from: Data(try await strata("plan", "--format", "json").utf8))
        return Dictionary(uniqueKeysWithValues: plan.splits.map { ($0.schema, $0.crossings) })
    }

    // MARK: Asking

    /// Rows of the main database, past the proxy; columns joined by `|`.
    func rows(_ sql: String) async throws -> [String] { try Self.texts(try await main.query(0, sql)) }

    static func texts(_ rows: Rows) throws -> [String] {
        try rows.map { row in
            try row.columns.indices.map { try row.optionalString($0) ?? "" }.joined(separator: "|")
        }
    }

    /// A client of the proxy as the application's role.
    func connect(_ port: Int) async throws -> Connection {
        let connection = try await Connection.open(
            main.settings(of: 0, ["host": "127.0.0.1", "port": "\(port)", "dbname": "main"]))
        try await connection.execute("SET ROLE phoenix_app")
        return connection
    }

    /// Serves the application for as long as the body runs.
    func serving(_ body: (Int) async throws -> Void) async throws {
        let running = try program.start(["proxy", "--listen", "127.0.0.1:0"], timeout: 900)
        do {
            var port: Int?
            try await eventually("the proxy listens") {
                port = running.errorsSoFar.firstMatch(of: /listening on 127\.0\.0\.1:(\d+) for/).flatMap { Int($0.1) }
                return port != nil
            }
            try await body(try #require(port))
        } catch {
            running.signal(SIGKILL)
            _ = try await running.finish()
            throw error
        }
        running.signal(SIGTERM)
        _ = try await running.finish()
    }
}
