/// PostgreSQL's md5 authentication: `"md5" + hex(md5(password + user))`, hashed once more with a salt of the server.
package enum MD5Password {
    /// The stored form, or nil where MD5 is not to be had.
    package static func stored(password: String, user: String) -> String? {
        Digest.md5(Array(password.utf8) + Array(user.utf8)).map { "md5" + hex($0) }
    }

    /// What a client answers; `stored` as it is in a users file or in pg_authid, `md5` and 32 hexadecimal digits.
    package static func answer(stored: String, salt: [UInt8]) -> String? {
        guard isStored(stored) else { return nil }
        return Digest.md5(Array(stored.utf8.dropFirst(3)) + salt).map { "md5" + hex($0) }
    }

    package static func matches(answer: String, stored: String, salt: [UInt8]) -> Bool {
        guard let expected = Self.answer(stored: stored, salt: salt) else { return false }
        return Digest.areEqual(Array(answer.utf8), Array(expected.utf8))
    }

    package static func isStored(_ text: String) -> Bool {
        text.utf8.count == 35 && text.hasPrefix("md5") && text.utf8.dropFirst(3).allSatisfy(isHexDigit)
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
        default: false
        }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
