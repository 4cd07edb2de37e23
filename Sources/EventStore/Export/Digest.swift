internal import COpenSSL

/// SHA-256 of bytes that come in pieces.
struct Digest: ~Copyable {
    private let context: OpaquePointer

    /// - Throws: `Secrets.Unavailable` where OpenSSL's policy has no SHA-256.
    init() throws {
        guard let context = EVP_MD_CTX_new() else { throw Secrets.Unavailable() }
        guard EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
            EVP_MD_CTX_free(context)
            throw Secrets.Unavailable()
        }
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    mutating func add(_ bytes: UnsafeRawBufferPointer) throws {
        guard EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1 else { throw Secrets.Unavailable() }
    }

    /// In hexadecimal. Nothing can be added afterwards.
    mutating func finish() throws -> String {
        var out = [UInt8](repeating: 0, count: 32)
        guard EVP_DigestFinal_ex(context, &out, nil) == 1 else { throw Secrets.Unavailable() }
        return Secrets.hex(out)
    }
}
