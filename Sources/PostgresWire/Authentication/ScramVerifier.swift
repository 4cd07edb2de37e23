internal import Foundation

/// What a server keeps instead of a password: `SCRAM-SHA-256$4096:salt$StoredKey:ServerKey`, as in pg_authid.
package struct ScramVerifier: Equatable, Sendable, CustomStringConvertible {
    package var iterations: Int
    package var salt: [UInt8]
    var storedKey: [UInt8]
    var serverKey: [UInt8]

    /// PostgreSQL's own default.
    package static let defaultIterations = 4096
    /// More would let a hostile server or file keep us computing.
    static let maximumIterations = 1_000_000

    /// nil where the text is not a verifier.
    package init?(_ text: String) {
        let parts = text.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "SCRAM-SHA-256" else { return nil }
        let head = parts[1].split(separator: ":", omittingEmptySubsequences: false)
        let keys = parts[2].split(separator: ":", omittingEmptySubsequences: false)
        guard head.count == 2, keys.count == 2, let iterations = Int(head[0]), 1...Self.maximumIterations ~= iterations,
            let salt = Data(base64Encoded: String(head[1])), !salt.isEmpty,
            let stored = Data(base64Encoded: String(keys[0])), stored.count == Digest.sha256Bytes,
            let server = Data(base64Encoded: String(keys[1])), server.count == Digest.sha256Bytes
        else { return nil }
        self.init(iterations: iterations, salt: Array(salt), storedKey: Array(stored), serverKey: Array(server))
    }

    private init(iterations: Int, salt: [UInt8], storedKey: [UInt8], serverKey: [UInt8]) {
        self.iterations = iterations
        self.salt = salt
        self.storedKey = storedKey
        self.serverKey = serverKey
    }

    /// Of a password; nil only where OpenSSL fails.
    package init?(password: String, salt: [UInt8]? = nil, iterations: Int = defaultIterations) {
        guard let salt = salt ?? Digest.random(16),
            let keys = ScramKeys(password: password, salt: salt, iterations: iterations),
            let stored = Digest.sha256(keys.clientKey)
        else { return nil }
        self.init(iterations: iterations, salt: salt, storedKey: stored, serverKey: keys.serverKey)
    }

    /// For a user that does not exist: an exchange that looks like any other and always fails. The salt is the same for
    /// the same name, or asking twice would tell.
    package init?(mockFor user: String, secret: [UInt8]) {
        guard let salt = Digest.hmacSHA256(key: secret, Array(user.utf8)),
            let stored = Digest.random(Digest.sha256Bytes),
            let server = Digest.random(Digest.sha256Bytes)
        else { return nil }
        self.init(
            iterations: Self.defaultIterations, salt: Array(salt.prefix(16)), storedKey: stored, serverKey: server)
    }

    /// The text that a users file or pg_authid holds. A secret: never log it.
    package var text: String {
        let encoded = [salt, storedKey, serverKey].map { Data($0).base64EncodedString() }
        return "SCRAM-SHA-256$\(iterations):\(encoded[0])$\(encoded[1]):\(encoded[2])"
    }

    package var description: String { "SCRAM-SHA-256 verifier" }
}

/// What proves a password without the password: of the client while it logs in, and kept by a proxy that has seen it do so.
package struct ScramKeys: Equatable, Sendable, CustomStringConvertible {
    var clientKey: [UInt8]
    var serverKey: [UInt8]

    package init?(password: String, salt: [UInt8], iterations: Int) {
        let prepared = SASLprep.prepared(password)
        guard let salted = Digest.saltedPassword(prepared, salt: salt, iterations: iterations),
            let client = Digest.hmacSHA256(key: salted, Array("Client Key".utf8)),
            let server = Digest.hmacSHA256(key: salted, Array("Server Key".utf8))
        else { return nil }
        clientKey = client
        serverKey = server
    }

    init(clientKey: [UInt8], serverKey: [UInt8]) {
        self.clientKey = clientKey
        self.serverKey = serverKey
    }

    package var description: String { "SCRAM keys" }
}
