internal import Foundation

/// The server's side of SCRAM-SHA-256 (RFC 5802, 7677), as a state machine: bytes in, bytes out.
package struct ScramServer: Sendable {
    package static let mechanism = "SCRAM-SHA-256"
    package static let mechanismPlus = "SCRAM-SHA-256-PLUS"

    private let verifier: ScramVerifier
    /// Hash of our certificate (`tls-server-end-point`), where the connection is encrypted.
    private let endpoint: [UInt8]?
    private let isPlus: Bool
    private let nonce: String
    private var state = State.start

    private enum State {
        case start
        case challenged(clientFirstBare: String, serverFirst: String, nonce: String, gs2Header: String)
        case ended
    }

    /// - Parameters:
    ///   - plus: the mechanism that the client chose binds to the channel.
    ///   - endpoint: needed with `plus`; without it offered to nobody.
    package init?(verifier: ScramVerifier, plus: Bool = false, endpoint: [UInt8]? = nil, nonce: String? = nil) {
        guard let nonce = nonce ?? ScramMessage.nonce(), !plus || endpoint != nil else { return nil }
        self.verifier = verifier
        self.endpoint = endpoint
        self.nonce = nonce
        isPlus = plus
    }

    /// The client's first message in, the challenge out.
    package mutating func challenge(_ message: [UInt8]) -> Result<[UInt8], ScramError> {
        guard case .start = state else { return fail(.malformed("a second first message")) }
        let text = String(decoding: message, as: UTF8.self)
        // gs2-cbind-flag "," [ authzid ] "," client-first-message-bare
        let parts = text.split(separator: ",", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { return fail(.malformed("the first message has no header")) }
        switch parts[0] {
        case "n": guard !isPlus else { return fail(.malformed("no channel binding in the mechanism that has it")) }
        case "y":
            guard !isPlus else { return fail(.malformed("no channel binding in the mechanism that has it")) }
            // The client can bind and believes that we cannot: where we offered it, somebody removed the offer.
            guard endpoint == nil else { return fail(.channelBinding) }
        case "p=tls-server-end-point":
            guard isPlus else { return fail(.malformed("channel binding in the mechanism that has none")) }
        default: return fail(.malformed("the channel binding \"\(parts[0].prefix(40))\" is not known"))
        }
        guard parts[1].isEmpty else { return fail(.malformed("an authorisation identity is not supported")) }
        let bare = String(parts[2])
        guard let attributes = ScramMessage(bare), attributes.names.hasPrefix("nr"), let theirs = attributes["r"],
            !theirs.isEmpty, theirs.utf8.allSatisfy({ 0x21...0x7E ~= $0 })
        else { return fail(.malformed("the first message has no user and nonce")) }
        let both = theirs + nonce
        let serverFirst = "r=\(both),s=\(ScramMessage.base64(verifier.salt)),i=\(verifier.iterations)"
        state = .challenged(
            clientFirstBare: bare, serverFirst: serverFirst, nonce: both, gs2Header: "\(parts[0]),\(parts[1]),")
        return .success(Array(serverFirst.utf8))
    }

    package struct Success: Sendable {
        /// The last message to the client: our own proof.
        package var message: [UInt8]
        /// With these a proxy can log in to any server that holds the same verifier.
        package var keys: ScramKeys
    }

    /// The client's last message in; its keys and our proof out.
    package mutating func finish(_ message: [UInt8]) -> Result<Success, ScramError> {
        guard case .challenged(let bare, let serverFirst, let nonce, let header) = state else {
            return fail(.malformed("a last message without a first one"))
        }
        state = .ended
        let text = String(decoding: message, as: UTF8.self)
        guard let attributes = ScramMessage(text), attributes.names.hasPrefix("cr"), attributes.names.last == "p",
            let binding = attributes["c"].flatMap({ ScramMessage.bytes(base64: $0) }), attributes["r"] == nonce,
            let proof = attributes["p"].flatMap({ ScramMessage.bytes(base64: $0) }), proof.count == Digest.sha256Bytes,
            let cut = text.range(of: ",p=", options: .backwards)
        else { return fail(.malformed("the last message has no binding, nonce and proof")) }
        guard Digest.areEqual(binding, Array(header.utf8) + (isPlus ? endpoint ?? [] : [])) else {
            return fail(.channelBinding)
        }
        let authMessage = Array("\(bare),\(serverFirst),\(text[..<cut.lowerBound])".utf8)
        guard let signature = Digest.hmacSHA256(key: verifier.storedKey, authMessage),
            let ours = Digest.hmacSHA256(key: verifier.serverKey, authMessage)
        else { return fail(.unavailable) }
        let clientKey = ScramMessage.xor(proof, signature)
        guard let hashed = Digest.sha256(clientKey) else { return fail(.unavailable) }
        guard Digest.areEqual(hashed, verifier.storedKey) else { return fail(.wrongPassword) }
        return .success(
            Success(
                message: Array("v=\(ScramMessage.base64(ours))".utf8),
                keys: ScramKeys(clientKey: clientKey, serverKey: verifier.serverKey)))
    }

    private mutating func fail<T>(_ error: ScramError) -> Result<T, ScramError> {
        state = .ended
        return .failure(error)
    }
}
