internal import COpenSSL
import Foundation

/// What can be said of a file before SQLite opens it, and by which it is known again.
package struct SourceFile: Sendable, Hashable {
    /// Absolute.
    package let path: String
    package let bytes: Int64
    /// The journal mode that the header says: writers do not wait for readers then.
    package let isWAL: Bool
    /// Changes with every change of the file: its size, time and change counter, and the head, size and time of its WAL, which
    /// is written over from its beginning without becoming larger.
    package let fingerprint: String

    /// - Throws: `SourceError` where it is no SQLite database of its full length.
    package init(_ path: String) throws(SourceError) {
        let path = URL(fileURLWithPath: path).standardizedFileURL.path
        let status = try Self.status(path)
        guard let head = Self.read(path, 100) else {
            throw SourceError(.unreadable, "\(path) cannot be read: \(String(cString: strerror(errno)))")
        }
        guard head.count == 100, head.starts(with: "SQLite format 3\0".utf8) else {
            throw SourceError(.notSQLite, Self.complaint(path, head), nextStep: SourceError.decrypt)
        }
        let wal = try? Self.status(path + "-wal")
        let expected = Self.expectedBytes(head)
        if status.st_size < expected, (wal?.st_size ?? 0) == 0 {
            throw SourceError(
                .truncated, "\(path) has \(status.st_size) bytes, and its header says \(expected): its end is missing",
                nextStep: "copy it again, from a backup if need be")
        }
        self.path = path
        bytes = Int64(status.st_size)
        isWAL = head[18] == 2 || head[19] == 2
        let text =
            "\(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec) \(Self.hex(head[24..<28])) "
            + "\(Self.hex(head[40..<44])) \(Self.text(of: path + "-wal", wal))"
        fingerprint = Self.sha256(text)
    }

    /// An empty WAL is what readers make.
    private static func text(of path: String, _ status: stat?) -> String {
        guard let status, status.st_size > 0 else { return "0 " }
        let time = "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
        return "\(status.st_size) \(time) \(hex((read(path, 32) ?? [])[...]))"
    }

    /// Page size times pages; 0 where the header does not say (files that very old versions wrote last).
    private static func expectedBytes(_ head: [UInt8]) -> Int {
        func number(_ place: Int, _ count: Int) -> Int { head[place..<place + count].reduce(0) { $0 << 8 | Int($1) } }
        let page = number(16, 2) == 1 ? 65536 : number(16, 2)
        return number(24, 4) == number(92, 4) ? page * number(28, 4) : 0
    }

    private static func complaint(_ path: String, _ head: [UInt8]) -> String {
        if head.isEmpty { return "\(path) is empty" }
        if head.starts(with: "SQLite format 3\0".utf8) { return "\(path) has \(head.count) bytes, less than a header" }
        if head.starts(with: "** This file contains an SQLite 2".utf8) {
            return "\(path) is a database of SQLite 2; sqlite (version 2) can dump it"
        }
        let isText = head.allSatisfy { $0 >= 9 && $0 < 127 }
        return isText
            ? "\(path) is a text file, not a SQLite database"
            : "\(path) is not a SQLite database, or it is encrypted"
    }

    private static func status(_ path: String) throws(SourceError) -> stat {
        var status = stat()
        guard stat(path, &status) == 0 else {
            let reason = errno
            if reason == ENOENT { throw SourceError(.missing, "there is no file \(path)", nextStep: "check the path") }
            throw SourceError(.unreadable, "\(path) cannot be read: \(String(cString: strerror(reason)))")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw SourceError(.notAFile, "\(path) is not a file", nextStep: "name the database file itself")
        }
        return status
    }

    /// At most `count` bytes from its beginning; nil where it cannot be read.
    private static func read(_ path: String, _ count: Int) -> [UInt8]? {
        guard let handle = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? handle.close() }
        return (try? handle.read(upToCount: count)).map { Array($0 ?? Data()) }
    }

    private static func hex(_ bytes: ArraySlice<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func sha256(_ text: String) -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        _ = SHA256(Array(text.utf8), text.utf8.count, &digest)
        return hex(digest[...])
    }
}
