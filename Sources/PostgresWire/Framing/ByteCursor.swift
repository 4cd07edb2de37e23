/// Reads a message's body from front to back. Nothing is read beyond the end: each call answers nil where the bytes run
/// out, and the message is then a protocol violation.
///
/// The bytes belong to the caller and must outlive the cursor and the slices that it gives.
package struct ByteCursor {
    private var rest: Slice<UnsafeRawBufferPointer>

    package init(_ bytes: UnsafeRawBufferPointer) { rest = bytes[...] }

    /// Bytes not read yet.
    package var remaining: Int { rest.count }
    package var isAtEnd: Bool { rest.isEmpty }

    package mutating func byte() -> UInt8? { rest.popFirst() }

    package mutating func int16() -> Int? {
        guard rest.count >= 2 else { return nil }
        let value = UnsafeRawBufferPointer(rebasing: rest).loadUnaligned(as: Int16.self)
        rest.removeFirst(2)
        return Int(Int16(bigEndian: value))
    }

    package mutating func int32() -> Int32? {
        guard rest.count >= 4 else { return nil }
        let value = UnsafeRawBufferPointer(rebasing: rest).loadUnaligned(as: Int32.self)
        rest.removeFirst(4)
        return Int32(bigEndian: value)
    }

    package mutating func take(_ count: Int) -> UnsafeRawBufferPointer? {
        guard count >= 0, rest.count >= count else { return nil }
        let taken = UnsafeRawBufferPointer(rebasing: rest.prefix(count))
        rest.removeFirst(count)
        return taken
    }

    package mutating func takeRest() -> UnsafeRawBufferPointer {
        defer { rest = rest[rest.endIndex...] }
        return UnsafeRawBufferPointer(rebasing: rest)
    }

    /// The bytes before the next zero, which is read too and not given.
    package mutating func cString() -> UnsafeRawBufferPointer? {
        guard let end = rest.firstIndex(of: 0) else { return nil }
        let text = UnsafeRawBufferPointer(rebasing: rest[..<end])
        rest = rest[rest.index(after: end)...]
        return text
    }

    /// As `cString`, decoded; bytes that are not UTF-8 become U+FFFD.
    package mutating func string() -> String? { cString().map { String(decoding: $0, as: UTF8.self) } }
}
