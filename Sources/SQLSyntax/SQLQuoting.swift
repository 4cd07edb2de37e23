/// SQL text that is safe by construction: names and values quoted as PostgreSQL's own functions quote them.
package enum SQL {
    /// The longest name PostgreSQL keeps, in bytes; it cuts longer ones off with only a notice.
    package static let maxIdentifierBytes = 63

    /// The name as `quote_ident` writes it: quoted unless it is plain lower case and no reserved word.
    package static func identifier(_ name: String) -> String {
        isPlain(name) ? name : "\"" + doubling(0x22, in: name) + "\""
    }

    /// `schema.name`, or only the name when `schema` is nil.
    package static func qualified(_ schema: String?, _ name: String) -> String {
        guard let schema else { return identifier(name) }
        return identifier(schema) + "." + identifier(name)
    }

    /// The value as `quote_literal` writes it; `E'…'` when it holds a backslash.
    package static func literal(_ value: String) -> String {
        let quoted = doubling(0x27, in: value)
        guard value.utf8.contains(0x5C) else { return "'" + quoted + "'" }
        return "E'" + doubling(0x5C, in: quoted) + "'"
    }

    /// The text between dollar quotes whose tag does not occur in it.
    package static func dollarQuoted(_ body: String) -> String {
        var tag = "$$"
        var attempt = 0
        // A body that ends in `$` would close the quote one byte early, so the tag is tried with that byte too.
        while contains(Array((body + "$").utf8), Array(tag.utf8)) {
            attempt += 1
            tag = attempt == 1 ? "$body$" : "$body\(attempt)$"
        }
        return tag + body + tag
    }

    /// Whether PostgreSQL would keep the whole name: not empty, without NUL, and at most 63 bytes.
    package static func fits(_ name: String) -> Bool {
        (1...maxIdentifierBytes).contains(name.utf8.count) && !name.utf8.contains(0)
    }

    /// The name as PostgreSQL stores it: cut to 63 bytes, never inside a character.
    package static func truncated(_ name: String) -> String {
        guard name.utf8.count > maxIdentifierBytes else { return name }
        var bytes = Array(name.utf8.prefix(maxIdentifierBytes + 1))
        repeat { bytes.removeLast() } while bytes.count > maxIdentifierBytes || continues(name, at: bytes.count)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func continues(_ name: String, at offset: Int) -> Bool {
        let utf8 = name.utf8
        guard offset > 0, offset < utf8.count else { return false }
        return utf8[utf8.index(utf8.startIndex, offsetBy: offset)] & 0xC0 == 0x80
    }

    private static func isPlain(_ name: String) -> Bool {
        guard let first = name.utf8.first, first == 0x5F || isLower(first) else { return false }
        // PostgreSQL reads `$` inside a plain name, yet quote_ident quotes it, because the standard does not allow it.
        guard name.utf8.allSatisfy({ $0 == 0x5F || isLower($0) || (0x30...0x39).contains($0) }) else { return false }
        let group = SQLKeywords.keywordClass(of: name)
        return group == nil || group == .unreserved
    }

    private static func isLower(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte)
    }

    private static func doubling(_ mark: UInt8, in text: String) -> String {
        guard text.utf8.contains(mark) else { return text }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count + 8)
        for byte in text.utf8 {
            bytes.append(byte)
            if byte == mark { bytes.append(byte) }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func contains(_ text: [UInt8], _ part: [UInt8]) -> Bool {
        guard text.count >= part.count else { return false }
        return (0...(text.count - part.count)).contains { text[$0..<($0 + part.count)].elementsEqual(part) }
    }
}
