internal import PostgresWire

/// What proves to a server who we are.
enum ServerSecret: Sendable, CustomStringConvertible {
    case password(String)
    /// What a client's own SCRAM login gave.
    case keys(ScramKeys)
    /// `md5` and 32 digits, as in a users file.
    case md5(String)
    case none

    var description: String { "a secret" }
}

/// The login of a server connection, as a state machine: messages in, what to do out.
struct ServerLogin {
    enum Action: Equatable {
        case none
        case send([UInt8])
        case ready
        /// With the server's own words, or ours.
        case failed(ErrorFields)
    }

    private let user: String
    private let secret: ServerSecret
    /// Of the server's certificate, on an encrypted connection.
    var endpoint: [UInt8]?
    private var scram: ScramClient?
    private var isServerProved = true
    private(set) var key: CancelKey?
    private(set) var parameters: [ParameterStatus] = []

    /// More than any server reports; a hostile one does not make us hold more.
    private static let maximumParameters = 256

    init(user: String, secret: ServerSecret) {
        self.user = user
        self.secret = secret
    }

    mutating func received(_ tag: UInt8, _ body: UnsafeRawBufferPointer) -> Action {
        switch tag {
        case BackendTag.authentication:
            guard let request = AuthenticationRequest(body: body) else { return violation("an authentication request") }
            return answer(request)
        case BackendTag.parameterStatus:
            guard let parameter = ParameterStatus(body: body), parameters.count < Self.maximumParameters else {
                return violation("a parameter")
            }
            parameters.append(parameter)
            return .none
        case BackendTag.backendKeyData:
            key = CancelKey(keyData: body)
            return .none
        case BackendTag.errorResponse:
            return .failed(ErrorFields(body: body) ?? Self.protocolError("an error that cannot be read"))
        case BackendTag.noticeResponse, BackendTag.negotiateProtocolVersion: return .none
        case BackendTag.readyForQuery: return isServerProved ? .ready : violation("the end of a login without a proof")
        default: return violation("a message of type \(tag)")
        }
    }

    private mutating func answer(_ request: AuthenticationRequest) -> Action {
        switch request {
        case .ok: return isServerProved ? .none : .failed(Self.notProved)
        case .cleartextPassword:
            guard case .password(let password) = secret else { return .failed(noSecret("a password in clear text")) }
            return .send(Self.password(Array(password.utf8) + [0]))
        case .md5Password(let salt):
            let stored: String? =
                switch secret {
                case .password(let password): MD5Password.stored(password: password, user: user)
                case .md5(let text): text
                case .keys, .none: nil
                }
            guard let stored, let answer = MD5Password.answer(stored: stored, salt: salt) else {
                return .failed(noSecret("an md5 password"))
            }
            return .send(Self.password(Array(answer.utf8) + [0]))
        case .sasl(let mechanisms): return startScram(mechanisms)
        case .saslContinue(let challenge):
            guard var client = scram else { return violation("a challenge that nobody asked for") }
            defer { scram = client }
            switch client.answer(challenge) {
            case .success(let bytes): return .send(Self.password(bytes))
            case .failure: return violation("a challenge that is no SCRAM-SHA-256")
            }
        case .saslFinal(let final):
            guard let client = scram, client.check(final) == nil else { return .failed(Self.notProved) }
            isServerProved = true
            return .none
        case .unsupported(let code):
            return .failed(noSecret("authentication of kind \(code), which is not supported here"))
        }
    }

    private mutating func startScram(_ mechanisms: [String]) -> Action {
        guard mechanisms.contains(ScramServer.mechanism) else {
            return .failed(noSecret("one of \(mechanisms.joined(separator: ", "))"))
        }
        let kind: ScramClient.Secret
        switch secret {
        case .password(let password): kind = .password(password)
        case .keys(let keys): kind = .keys(keys)
        case .md5, .none: return .failed(noSecret("a SCRAM-SHA-256 password"))
        }
        let isBound = endpoint != nil && mechanisms.contains(ScramServer.mechanismPlus)
        guard
            let client = ScramClient(
                secret: kind, endpoint: isBound ? endpoint : nil, couldBind: endpoint != nil && !isBound)
        else { return .failed(Self.protocolError("OpenSSL failed")) }
        scram = client
        isServerProved = false
        let first = client.firstMessage
        var writer = MessageWriter(reserving: 64)
        writer.message(FrontendTag.password) { body in
            body.string(isBound ? ScramServer.mechanismPlus : ScramServer.mechanism)
            body.int32(Int32(first.count))
            body.raw(first)
        }
        return .send(writer.bytes)
    }

    private static func password(_ bytes: [UInt8]) -> [UInt8] {
        var writer = MessageWriter(reserving: 64)
        writer.message(FrontendTag.password) { $0.raw(bytes) }
        return writer.bytes
    }

    private func noSecret(_ wanted: String) -> ErrorFields {
        ErrorFields(
            severity: "FATAL", code: "28P01", message: "password authentication failed for user \"\(user)\"",
            detail: "The server wants \(wanted), and the proxy has none for this user.",
            hint: "Give the user's password in the users file, in .pgpass, or in the database's url; "
                + "or let clients log in with SCRAM against the same verifier as the server's.")
    }

    private func violation(_ what: String) -> Action {
        .failed(Self.protocolError("the server sent \(what) during the login"))
    }

    private static func protocolError(_ what: String) -> ErrorFields {
        ErrorFields(severity: "FATAL", code: "08P01", message: "protocol violation: \(what)")
    }

    private static let notProved = ErrorFields(
        severity: "FATAL", code: "28000", message: "the server could not prove that it knows the password",
        hint: "Something other than the database may be listening there; check the address in the layout.")
}
