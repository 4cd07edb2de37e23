import Foundation

/// A key as the journal keeps it: a list in JSON, each value with its storage class, from which exactly the same key is made
/// again.
package enum KeyText {
    /// One of them is there.
    private struct Value: Codable {
        var integer: Int64?
        /// The shortest decimal number that means just this one; `inf` and `-inf` are no numbers of JSON.
        var real: String?
        var text: String?
        /// In hexadecimal, of a text with NUL or that is no UTF-8.
        var textBytes: String?
        /// In hexadecimal.
        var blob: String?
    }

    package struct Unreadable: Error, Sendable { var text: String }

    package static func text(_ key: [KeyValue]) throws -> String {
        let values = key.map { value in
            switch value {
            case .integer(let number): Value(integer: number)
            case .real(let number): Value(real: number.description)
            case .text(let bytes):
                plain(bytes).map { Value(text: $0) } ?? Value(textBytes: KeyValue.hex(bytes))
            case .blob(let bytes): Value(blob: KeyValue.hex(bytes))
            }
        }
        return String(decoding: try JSONEncoder().encode(values), as: UTF8.self)
    }

    private static func plain(_ bytes: [UInt8]) -> String? {
        bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
    }

    package static func key(_ text: String) throws -> [KeyValue] {
        try JSONDecoder().decode([Value].self, from: Data(text.utf8)).map { value in
            if let number = value.integer { return .integer(number) }
            if let number = value.real.flatMap(Double.init) { return .real(number) }
            if let text = value.text { return .text(Array(text.utf8)) }
            if let bytes = value.textBytes.flatMap(bytes) { return .text(bytes) }
            if let bytes = value.blob.flatMap(bytes) { return .blob(bytes) }
            throw Unreadable(text: text)
        }
    }

    private static func bytes(_ hex: String) -> [UInt8]? {
        let digits = Array(hex.utf8).map { Character(UnicodeScalar($0)).hexDigitValue }
        guard digits.count % 2 == 0, !digits.contains(nil) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8((digits[$0] ?? 0) << 4 | (digits[$0 + 1] ?? 0)) }
    }
}
