#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Reads a message's body from front to back. Nothing is read beyond the end: each call answers nil where the bytes run
/// out, and the message is then a protocol violation.
///
/// The bytes belong to the caller and must outlive the cursor and the slices that it gives.
public struct ByteCursor {
    @usableFromInline var rest: UnsafeRawBufferPointer

    @inlinable public init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

    /// Bytes not read yet.
    @inlinable public var remaining: Int { rest.count }
    @inlinable public var isAtEnd: Bool { rest.isEmpty }

    @inlinable public mutating func byte() -> UInt8? {
        guard let byte = rest.first else { return nil }
        skip(1)
        return byte
    }

    @inlinable public mutating func int16() -> Int? {
        guard rest.count >= 2 else { return nil }
        let value = rest.loadUnaligned(as: Int16.self)
        skip(2)
        return Int(Int16(bigEndian: value))
    }

    @inlinable public mutating func int32() -> Int32? {
        guard rest.count >= 4 else { return nil }
        let value = rest.loadUnaligned(as: Int32.self)
        skip(4)
        return Int32(bigEndian: value)
    }

    @inlinable public mutating func take(_ count: Int) -> UnsafeRawBufferPointer? {
        guard count >= 0, rest.count >= count else { return nil }
        let taken = UnsafeRawBufferPointer(rebasing: rest[..<count])
        skip(count)
        return taken
    }

    @inlinable public mutating func takeRest() -> UnsafeRawBufferPointer {
        defer { skip(rest.count) }
        return rest
    }

    /// The bytes before the next zero, which is read too and not given.
    public mutating func cString() -> UnsafeRawBufferPointer? {
        guard let base = rest.baseAddress, let end = memchr(base, 0, rest.count) else { return nil }
        let count = UnsafeRawPointer(end) - base
        defer { skip(count + 1) }
        return UnsafeRawBufferPointer(start: base, count: count)
    }

    /// As `cString`, decoded; bytes that are not UTF-8 become U+FFFD.
    public mutating func string() -> String? { cString().map { String(decoding: $0, as: UTF8.self) } }

    @inlinable mutating func skip(_ count: Int) { rest = UnsafeRawBufferPointer(rebasing: rest[count...]) }
}
