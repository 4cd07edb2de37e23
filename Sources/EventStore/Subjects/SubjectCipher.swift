internal import COpenSSL

/// AES-256-GCM and HMAC-SHA-256, by OpenSSL.
enum SubjectCipher {
    private static let nonceBytes = 12
    private static let tagBytes = 16

    /// HMAC-SHA-256 over parts, each behind its length, so that no two lists of parts are the same bytes.
    static func code(_ key: [UInt8], _ parts: [String]) throws -> [UInt8] {
        let bytes = joined(parts)
        var out = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 0
        guard HMAC(EVP_sha256(), key, Int32(key.count), bytes, bytes.count, &out, &length) != nil, length == 32 else {
            throw Secrets.Unavailable()
        }
        return out
    }

    private static func joined(_ parts: [String]) -> [UInt8] {
        var bytes: [UInt8] = []
        for part in parts {
            let count = UInt64(part.utf8.count)
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: count >> shift))
            }
            bytes += part.utf8
        }
        return bytes
    }

    /// - Parameters:
    ///   - nonce: 12 bytes, never the same for two texts under one key; nil: by chance.
    ///   - place: has to be the same when it is opened.
    /// - Returns: nonce, text and tag in one.
    static func seal(
        _ text: [UInt8], _ key: [UInt8], nonce: [UInt8]? = nil, place: [String]
    ) throws -> [UInt8] {
        let nonce = try nonce ?? Secrets.random(nonceBytes)
        guard nonce.count == nonceBytes, key.count == 32, let context = EVP_CIPHER_CTX_new() else {
            throw Secrets.Unavailable()
        }
        defer { EVP_CIPHER_CTX_free(context) }
        let bound = joined(place)
        var out = [UInt8](repeating: 0, count: text.count + 16)
        var tag = [UInt8](repeating: 0, count: tagBytes)
        var (length, last, ignored) = (Int32(0), Int32(0), Int32(0))
        guard EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce) == 1,
            EVP_EncryptUpdate(context, nil, &ignored, bound, Int32(bound.count)) == 1,
            EVP_EncryptUpdate(context, &out, &length, text, Int32(text.count)) == 1,
            out.withUnsafeMutableBufferPointer({ buffer in
                EVP_EncryptFinal_ex(context, buffer.baseAddress.map { $0 + Int(length) }, &last)
            }) == 1, EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, Int32(tagBytes), &tag) == 1
        else { throw Secrets.Unavailable() }
        return nonce + out.prefix(Int(length + last)) + tag
    }

    /// nil: it was not sealed by this key for this place, or was changed.
    static func open(_ sealed: [UInt8], _ key: [UInt8], place: [String]) throws -> [UInt8]? {
        guard sealed.count >= nonceBytes + tagBytes, key.count == 32 else { return nil }
        guard let context = EVP_CIPHER_CTX_new() else { throw Secrets.Unavailable() }
        defer { EVP_CIPHER_CTX_free(context) }
        let nonce = Array(sealed.prefix(nonceBytes))
        let text = Array(sealed[nonceBytes..<(sealed.count - tagBytes)])
        var tag = Array(sealed.suffix(tagBytes))
        let bound = joined(place)
        var out = [UInt8](repeating: 0, count: text.count + 16)
        var (length, last, ignored) = (Int32(0), Int32(0), Int32(0))
        guard EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce) == 1,
            EVP_DecryptUpdate(context, nil, &ignored, bound, Int32(bound.count)) == 1,
            EVP_DecryptUpdate(context, &out, &length, text, Int32(text.count)) == 1,
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, Int32(tagBytes), &tag) == 1
        else { throw Secrets.Unavailable() }
        let isGenuine = out.withUnsafeMutableBufferPointer { buffer in
            EVP_DecryptFinal_ex(context, buffer.baseAddress.map { $0 + Int(length) }, &last)
        }
        return isGenuine == 1 ? Array(out.prefix(Int(length + last))) : nil
    }
}
