internal import PostgresWire

/// How a client has to prove who it is.
enum LoginMethod: Sendable, Equatable {
    case trust
    case md5
    case scram
    case certificate
}

/// What is known of a user.
enum UserSecret: Sendable, Equatable, CustomStringConvertible {
    case verifier(ScramVerifier)
    case md5(String)
    case password(String)

    /// As a users file or pg_authid has it.
    init(stored: String) {
        if let verifier = ScramVerifier(stored) {
            self = .verifier(verifier)
        } else if MD5Password.isStored(stored) {
            self = .md5(stored)
        } else {
            self = .password(stored)
        }
    }

    var description: String { "a secret" }
}

/// The login of a client, as a state machine. It is fed the client's messages and says what to send.
///
/// A user that does not exist goes through the same exchange as one that does, and fails as with a wrong password.
struct ClientLogin {
    enum Action: Equatable {
        case send([UInt8])
        /// Logged in: what is still to be sent, and what logs in to servers.
        case accepted([UInt8], ScramKeys?)
        case refused(ErrorFields)
    }

    private enum State {
        case md5(salt: [UInt8], stored: String?)
        case saslFirst(ScramVerifier)
        case saslLast(ScramServer)
        case ended
    }

    let user: String
    private let isKnown: Bool
    /// Of our certificate, on an encrypted connection: then channel binding is offered.
    private let endpoint: [UInt8]?
    private var state = State.ended

    /// - Parameters:
    ///   - secret: nil for a user that is not known.
    ///   - mockSecret: makes the salts of users that are not known.
    init(
        user: String, secret: UserSecret?, method: LoginMethod, endpoint: [UInt8]? = nil, mockSecret: [UInt8]
    ) {
        self.user = user
        self.endpoint = endpoint
        isKnown = secret != nil
        switch method {
        case .trust, .certificate: break
        case .scram: state = Self.scram(user, secret, mockSecret)
        case .md5:
            // As PostgreSQL: a user with a SCRAM verifier is asked for SCRAM where md5 is the rule.
            switch secret {
            case .md5(let stored): state = .md5(salt: [], stored: stored)
            case .password(let password):
                state = .md5(salt: [], stored: MD5Password.stored(password: password, user: user))
            case .verifier, nil: state = Self.scram(user, secret, mockSecret)
            }
        }
        isTrusted = method == .trust
    }
    private let isTrusted: Bool

    private static func scram(_ user: String, _ secret: UserSecret?, _ mockSecret: [UInt8]) -> State {
        let verifier: ScramVerifier? =
            switch secret {
            case .verifier(let known): known
            case .password(let password): ScramVerifier(password: password)
            // An md5 secret cannot answer SCRAM.
            case .md5, nil: ScramVerifier(mockFor: user, secret: mockSecret)
            }
        return verifier.map { .saslFirst($0) } ?? .ended
    }

    private var mechanisms: [String] {
        (endpoint == nil ? [] : [ScramServer.mechanismPlus]) + [ScramServer.mechanism]
    }

    /// - Parameter salt: four random bytes.
    mutating func start(salt: [UInt8]) -> Action {
        if isTrusted { return .accepted([], nil) }
        var writer = MessageWriter(reserving: 64)
        switch state {
        case .md5(_, let stored):
            state = .md5(salt: salt, stored: stored)
            AuthenticationRequest.md5Password(salt: salt).write(to: &writer)
        case .saslFirst: AuthenticationRequest.sasl(mechanisms: mechanisms).write(to: &writer)
        case .saslLast, .ended: return refuse()
        }
        return .send(writer.bytes)
    }

    /// The body of a message of type `p`.
    mutating func received(_ body: UnsafeRawBufferPointer) -> Action {
        defer { if case .saslLast = state {} else { state = .ended } }
        var cursor = ByteCursor(body)
        switch state {
        case .md5(let salt, let stored):
            guard let answer = cursor.string(), let stored,
                MD5Password.matches(answer: answer, stored: stored, salt: salt)
            else { return refuse() }
            return .accepted([], nil)
        case .saslFirst(let verifier):
            let mechanism = cursor.string()
            guard let count = cursor.int32(),
                let first = count < 0 ? nil : cursor.take(Int(count)), cursor.isAtEnd
            else { return malformed("SASLInitialResponse") }
            guard let mechanism, mechanisms.contains(mechanism) else {
                return malformed("a SASL mechanism that was not offered")
            }
            let isPlus = mechanism == ScramServer.mechanismPlus
            guard var server = ScramServer(verifier: verifier, plus: isPlus, endpoint: endpoint) else {
                return refuse()
            }
            switch server.challenge(Array(first)) {
            case .failure: return malformed("SCRAM message")
            case .success(let challenge):
                state = .saslLast(server)
                var writer = MessageWriter(reserving: 128)
                AuthenticationRequest.saslContinue(challenge).write(to: &writer)
                return .send(writer.bytes)
            }
        case .saslLast(var server):
            state = .ended
            switch server.finish(Array(cursor.takeRest())) {
            case .failure(.malformed): return malformed("SCRAM message")
            case .failure: return refuse()
            case .success(let success):
                guard isKnown else { return refuse() }
                var writer = MessageWriter(reserving: 64)
                AuthenticationRequest.saslFinal(success.message).write(to: &writer)
                return .accepted(writer.bytes, success.keys)
            }
        case .ended: return refuse()
        }
    }

    private func refuse() -> Action {
        .refused(
            ErrorFields(
                severity: "FATAL", code: "28P01", message: "password authentication failed for user \"\(user)\""))
    }

    private func malformed(_ what: String) -> Action {
        .refused(ErrorFields(severity: "FATAL", code: "08P01", message: "malformed \(what)"))
    }
}
