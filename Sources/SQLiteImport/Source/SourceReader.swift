import Foundation
import GRDB

/// One read-only connection to the file, which stays in one read transaction: it sees the file as it was at one moment.
///
/// SQLite's calls block; they run on GRDB's own queue, never on Swift's pool.
package final class SourceReader: Sendable {
    package let path: String
    /// Without locks, so that a writer is not noticed by SQLite.
    let isImmutable: Bool
    private let queue: DatabaseQueue

    /// - Parameter wait: for a writer's lock.
    package init(_ file: SourceFile, wait: Duration = .seconds(10)) throws(SourceError) {
        path = file.path
        do {
            queue = try Self.open(file.path, wait: wait)
            isImmutable = false
        } catch let error as DatabaseError
            where [.SQLITE_CANTOPEN, .SQLITE_READONLY].contains(error.resultCode) && Self.isAtRest(file.path)
        {
            // In WAL mode SQLite makes files beside it, which a folder that may not be written refuses. Nobody has it open.
            do {
                queue = try Self.open(Self.immutable(file.path), wait: wait)
                isImmutable = true
            } catch {
                throw Self.failure(error, file.path)
            }
        } catch {
            throw Self.failure(error, file.path)
        }
    }

    /// Work on the connection, on its queue. Cancelling the task interrupts the statement that runs.
    func run<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        do {
            return try await queue.unsafeRead(body)
        } catch {
            if error is CancellationError || Task.isCancelled { throw CancellationError() }
            throw error is DatabaseError ? Self.failure(error, path) : error
        }
    }

    /// Begins the read transaction, in which the file is seen as it is now.
    func begin() async throws {
        try await run { database in
            try database.execute(sql: "BEGIN")
            _ = try Row.fetchOne(database, sql: "SELECT 1 FROM sqlite_schema")
        }
    }

    /// Changes when somebody else has committed since the connection last looked. Outside of a transaction.
    func dataVersion() async throws -> Int {
        try await run { try Int.fetchOne($0, sql: "PRAGMA data_version") ?? 0 }
    }

    func close() { try? queue.close() }

    private static func open(_ path: String, wait: Duration) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.foreignKeysEnabled = false
        configuration.allowsUnsafeTransactions = true
        configuration.acceptsDoubleQuotedStringLiterals = true
        configuration.busyMode = .timeout(Double(wait.components.seconds))
        configuration.label = "strata-sqlite"
        // Rows are read once, from the first to the last: pages that were read are not asked for again.
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA cache_size = -512") }
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    private static func immutable(_ path: String) -> String {
        let plain = path.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? path
        return "file:\(plain)?immutable=1"
    }

    /// Nothing of a writer is beside it.
    private static func isAtRest(_ path: String) -> Bool {
        !["-wal", "-journal"].contains { suffix in
            let size = try? FileManager.default.attributesOfItem(atPath: path + suffix)[.size] as? Int
            return (size ?? 0) > 0
        }
    }

    static func failure(_ error: any Error, _ path: String) -> SourceError {
        if let error = error as? SourceError { return error }
        guard let error = error as? DatabaseError else { return SourceError(.failed, "\(path): \(error)") }
        return SourceError(error, path: path)
    }
}

/// Several connections that see the file as it was at one moment.
package struct SourceSnapshot: Sendable {
    package let file: SourceFile
    package let readers: [SourceReader]
    private let monitor: SourceReader
    private let version: Int

    /// Without SQLite's own snapshots, which most systems' libraries are built without: when nobody has committed between
    /// the first connection's look and the last one's, all see the same. Where somebody commits all the time, there is one.
    ///
    /// - Parameter readers: 1 to 16.
    package init(_ path: String, readers count: Int, wait: Duration = .seconds(10)) async throws {
        precondition(1...16 ~= count)
        for attempt in 0... {
            let count = attempt < Self.tries ? count : 1
            let file = try SourceFile(path)
            let monitor = try SourceReader(file, wait: wait)
            let before = try await monitor.dataVersion()
            var readers: [SourceReader] = []
            for _ in 0..<count {
                let reader = try SourceReader(file, wait: wait)
                try await reader.begin()
                readers.append(reader)
            }
            if try await monitor.dataVersion() == before || count == 1 {
                (self.file, self.readers, self.monitor, version) = (file, readers, monitor, before)
                return
            }
        }
        fatalError("a single connection always sees one state")
    }

    private static let tries = 20

    /// Ends the connections. In WAL mode SQLite makes an empty -wal and a -shm for whoever reads, as it does for the sqlite3
    /// program with -readonly, and they stay: only a connection that may write takes them away, and none is opened.
    package func close() { for reader in readers + [monitor] { reader.close() } }

    /// Whether somebody has committed since: what came later is not in what is read here.
    ///
    /// - Throws: `SourceError` of code `changed` where the file had to be read without locks: then what was read may be of
    ///   before and of after.
    package func hasChanged() async throws -> Bool {
        guard monitor.isImmutable else { return try await monitor.dataVersion() != version }
        guard try SourceFile(file.path).fingerprint == file.fingerprint else {
            throw SourceError(
                .changed,
                "\(file.path) was written while it was read without locks, as its folder does not allow the files for them",
                nextStep: "stop the program that writes it, or copy the file elsewhere; then begin anew with --restart")
        }
        return false
    }
}
