import Foundation

/// A reject as a line of JSON: `table`, `rowid` or `key`, `column`, `storage`, `value`, `reason`, `message`, `action`.
package enum RejectLine {
    private struct Line: Encodable {
        var table: String
        var rowid: Int64?
        var key: [String: String]?
        var column: String?
        var storage: String?
        var value: String?
        var bytes: Int?
        var reason: String
        var message: String
        var action: String
    }

    package static func text(_ reject: Reject) throws -> String {
        let line = Line(
            table: reject.table, rowid: reject.rowid, key: reject.key.isEmpty ? nil : reject.key, column: reject.column,
            storage: reject.storage?.rawValue, value: reject.value, bytes: reject.bytes, reason: reject.reason.rawValue,
            message: reject.message ?? reject.reason.text, action: reject.action.rawValue)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(line), as: UTF8.self)
    }

    static func key(_ text: String?) throws -> [String: String] {
        guard let text else { return [:] }
        return try JSONDecoder().decode([String: String].self, from: Data(text.utf8))
    }
}
