internal import COpenSSL
import Foundation

/// Keys, tokens and passwords: made here, and kept as hashes only.
///
/// What a machine made (256 random bits) is hashed by SHA-256: nobody can guess it, and each request has to look it up. What a
/// person made is hashed slowly.
package enum Secrets {
    /// Fails where the system has no randomness, or OpenSSL's policy forbids an algorithm.
    struct Unavailable: Error {}

    static func random(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        guard RAND_bytes(&bytes, Int32(count)) == 1 else { throw Unavailable() }
        return bytes
    }

    package static func hash(_ secret: String) throws -> String {
        let text = Array(secret.utf8)
        var out = [UInt8](repeating: 0, count: 32)
        guard EVP_Digest(text, text.count, &out, nil, EVP_sha256(), nil) == 1 else { throw Unavailable() }
        return hex(out)
    }

    static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

/// scrypt (RFC 7914), with the cost in the text that is kept, so that it can be raised later.
///
/// N = 2¹⁵, r = 8, p = 3: 32 MiB and about a quarter of a second, one of the settings that OWASP's password storage cheat sheet
/// gives as equal in strength.
struct PasswordHash {
    var logN = 15
    var r = 8
    var p = 3

    /// `$scrypt$ln=15,r=8,p=3$salt$hash`, both in base 64. Blocks for as long as it takes.
    func text(of password: String) throws -> String {
        let salt = try Secrets.random(16)
        return try text(password, salt)
    }

    private func text(_ password: String, _ salt: [UInt8]) throws -> String {
        let key = try derive(password, salt)
        return "$scrypt$ln=\(logN),r=\(r),p=\(p)$\(Data(salt).base64EncodedString())$\(Data(key).base64EncodedString())"
    }

    private func derive(_ password: String, _ salt: [UInt8]) throws -> [UInt8] {
        let text = password.precomposedStringWithCompatibilityMapping
        var key = [UInt8](repeating: 0, count: 32)
        let length = text.utf8.count
        let isDone = text.withCString {
            EVP_PBE_scrypt(
                $0, length, salt, salt.count, 1 << UInt64(logN), UInt64(r), UInt64(p), 128 << 20, &key, key.count)
        }
        guard isDone == 1 else { throw Secrets.Unavailable() }
        return key
    }

    /// In a time that does not depend on where they differ; false for a text that is none of ours.
    static func matches(_ password: String, _ stored: String) throws -> Bool {
        let parts = stored.split(separator: "$")
        guard parts.count == 4, parts[0] == "scrypt", let salt = Data(base64Encoded: String(parts[2])) else {
            return false
        }
        let numbers = parts[1].split(separator: ",").compactMap { $0.split(separator: "=").last.flatMap { Int($0) } }
        // What is kept was made here; bounds all the same, for it decides how much memory is taken.
        guard numbers.count == 3, (10...20).contains(numbers[0]), (1...16).contains(numbers[1]),
            (1...8).contains(numbers[2])
        else { return false }
        let cost = PasswordHash(logN: numbers[0], r: numbers[1], p: numbers[2])
        let (left, right) = (Array(try cost.text(password, Array(salt)).utf8), Array(stored.utf8))
        return left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
    }
}
