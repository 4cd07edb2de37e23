import GRDB
package import Planning

/// What is wrong with the file, or with reading it. Nothing was changed: neither the file nor the target.
package struct SourceError: Error, Sendable, Hashable {
    package enum Code: String, Sendable, Codable, CaseIterable {
        case missing = "no-such-file"
        case notAFile = "not-a-file"
        case unreadable = "file-unreadable"
        case notSQLite = "not-sqlite"
        case truncated = "file-truncated"
        case corrupt = "file-corrupt"
        case locked = "file-locked"
        /// A writer crashed, and what it left has to be rolled back by somebody who may write.
        case unfinished = "file-unfinished"
        case changed = "file-changed"
        case failed = "file-failed"
    }

    package var code: Code
    package var message: String
    package var nextStep: String?

    package init(_ code: Code, _ message: String, nextStep: String? = nil) {
        (self.code, self.message, self.nextStep) = (code, message, nextStep)
    }

    /// What SQLite itself does not notice.
    static func damaged(_ what: String, path: String) -> SourceError {
        SourceError(result: .SQLITE_CORRUPT, extended: .SQLITE_CORRUPT, text: what, path: path)
    }

    package var diagnostic: Diagnostic { Diagnostic(.error, code.rawValue, message, nextStep: nextStep) }

    /// From SQLite's result code (https://www.sqlite.org/rescode.html).
    init(_ error: DatabaseError, path: String) {
        self.init(result: error.resultCode, extended: error.extendedResultCode, text: error.message ?? "", path: path)
    }

    init(result: ResultCode, extended: ResultCode, text: String, path: String) {
        switch (result, extended) {
        case (_, .SQLITE_READONLY_ROLLBACK), (_, .SQLITE_READONLY_RECOVERY), (_, .SQLITE_BUSY_RECOVERY):
            self.init(
                .unfinished, "\(path) was left in the midst of a transaction by a program that crashed",
                nextStep: "open it once with its application, or: sqlite3 '\(path)' 'PRAGMA user_version'")
        case (.SQLITE_BUSY, _), (.SQLITE_LOCKED, _):
            self.init(
                .locked, "\(path) is locked by a program that writes it",
                nextStep: "stop that program, or wait until its transaction ends, and try again")
        case (.SQLITE_CORRUPT, _):
            self.init(
                .corrupt, "\(path) is damaged: \(text)",
                nextStep:
                    "sqlite3 '\(path)' 'PRAGMA integrity_check' says where; sqlite3 '\(path)' .recover > saved.sql saves what can be read"
            )
        case (.SQLITE_NOTADB, _):
            self.init(.notSQLite, "\(path) is not a SQLite database, or it is encrypted", nextStep: Self.decrypt)
        case (.SQLITE_IOERR, .SQLITE_IOERR_SHORT_READ):
            self.init(
                .truncated, "\(path) ends before its last page", nextStep: "copy it again, from a backup if need be")
        case (.SQLITE_CANTOPEN, _), (.SQLITE_PERM, _), (.SQLITE_AUTH, _), (.SQLITE_READONLY, _):
            self.init(
                .unreadable, "\(path) cannot be opened: \(text)",
                nextStep:
                    "check the rights of the file and of its folder; a file in WAL mode has a -wal file beside it that is read too"
            )
        default:
            self.init(
                .failed, "\(path): \(text) (SQLite \(extended.rawValue))",
                nextStep: "sqlite3 '\(path)' 'PRAGMA integrity_check' says whether it is damaged")
        }
    }

    static let decrypt =
        "check the path; an encrypted file (SQLCipher) has to be exported first: ATTACH … KEY ''; SELECT sqlcipher_export(…)"
}
