/// Appends messages to a buffer. The length is filled in when the message is whole, so nothing is measured twice.
package struct MessageWriter: Sendable {
    package private(set) var bytes: [UInt8]

    package init(reserving capacity: Int = 0) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    /// One message: `body` appends what follows the length.
    package mutating func message(_ tag: UInt8, _ body: (inout MessageWriter) -> Void = { _ in }) {
        bytes.append(tag)
        lengthPrefixed(body)
    }

    /// Without a tag, as the first packet of a client has none.
    package mutating func lengthPrefixed(_ body: (inout MessageWriter) -> Void) {
        let start = bytes.count
        int32(0)
        body(&self)
        let length = UInt32(truncatingIfNeeded: bytes.count - start)
        for offset in 0..<4 { bytes[start + offset] = UInt8(truncatingIfNeeded: length >> (24 - 8 * UInt32(offset))) }
    }

    /// Empty again, with its room unless that is more than `limit` bytes.
    package mutating func clear(keeping limit: Int) { bytes.removeAll(keepingCapacity: bytes.capacity <= limit) }

    package mutating func byte(_ value: UInt8) { bytes.append(value) }
    package mutating func int16(_ value: Int16) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }
    package mutating func int32(_ value: Int32) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }
    package mutating func raw(_ value: some Sequence<UInt8>) { bytes.append(contentsOf: value) }
    /// For the usual case: the general one goes through tables of the sequence's type for each byte.
    package mutating func raw(_ value: [UInt8]) { bytes.append(contentsOf: value) }
    package mutating func raw(_ value: UnsafeRawBufferPointer) { bytes.append(contentsOf: value) }
    /// The text and a zero. A zero within would end it early and so move what follows: it is left out.
    package mutating func string(_ value: String) {
        bytes.append(contentsOf: value.utf8.lazy.filter { $0 != 0 })
        bytes.append(0)
    }
}
