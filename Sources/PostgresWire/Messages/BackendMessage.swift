/// Whether a session is in a transaction, as ReadyForQuery says.
public enum TransactionStatus: UInt8, Sendable {
    case idle = 0x49
    case inTransaction = 0x54
    case failed = 0x45

    /// Of the cases, in the caller's module: the standard library's compares raw values through tables of the type.
    @inlinable
    @inline(__always)
    public static func == (left: TransactionStatus, right: TransactionStatus) -> Bool {
        switch (left, right) {
        case (.idle, .idle), (.inTransaction, .inTransaction), (.failed, .failed): true
        default: false
        }
    }
}

/// What a server asks for in an Authentication message.
package enum AuthenticationRequest: Equatable, Sendable {
    case ok
    case cleartextPassword
    case md5Password(salt: [UInt8])
    case sasl(mechanisms: [String])
    case saslContinue([UInt8])
    case saslFinal([UInt8])
    /// GSSAPI, SSPI, Kerberos and what is to come: its number.
    case unsupported(Int32)

    package init?(body: UnsafeRawBufferPointer) {
        var cursor = ByteCursor(body)
        guard let code = cursor.int32() else { return nil }
        switch code {
        case 0: self = .ok
        case 3: self = .cleartextPassword
        case 5:
            guard let salt = cursor.take(4) else { return nil }
            self = .md5Password(salt: Array(salt))
        case 10:
            var mechanisms: [String] = []
            while let name = cursor.string(), !name.isEmpty { mechanisms.append(name) }
            self = .sasl(mechanisms: mechanisms)
        case 11: self = .saslContinue(Array(cursor.takeRest()))
        case 12: self = .saslFinal(Array(cursor.takeRest()))
        default: self = .unsupported(code)
        }
    }

    package func write(to writer: inout MessageWriter) {
        writer.message(BackendTag.authentication) { body in
            switch self {
            case .ok: body.int32(0)
            case .cleartextPassword: body.int32(3)
            case .md5Password(let salt):
                body.int32(5)
                body.raw(salt)
            case .sasl(let mechanisms):
                body.int32(10)
                for name in mechanisms { body.string(name) }
                body.byte(0)
            case .saslContinue(let data):
                body.int32(11)
                body.raw(data)
            case .saslFinal(let data):
                body.int32(12)
                body.raw(data)
            case .unsupported(let code): body.int32(code)
            }
        }
    }
}

/// A setting that the server reports.
package struct ParameterStatus: Equatable, Sendable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }

    package init?(body: UnsafeRawBufferPointer) {
        var cursor = ByteCursor(body)
        guard let name = cursor.string(), let value = cursor.string() else { return nil }
        self.init(name: name, value: value)
    }

    package func write(to writer: inout MessageWriter) {
        writer.message(BackendTag.parameterStatus) { body in
            body.string(name)
            body.string(value)
        }
    }
}

extension CancelKey {
    /// From the body of BackendKeyData.
    package init?(keyData body: UnsafeRawBufferPointer) { self.init(body) }

    package func writeKeyData(to writer: inout MessageWriter) {
        writer.message(BackendTag.backendKeyData) { body in
            body.int32(processID)
            body.raw(secret)
        }
    }

    /// The packet that asks a server to cancel.
    package var cancelRequest: [UInt8] {
        var writer = MessageWriter(reserving: 16)
        writer.lengthPrefixed { body in
            body.int32(80_877_102)
            body.int32(processID)
            body.raw(secret)
        }
        return writer.bytes
    }
}

/// Small messages that a proxy says itself.
package enum BackendMessages {
    package static func readyForQuery(_ status: TransactionStatus) -> [UInt8] {
        [BackendTag.readyForQuery, 0, 0, 0, 5, status.rawValue]
    }

    package static let parseComplete: [UInt8] = [BackendTag.parseComplete, 0, 0, 0, 4]
    package static let closeComplete: [UInt8] = [BackendTag.closeComplete, 0, 0, 0, 4]
    package static let emptyQueryResponse: [UInt8] = [BackendTag.emptyQueryResponse, 0, 0, 0, 4]

    package static func commandComplete(_ tag: String, to writer: inout MessageWriter) {
        writer.message(BackendTag.commandComplete) { $0.string(tag) }
    }

    /// What a client of a newer protocol is told: the newest minor version here, and the options that are not known.
    package static func negotiateProtocolVersion(_ minor: Int, options: [String], to writer: inout MessageWriter) {
        writer.message(BackendTag.negotiateProtocolVersion) { body in
            body.int32(3 << 16 | Int32(minor))
            body.int32(Int32(options.count))
            for option in options { body.string(option) }
        }
    }
}
