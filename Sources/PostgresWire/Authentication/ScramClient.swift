/// The client's side of SCRAM-SHA-256, as a state machine.
package struct ScramClient: Sendable {
    /// What proves who we are: the password, or the keys that a client's own login gave.
    package enum Secret: Sendable, CustomStringConvertible {
        case password(String)
        case keys(ScramKeys)

        package var description: String { "a secret" }
    }

    private let secret: Secret
    private let header: String
    /// Hash of the server's certificate, where the mechanism binds to the channel.
    private let endpoint: [UInt8]
    private let bare: String
    private let nonce: String
    private var expected: [UInt8]?

    /// - Parameters:
    ///   - endpoint: `tls-server-end-point` of the connection; then the mechanism is the one with `-PLUS`.
    ///   - couldBind: encrypted, but the server did not offer `-PLUS`: it is told, so that a removed offer is noticed.
    package init?(secret: Secret, endpoint: [UInt8]? = nil, couldBind: Bool = false, nonce: String? = nil) {
        guard let nonce = nonce ?? ScramMessage.nonce() else { return nil }
        self.secret = secret
        self.nonce = nonce
        self.endpoint = endpoint ?? []
        header = endpoint != nil ? "p=tls-server-end-point,," : couldBind ? "y,," : "n,,"
        // PostgreSQL takes the user from the startup packet and ignores this one, as libpq leaves it empty.
        bare = "n=,r=\(nonce)"
    }

    package var firstMessage: [UInt8] { Array((header + bare).utf8) }

    /// The challenge in, our proof out.
    package mutating func answer(_ challenge: [UInt8]) -> Result<[UInt8], ScramError> {
        let text = String(decoding: challenge, as: UTF8.self)
        guard let attributes = ScramMessage(text), attributes.names.hasPrefix("rsi"), let both = attributes["r"],
            both.hasPrefix(nonce), both.utf8.count > nonce.utf8.count,
            let salt = attributes["s"].flatMap({ ScramMessage.bytes(base64: $0) }), !salt.isEmpty,
            let iterations = attributes["i"].flatMap({ Int($0) }), 1...ScramVerifier.maximumIterations ~= iterations
        else { return .failure(.malformed("the server's challenge has no nonce, salt and iterations")) }
        let keys: ScramKeys
        switch secret {
        case .keys(let known): keys = known
        case .password(let password):
            guard let made = ScramKeys(password: password, salt: salt, iterations: iterations) else {
                return .failure(.unavailable)
            }
            keys = made
        }
        let withoutProof = "c=\(ScramMessage.base64(Array(header.utf8) + endpoint)),r=\(both)"
        let authMessage = Array("\(bare),\(text),\(withoutProof)".utf8)
        guard let stored = Digest.sha256(keys.clientKey), let signature = Digest.hmacSHA256(key: stored, authMessage),
            let server = Digest.hmacSHA256(key: keys.serverKey, authMessage)
        else { return .failure(.unavailable) }
        expected = server
        let proof = ScramMessage.base64(ScramMessage.xor(keys.clientKey, signature))
        return .success(Array("\(withoutProof),p=\(proof)".utf8))
    }

    /// The server's last message: nil where it proved itself.
    package func check(_ final: [UInt8]) -> ScramError? {
        guard let attributes = ScramMessage(String(decoding: final, as: UTF8.self)) else {
            return .malformed("the server's last message")
        }
        guard let expected, let proof = attributes["v"].flatMap({ ScramMessage.bytes(base64: $0) }),
            Digest.areEqual(proof, expected)
        else { return .serverNotProved }
        return nil
    }
}
