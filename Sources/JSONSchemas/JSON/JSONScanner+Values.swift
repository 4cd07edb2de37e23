extension JSONScanner {
    var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    func error(_ code: JSONError.Code, _ message: String) -> JSONError { error(code, message, at: offset) }

    func error(_ code: JSONError.Code, _ message: String, at offset: Int) -> JSONError {
        JSONError(code, message, at: offset, in: bytes)
    }

    mutating func skipSpace() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x0A, 0x0D, 0x09: offset += 1
            default: return
            }
        }
    }

    func checkBeginning() throws(JSONError) {
        guard bytes.count <= limits.bytes else {
            throw error(.tooLong, "the text has \(bytes.count) bytes, \(limits.bytes) are allowed", at: 0)
        }
        guard !bytes.starts(with: [0xEF, 0xBB, 0xBF]) else {
            throw error(.byteOrderMark, "the text begins with a byte order mark, which JSON does not allow", at: 0)
        }
    }

    func checkDepth(_ depth: Int) throws(JSONError) {
        guard depth < limits.depth else {
            throw error(.tooDeep, "more than \(limits.depth) arrays and objects are within each other")
        }
    }

    /// A value at which the scanner stands. `depth` counts what is around it.
    mutating func anyValue(depth: Int) throws(JSONError) -> JSONValue {
        guard let first = peek else { throw error(.endOfText, "the text ends where a value is expected") }
        switch first {
        case 0x22: return .string(try string())
        case 0x7B: return .object(try object(depth: depth))
        case 0x5B: return .array(try array(depth: depth))
        case 0x2D, 0x30...0x39: return .number(try number())
        case 0x74: return try word("true", .bool(true))
        case 0x66: return try word("false", .bool(false))
        case 0x6E: return try word("null", .null)
        default: throw unexpected("a value")
        }
    }

    private mutating func word(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        let count = text.utf8CodeUnitCount
        let matches = text.withUTF8Buffer { expected in
            bytes.count - offset >= count && bytes[offset..<offset + count].elementsEqual(expected)
        }
        guard matches else { throw error(.syntax, "a value is expected here, perhaps \(text)") }
        offset += count
        return value
    }

    private mutating func array(depth: Int) throws(JSONError) -> [JSONValue] {
        try checkDepth(depth)
        offset += 1
        var values: [JSONValue] = []
        while try member(isFirst: values.isEmpty, closing: 0x5D) { values.append(try anyValue(depth: depth + 1)) }
        return values
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONObject {
        try checkDepth(depth)
        offset += 1
        var object = JSONObject()
        while try member(isFirst: object.isEmpty, closing: 0x7D) {
            let place = offset
            let key = try self.key()
            guard object.append(key, try anyValue(depth: depth + 1)) else { throw duplicate(key, at: place) }
        }
        return object
    }

    /// Whether another member or element follows, at whose first byte the scanner stands then; else it stands behind the
    /// closing bracket.
    mutating func member(isFirst: Bool, closing: UInt8) throws(JSONError) -> Bool {
        skipSpace()
        guard let next = peek else { throw error(.endOfText, "the text ends within \(name(of: closing))") }
        if next == closing {
            offset += 1
            return false
        }
        guard !isFirst else { return true }
        guard next == 0x2C else { throw unexpected("a comma or the end of \(name(of: closing))") }
        offset += 1
        skipSpace()
        guard peek != closing else { throw error(.syntax, "a comma stands before the end of \(name(of: closing))") }
        return true
    }

    /// A key and its colon, and the space behind.
    mutating func key() throws(JSONError) -> String {
        guard peek == 0x22 else { throw unexpected("a key in double quotes") }
        let key = try string()
        skipSpace()
        guard peek == 0x3A else { throw unexpected("a colon behind the key") }
        offset += 1
        skipSpace()
        return key
    }

    func duplicate(_ key: String, at place: Int) -> JSONError {
        error(.duplicateKey, "the key \(JSONWriter.shortened(.string(key))) is there twice", at: place)
    }

    func unexpected(_ wanted: String) -> JSONError {
        guard let byte = peek else { return error(.endOfText, "the text ends where \(wanted) is expected") }
        let found = (0x21...0x7E).contains(byte) ? ", not \(Character(UnicodeScalar(byte)))" : ""
        return error(.syntax, "\(wanted) is expected here\(found)")
    }

    private func name(of closing: UInt8) -> String { closing == 0x5D ? "an array" : "an object" }
}
