internal import PostgresWire

/// How far the next unit of a client's bytes reaches. Pure.
enum UnitScan: Equatable {
    /// These bytes are a unit: they end with a simple query, Sync, Flush or a function call.
    case unit(Int)
    /// CopyData, CopyDone and CopyFail, as many as are there whole; they end no unit and wait for none.
    case copy(Int)
    /// A frame of copied data of which only a part is here: it is passed on as it comes.
    case partialCopy(header: FrameHeader)
    /// The front of a long batch, which ends with an Execute: more follows before its Sync.
    case part(Int)
    /// What waits here is larger than a unit may be: so many bytes are whole frames, and the next frame is not whole.
    case large(whole: Int)
    case terminate
    case needsMore
    case invalid(tag: UInt8)

    /// What a unit may hold back before it is sent on without further looking: 1 MiB.
    static let maximumBytes = 1 << 20

    /// From here on, a batch of several Executes need not be held back for its Sync: 64 KiB.
    static let partBytes = 1 << 16

    /// - Parameter parts: whether a batch may be sent in parts.
    @inline(__always)
    static func next(_ bytes: UnsafeRawBufferPointer, parts: Bool = true) -> UnitScan {
        var offset = 0
        var executes = 0
        while true {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            switch FrameHeader.read(rest) {
            case .needsMore: return offset >= maximumBytes ? .large(whole: offset) : .needsMore
            case .invalid(let tag, _): return .invalid(tag: tag)
            case .header(let header):
                let isWhole = rest.count >= header.frameCount
                switch header.tag {
                case FrontendTag.query, FrontendTag.sync, FrontendTag.flush, FrontendTag.functionCall:
                    if isWhole { return .unit(offset + header.frameCount) }
                case FrontendTag.parse, FrontendTag.bind, FrontendTag.describe, FrontendTag.execute, FrontendTag.close:
                    break
                case FrontendTag.copyData, FrontendTag.copyDone, FrontendTag.copyFail:
                    // What stands before it has to go out first, and can: the server is reading copied data.
                    if offset > 0 { return .unit(offset) }
                    if isWhole { return .copy(header.frameCount) }
                    return header.tag == FrontendTag.copyData ? .partialCopy(header: header) : .needsMore
                // What was not followed by Sync would be rolled back.
                case FrontendTag.terminate: return .terminate
                default: return .invalid(tag: header.tag)
                }
                guard isWhole else {
                    return offset + header.frameCount > maximumBytes ? .large(whole: offset) : .needsMore
                }
                offset += header.frameCount
                guard header.tag == FrontendTag.execute else { continue }
                executes += 1
                if parts, executes > 1, offset >= partBytes { return .part(offset) }
            }
        }
    }
}
