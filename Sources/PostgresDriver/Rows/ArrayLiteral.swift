/// PostgreSQL's text form of one-dimensional arrays: `{a,"b \"c\"",NULL}`.
enum ArrayLiteral {
    /// Why a literal could not be read.
    struct Malformed: Error {
        var reason: String
    }

    static func encode(_ elements: [String?]) -> String {
        var text = "{"
        for (index, element) in elements.enumerated() {
            if index > 0 { text.append(",") }
            guard let element else {
                text.append("NULL")
                continue
            }
            text.append("\"")
            for scalar in element.unicodeScalars {
                if scalar == "\"" || scalar == "\\" { text.append("\\") }
                text.unicodeScalars.append(scalar)
            }
            text.append("\"")
        }
        return text + "}"
    }

    /// Reads a literal; nil is NULL. An array of arrays is refused.
    static func decode(_ bytes: UnsafeBufferPointer<UInt8>) throws -> [String?] {
        var reader = Reader(bytes: bytes)
        return try reader.read()
    }
}

private struct Reader {
    let bytes: UnsafeBufferPointer<UInt8>
    var index = 0

    init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    mutating func read() throws -> [String?] {
        try skipBounds()
        try expect(UInt8(ascii: "{"))
        var elements: [String?] = []
        if peek == UInt8(ascii: "}") {
            index += 1
        } else {
            while true {
                elements.append(try element())
                guard let next = peek else { throw ArrayLiteral.Malformed(reason: "it ends too early") }
                index += 1
                if next == UInt8(ascii: "}") { break }
                guard next == UInt8(ascii: ",") else { throw ArrayLiteral.Malformed(reason: "a comma is missing") }
            }
        }
        guard index == bytes.count else { throw ArrayLiteral.Malformed(reason: "something follows it") }
        return elements
    }

    private var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func expect(_ byte: UInt8) throws {
        guard peek == byte else { throw ArrayLiteral.Malformed(reason: "it is not an array") }
        index += 1
    }

    /// An array that does not start at 1 is written `[0:2]={…}`.
    private mutating func skipBounds() throws {
        guard peek == UInt8(ascii: "[") else { return }
        guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")) else {
            throw ArrayLiteral.Malformed(reason: "it is not an array")
        }
        index = equals + 1
    }

    private mutating func element() throws -> String? {
        switch peek {
        case UInt8(ascii: "{"): throw ArrayLiteral.Malformed(reason: "it is an array of arrays")
        case UInt8(ascii: "\""): return try quoted()
        default: return try plain()
        }
    }

    private mutating func plain() throws -> String? {
        var text: [UInt8] = []
        while let byte = peek, byte != UInt8(ascii: ","), byte != UInt8(ascii: "}") {
            index += 1
            guard byte == UInt8(ascii: "\\"), let escaped = peek else {
                text.append(byte)
                continue
            }
            text.append(escaped)
            index += 1
        }
        if text.isEmpty { throw ArrayLiteral.Malformed(reason: "an element is missing") }
        let value = String(decoding: text, as: UTF8.self)
        return value == "NULL" ? nil : value
    }

    private mutating func quoted() throws -> String {
        index += 1
        var text: [UInt8] = []
        while let byte = peek {
            index += 1
            if byte == UInt8(ascii: "\"") { return String(decoding: text, as: UTF8.self) }
            guard byte == UInt8(ascii: "\\") else {
                text.append(byte)
                continue
            }
            guard let escaped = peek else { break }
            text.append(escaped)
            index += 1
        }
        throw ArrayLiteral.Malformed(reason: "a quote is not closed")
    }
}
