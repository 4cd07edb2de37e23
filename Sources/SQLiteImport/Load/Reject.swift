/// A value that did not arrive as it was.
package struct Reject: Sendable, Hashable {
    /// What became of its row.
    package enum Action: String, Sendable, Codable {
        /// It was not loaded.
        case row
        /// It was loaded with NULL in its place.
        case null
        /// It was loaded with NULL in its place, and the value in the text column beside it.
        case text
    }

    /// Of the file.
    package var table: String
    /// Nil in a table without rowids.
    package var rowid: Int64?
    /// The values of its key where there is no rowid, by column.
    package var key: [String: String] = [:]
    /// Of the file; nil where the server refused the row and did not say for which.
    package var column: String?
    package var storage: ValueClass.Storage?
    /// Text and numbers as such; blobs and what is not UTF-8 in hexadecimal behind `\x`.
    package var value: String?
    /// Bytes of the value, where `value` holds only its beginning.
    package var bytes: Int?
    package var reason: RejectReason
    /// What the server said.
    package var message: String?
    package var action: Action

    package init(
        table: String, column: String? = nil, storage: ValueClass.Storage? = nil, reason: RejectReason, action: Action
    ) {
        (self.table, self.column, self.storage) = (table, column, storage)
        (self.reason, self.action) = (reason, action)
    }

    /// Bytes of a value that are kept.
    package static let mostBytes = 1 << 16
}
