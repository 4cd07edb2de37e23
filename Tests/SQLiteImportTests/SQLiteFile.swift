import Foundation
import GRDB
import SQLiteImport

/// A SQLite file of a test's own, made by the real library and deleted with the object.
final class SQLiteFile {
    let path: String
    let queue: DatabaseQueue

    convenience init(_ sql: String = "") throws {
        try self.init(path: NSTemporaryDirectory() + "strata-\(UUID().uuidString).db")
        try execute(sql)
    }

    /// The same file's copy, so that SQLite reads its schema anew.
    convenience init(copyOf file: SQLiteFile) throws {
        try self.init(opening: file.path)
    }

    /// A copy of somebody's file.
    convenience init(opening original: String) throws {
        let path = NSTemporaryDirectory() + "strata-\(UUID().uuidString).db"
        try FileManager.default.copyItem(atPath: original, toPath: path)
        try self.init(path: path)
    }

    private init(path: String) throws {
        self.path = path
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        // As SQLite is built for everybody; GRDB turns it off.
        configuration.acceptsDoubleQuotedStringLiterals = true
        queue = try DatabaseQueue(path: path, configuration: configuration)
    }

    deinit {
        try? queue.close()
        for suffix in ["", "-journal", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
    }

    func execute(_ sql: String) throws { try queue.writeWithoutTransaction { try $0.execute(sql: sql) } }
    func text(_ sql: String) throws -> String? { try queue.read { try String.fetchOne($0, sql: sql) } }
    func schema() throws -> SourceSchema { try queue.read { try SchemaReader.read($0) } }
}
