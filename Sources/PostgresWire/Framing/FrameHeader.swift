/// Tag and length of a message: the five bytes that a relay has to look at.
public struct FrameHeader: Equatable, Sendable {
    /// Bytes of the header: the tag and the four of the length.
    @inlinable @inline(__always) public static var byteCount: Int { 5 }

    public var tag: UInt8
    /// Bytes of the body, without tag and length: 0 to 2^31 - 5.
    public var bodyCount: Int

    /// Bytes of the whole message.
    @inlinable public var frameCount: Int { Self.byteCount + bodyCount }

    @inlinable
    public init(tag: UInt8, bodyCount: Int) {
        self.tag = tag
        self.bodyCount = bodyCount
    }

    public enum Reading: Equatable, Sendable {
        case header(FrameHeader)
        /// Fewer than five bytes are there.
        case needsMore
        /// The length counts itself and so is at least 4; what says less is not this protocol.
        case invalid(tag: UInt8, length: Int32)
    }

    /// Looks at the start of the bytes; moves nothing, copies nothing.
    ///
    /// In the callers' modules, as everything that runs for each message: a call costs more than what it does. That is why
    /// it is public: what is `package` is never compiled into another module, whatever it is marked with.
    @inlinable
    @inline(__always)
    public static func read(_ bytes: UnsafeRawBufferPointer) -> Reading {
        guard bytes.count >= byteCount, let base = bytes.baseAddress else { return .needsMore }
        let tag = base.load(as: UInt8.self)
        let length = Int32(bigEndian: base.loadUnaligned(fromByteOffset: 1, as: Int32.self))
        guard length >= 4 else { return .invalid(tag: tag, length: length) }
        return .header(FrameHeader(tag: tag, bodyCount: Int(length) - 4))
    }
}
