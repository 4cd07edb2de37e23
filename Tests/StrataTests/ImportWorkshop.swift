import Foundation
import GRDB
import PostgresDriver
import TestSupport
import Testing

/// A folder with a SQLite file, an empty database, and the program that loads the one into the other.
struct ImportWorkshop: Sendable {
    let database: TestDatabase
    let program: Program
    var folder: URL { program.folder }

    /// - Parameter sql: what makes `app.db`; nil for none.
    static func with(_ sql: String?, _ body: (ImportWorkshop) async throws -> Void) async throws {
        try await Workshop.withFolder { program in
            try await withTestDatabase("import") { database in
                var program = program
                program.environment["DATABASE_URL"] = try Workshop.url(of: database.name)
                let shop = ImportWorkshop(database: database, program: program)
                if let sql { try shop.make(sql) }
                try await body(shop)
            }
        }
    }

    // MARK: The file

    func path(_ name: String = "app.db") -> String { folder.appending(path: name).path }

    /// By the real library, which has closed it when this returns.
    func make(_ sql: String, at name: String = "app.db") throws {
        try Self.open(path(name)) { try Self.execute(sql, $0) }
    }

    static func execute(_ sql: String, _ queue: DatabaseQueue) throws {
        try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
    }

    /// The first column of each row of the file.
    func source(_ sql: String, at name: String = "app.db") throws -> [String] {
        try Self.open(path(name)) { queue in
            try queue.read { try Row.fetchAll($0, sql: sql).map { String.fromDatabaseValue($0[0]) ?? "NULL" } }
        }
    }

    private static func open<T>(_ path: String, _ body: (DatabaseQueue) throws -> T) throws -> T {
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        let result = Result { try body(queue) }
        try queue.close()
        return try result.get()
    }

    static var configuration: Configuration {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        configuration.allowsUnsafeTransactions = true
        return configuration
    }

    /// Names in the folder, without those that the import is meant to write.
    func files() throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { !$0.hasSuffix(".jsonl") })
    }

    func bytes(_ name: String = "app.db") throws -> Data { try Data(contentsOf: folder.appending(path: name)) }

    // MARK: The program

    func run(
        _ words: String..., file: String = "app.db", timeout: TimeInterval = 120,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Program.Result {
        try await start(words, file: file, timeout: timeout).finish(sourceLocation)
    }

    func start(_ words: [String], file: String = "app.db", timeout: TimeInterval = 120) throws -> RunningProgram {
        try program.start(["import", "sqlite", file] + words, timeout: timeout)
    }

    // MARK: The target

    func texts(_ sql: String) async throws -> [String] {
        let connection = try await database.connect()
        do {
            let rows = try await connection.query(sql).map { try $0.optionalString(0) ?? "NULL" }
            await connection.close()
            return rows
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Everything in the target that is nobody's yet: tables, and schemas that the import makes.
    func objects() async throws -> [String] {
        try await texts(
            """
            SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1
            """)
    }

    // MARK: Rejects

    func rejects(_ name: String = "app.db.rejects.jsonl") throws -> [[String: Any]] {
        let file = folder.appending(path: name)
        guard FileManager.default.fileExists(atPath: file.path) else { return [] }
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map { try object(String($0)) }
    }
}

extension Program.Result {
    /// Both outputs with their line breaks as spaces: where a line breaks is of no interest.
    var prose: String { (output + " " + errors).split(whereSeparator: \.isWhitespace).joined(separator: " ") }
}
