/// Appends messages to a buffer. The length is filled in when the message is whole, so nothing is measured twice.
///
/// Public for the reason that ``FrameHeader/read(_:)`` gives.
public struct MessageWriter: Sendable {
    @usableFromInline var buffer: [UInt8]

    @inlinable public var bytes: [UInt8] { buffer }

    @inlinable
    public init(reserving capacity: Int = 0) {
        buffer = []
        buffer.reserveCapacity(capacity)
    }

    /// One message: `body` appends what follows the length.
    @inlinable public mutating func message(_ tag: UInt8, _ body: (inout MessageWriter) -> Void = { _ in }) {
        buffer.append(tag)
        lengthPrefixed(body)
    }

    /// Without a tag, as the first packet of a client has none.
    @inlinable public mutating func lengthPrefixed(_ body: (inout MessageWriter) -> Void) {
        let start = buffer.count
        int32(0)
        body(&self)
        let length = UInt32(truncatingIfNeeded: buffer.count - start)
        for offset in 0..<4 { buffer[start + offset] = UInt8(truncatingIfNeeded: length >> (24 - 8 * UInt32(offset))) }
    }

    /// Empty again, with its room unless that is more than `limit` buffer.
    @inlinable public mutating func clear(keeping limit: Int) {
        buffer.removeAll(keepingCapacity: buffer.capacity <= limit)
    }

    @inlinable public mutating func byte(_ value: UInt8) { buffer.append(value) }
    @inlinable public mutating func int16(_ value: Int16) {
        withUnsafeBytes(of: value.bigEndian) { buffer.append(contentsOf: $0) }
    }
    @inlinable public mutating func int32(_ value: Int32) {
        withUnsafeBytes(of: value.bigEndian) { buffer.append(contentsOf: $0) }
    }
    public mutating func raw(_ value: some Sequence<UInt8>) { buffer.append(contentsOf: value) }
    /// For the usual case: the general one goes through tables of the sequence's type for each byte.
    @inlinable public mutating func raw(_ value: [UInt8]) { buffer.append(contentsOf: value) }
    @inlinable public mutating func raw(_ value: UnsafeRawBufferPointer) { buffer.append(contentsOf: value) }
    /// The text and a zero. A zero within would end it early and so move what follows: it is left out.
    public mutating func string(_ value: String) {
        buffer.append(contentsOf: value.utf8.lazy.filter { $0 != 0 })
        buffer.append(0)
    }
}
