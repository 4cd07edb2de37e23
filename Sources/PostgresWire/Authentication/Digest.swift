internal import COpenSSL

/// The few functions of OpenSSL's libcrypto that authentication needs. They fail only where memory runs out or a policy
/// of the machine forbids the algorithm (MD5 in FIPS mode): then nil, and the login is refused.
enum Digest {
    static let sha256Bytes = 32

    static func sha256(_ bytes: [UInt8]) -> [UInt8]? { digest(bytes, EVP_sha256()) }
    static func md5(_ bytes: [UInt8]) -> [UInt8]? { digest(bytes, EVP_md5()) }

    private static func digest(_ bytes: [UInt8], _ kind: OpaquePointer?) -> [UInt8]? {
        var out = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        guard EVP_Digest(bytes, bytes.count, &out, &count, kind, nil) == 1 else { return nil }
        return Array(out.prefix(Int(count)))
    }

    static func hmacSHA256(key: [UInt8], _ bytes: [UInt8]) -> [UInt8]? {
        var out = [UInt8](repeating: 0, count: sha256Bytes)
        var count: UInt32 = 0
        guard HMAC(EVP_sha256(), key, Int32(key.count), bytes, bytes.count, &out, &count) != nil else { return nil }
        return out
    }

    /// Hi() of RFC 5802: PBKDF2 with HMAC-SHA-256.
    static func saltedPassword(_ password: [UInt8], salt: [UInt8], iterations: Int) -> [UInt8]? {
        var out = [UInt8](repeating: 0, count: sha256Bytes)
        let isDone = password.withUnsafeBytes { text in
            PKCS5_PBKDF2_HMAC(
                text.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(text.count), salt, Int32(salt.count),
                Int32(iterations), EVP_sha256(), Int32(sha256Bytes), &out)
        }
        return isDone == 1 ? out : nil
    }

    static func random(_ count: Int) -> [UInt8]? {
        var out = [UInt8](repeating: 0, count: count)
        return RAND_bytes(&out, Int32(count)) == 1 ? out : nil
    }

    /// In a time that does not depend on where they differ.
    static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
    }
}
