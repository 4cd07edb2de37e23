internal import Foundation

/// The attribute lists of RFC 5802: `name=value` with commas between, names of one letter.
struct ScramMessage {
    private var attributes: [(name: Character, value: Substring)] = []

    /// nil where an attribute has no name, or there are more than the messages of this exchange have.
    init?(_ text: some StringProtocol) {
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let name = part.first, part.dropFirst().first == "=", attributes.count < 16 else { return nil }
            attributes.append((name, Substring(part.dropFirst(2))))
        }
    }

    /// The first of that name. Order counts in RFC 5802; `names` is compared where it does.
    subscript(_ name: Character) -> String? { attributes.first { $0.name == name }.map { String($0.value) } }

    var names: String { String(attributes.map(\.name)) }

    static func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }
    static func bytes(base64 text: String) -> [UInt8]? { Data(base64Encoded: text).map(Array.init) }

    /// A nonce of 18 random bytes, as PostgreSQL's: 24 printable characters without a comma.
    static func nonce() -> String? { Digest.random(18).map(base64) }

    static func xor(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] { zip(left, right).map { $0 ^ $1 } }
}

/// Why an exchange ended without a login.
package enum ScramError: Error, Equatable, Sendable {
    /// The other side did not keep to RFC 5802; what is wrong.
    case malformed(String)
    /// The proof is not that of the password.
    case wrongPassword
    /// The server did not prove that it knows the password: it is not the server it claims to be.
    case serverNotProved
    /// The channel binding of the client is not that of this connection: somebody is between.
    case channelBinding
    /// OpenSSL failed.
    case unavailable
}
