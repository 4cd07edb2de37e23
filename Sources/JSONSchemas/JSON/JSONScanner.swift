/// Walks through a JSON text value by value, and says where each is: what reads an outer object or array itself and hands
/// the bytes within on as they were written.
///
/// ```
/// try scanner.beginArray()
/// while try scanner.nextElement() {
///     try scanner.beginObject()
///     while let key = try scanner.nextKey() {
///         let (value, range) = try scanner.valueWithRange()
///     }
/// }
/// try scanner.finish()
/// ```
///
/// After `nextElement` or `nextKey` exactly one value has to be read. Everything is checked on the way. The bytes have to
/// stay where they are while it is used.
package struct JSONScanner {
    private struct Open {
        var isObject: Bool
        var isFirst = true
        var keys: Set<JSONKey> = []
    }

    let bytes: UnsafeRawBufferPointer
    let limits: JSONLimits
    /// Of the next byte to read.
    package internal(set) var offset = 0
    /// Digits that exponents stand for, of all numbers.
    var expansion = 0
    private var open: [Open] = []
    private var hasStarted = false

    package init(_ bytes: UnsafeRawBufferPointer, limits: JSONLimits = JSONLimits()) {
        self.bytes = bytes
        self.limits = limits
    }

    /// The next value, whole.
    package mutating func value() throws(JSONError) -> JSONValue {
        try start()
        return try anyValue(depth: open.count)
    }

    /// The next value, and where its bytes are, without what is around them.
    package mutating func valueWithRange() throws(JSONError) -> (value: JSONValue, range: Range<Int>) {
        try start()
        let first = offset
        let value = try anyValue(depth: open.count)
        return (value, first..<offset)
    }

    /// Enters an object, the next value.
    package mutating func beginObject() throws(JSONError) { try begin(0x7B, "an object", isObject: true) }

    /// Enters an array, the next value.
    package mutating func beginArray() throws(JSONError) { try begin(0x5B, "an array", isObject: false) }

    /// The next key of the object entered last; nil at its end, which is left then.
    package mutating func nextKey() throws(JSONError) -> String? {
        guard try hasNext(closing: 0x7D) else { return nil }
        let place = offset
        let key = try self.key()
        guard open[open.count - 1].keys.insert(JSONKey(key)).inserted else { throw duplicate(key, at: place) }
        return key
    }

    /// Whether the array entered last has another element; it is left at its end.
    package mutating func nextElement() throws(JSONError) -> Bool { try hasNext(closing: 0x5D) }

    /// The text ends here, and everything that was entered has been left.
    package mutating func finish() throws(JSONError) {
        skipSpace()
        guard open.isEmpty else { throw error(.endOfText, "the text is read only in part") }
        guard offset == bytes.count else { throw error(.trailingBytes, "nothing may follow the value") }
    }

    private mutating func begin(_ byte: UInt8, _ name: String, isObject: Bool) throws(JSONError) {
        try start()
        guard let found = peek else { throw error(.endOfText, "the text ends where \(name) is expected") }
        guard found == byte else { throw error(.unexpectedType, "\(name) is expected here") }
        try checkDepth(open.count)
        offset += 1
        open.append(Open(isObject: isObject))
    }

    private mutating func hasNext(closing: UInt8) throws(JSONError) -> Bool {
        guard let last = open.last, last.isObject == (closing == 0x7D) else {
            throw error(.unexpectedType, "no such value has been entered")
        }
        guard try member(isFirst: last.isFirst, closing: closing) else {
            open.removeLast()
            return false
        }
        open[open.count - 1].isFirst = false
        return true
    }

    private mutating func start() throws(JSONError) {
        if !hasStarted {
            hasStarted = true
            try checkBeginning()
        }
        skipSpace()
    }
}
