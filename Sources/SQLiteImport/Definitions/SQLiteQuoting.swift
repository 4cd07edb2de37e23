/// Names and texts as SQLite reads them.
package enum SQLite {
    /// Always quoted. GRDB's own way leaves quotes inside of a name as they are.
    package static func identifier(_ name: String) -> String { quoted(name, by: 0x22) }

    package static func literal(_ text: String) -> String { quoted(text, by: 0x27) }

    /// By bytes: a quote with a combining character behind it is one `Character`, which is not the quote.
    private static func quoted(_ text: String, by mark: UInt8) -> String {
        var bytes = [mark]
        for byte in text.utf8 {
            if byte == mark { bytes.append(mark) }
            bytes.append(byte)
        }
        return String(decoding: bytes + [mark], as: UTF8.self)
    }
}
