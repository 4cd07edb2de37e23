import Foundation
import PostgresDriver

/// The server that is measured; databases are made on it and removed again.
struct BenchServer: Sendable {
    /// A superuser's, as psql takes it.
    let url: String

    /// The same with another database; libpq lets the later of two words win.
    func url(_ database: String) -> String {
        guard url.hasPrefix("postgres://") || url.hasPrefix("postgresql://") else { return url + " dbname=\(database)" }
        return url + (url.contains("?") ? "&" : "?") + "dbname=\(database)"
    }

    func settings(_ database: String) throws -> ConnectionSettings {
        try ConnectionSettings(url).settings(["dbname": database, "application_name": "strata-bench"])
    }

    func connect(_ database: String) async throws -> Connection {
        try await Connection.open(settings(database))
    }

    /// Makes the database anew, empty or as a copy. The names are our own and need no quotes.
    func create(_ database: String, from template: String? = nil) async throws {
        let copy = template.map { " TEMPLATE \($0)" } ?? ""
        try await asAdministrator { connection in
            try await connection.execute("DROP DATABASE IF EXISTS \(database) WITH (FORCE)")
            try await connection.execute("CREATE DATABASE \(database)\(copy)")
            // What the copy left to write is not the measured statements' doing.
            try await connection.execute("CHECKPOINT")
        }
    }

    func drop(_ database: String) async throws {
        try await asAdministrator { connection in
            try await connection.execute("DROP DATABASE IF EXISTS \(database) WITH (FORCE)")
        }
    }

    func has(_ database: String) async throws -> Bool {
        let connection = try await Connection.open(ConnectionSettings(url))
        let rows = try await connection.query("SELECT FROM pg_database WHERE datname = $1", [.text(database)])
        await connection.close()
        return !rows.isEmpty
    }

    private func asAdministrator(_ body: (Connection) async throws -> Void) async throws {
        let connection = try await Connection.open(ConnectionSettings(url))
        try await body(connection)
        await connection.close()
    }

    /// Loads an example's `before.sql`.
    func load(_ file: String, into database: String) async throws {
        let connection = try await connect(database)
        try await connection.execute(String(contentsOf: URL(fileURLWithPath: file), encoding: .utf8))
        await connection.close()
    }
}

extension Array where Element: Comparable {
    /// The middle one, the upper of two; nil of none.
    var median: Element? { isEmpty ? nil : sorted()[count / 2] }
}

/// A line on stderr: what is being done.
func progress(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
}
