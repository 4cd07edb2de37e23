/// What a client sends first, before any message with a tag.
package enum StartupPacket: Equatable, Sendable {
    case start(StartupMessage)
    case sslRequest
    case gssEncryptionRequest
    case cancel(CancelKey)

    /// PostgreSQL's own bound (MAX_STARTUP_PACKET_LENGTH), which keeps a stranger from making us hold more.
    package static let maximumBytes = 10_000

    package enum Reading: Equatable, Sendable {
        case packet(StartupPacket, byteCount: Int)
        case needsMore
        case invalid(StartupError)
    }

    private static let sslCode: Int32 = 80_877_103
    private static let gssCode: Int32 = 80_877_104
    private static let cancelCode: Int32 = 80_877_102

    /// Looks at the start of the bytes.
    package static func read(_ bytes: UnsafeRawBufferPointer) -> Reading {
        var cursor = ByteCursor(bytes)
        guard let length = cursor.int32() else { return .needsMore }
        guard length >= 8, length <= maximumBytes else { return .invalid(.length(length)) }
        guard let body = cursor.take(Int(length) - 4) else { return .needsMore }
        var inside = ByteCursor(body)
        guard let code = inside.int32() else { return .invalid(.length(length)) }
        let rest = inside.takeRest()
        let packet: StartupPacket
        switch code {
        case sslCode where rest.isEmpty: packet = .sslRequest
        case gssCode where rest.isEmpty: packet = .gssEncryptionRequest
        case cancelCode:
            guard let key = CancelKey(rest) else { return .invalid(.cancelKey) }
            packet = .cancel(key)
        default:
            switch StartupMessage.read(version: code, rest) {
            case .success(let message): packet = .start(message)
            case .failure(let error): return .invalid(error)
            }
        }
        return .packet(packet, byteCount: Int(length))
    }
}

package enum StartupError: Error, Equatable, Sendable {
    case length(Int32)
    case cancelKey
    case version(major: Int, minor: Int)
    /// Names and values do not come in pairs that end with a zero, as PostgreSQL's message for it says.
    case layout
    case noUser
}

/// Names the query of a session that is to be cancelled: process id and secret, as BackendKeyData gave them.
package struct CancelKey: Hashable, Sendable {
    package var processID: Int32
    /// 4 bytes in protocol 3.0, up to 256 from 3.2 on.
    package var secret: [UInt8]

    package init(processID: Int32, secret: [UInt8]) {
        self.processID = processID
        self.secret = secret
    }

    init?(_ body: UnsafeRawBufferPointer) {
        var cursor = ByteCursor(body)
        guard let processID = cursor.int32(), 4...256 ~= cursor.remaining else { return nil }
        self.init(processID: processID, secret: Array(cursor.takeRest()))
    }
}
