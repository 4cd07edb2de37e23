package import Foundation

/// Ids as text, without Foundation's way through C's formats: each request has several.
extension UUID {
    private static let digits = Array("0123456789abcdef".utf8)
    /// Of the text, where hyphens stand.
    private static let hyphens = [8, 13, 18, 23]

    /// In lower case, as PostgreSQL writes it.
    package var text: String {
        String(unsafeUninitializedCapacity: 36) { text in
            var place = 0
            withUnsafeBytes(of: uuid) { bytes in
                for byte in bytes {
                    if Self.hyphens.contains(place) {
                        text[place] = UInt8(ascii: "-")
                        place += 1
                    }
                    text[place] = Self.digits[Int(byte >> 4)]
                    text[place + 1] = Self.digits[Int(byte & 15)]
                    place += 2
                }
            }
            return place
        }
    }

    /// 36 characters, digits in either case. Foundation's own reading lets a sign pass as a digit.
    package init?(text: String) {
        var bytes: uuid_t = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        let isWhole = withUnsafeMutableBytes(of: &bytes) { bytes in
            var (place, digit) = (0, 0)
            for character in text.utf8 {
                guard place < 36 else { return false }
                if Self.hyphens.contains(place) {
                    guard character == UInt8(ascii: "-") else { return false }
                } else {
                    guard let value = Self.value(character) else { return false }
                    bytes[digit / 2] = bytes[digit / 2] << 4 | value
                    digit += 1
                }
                place += 1
            }
            return place == 36
        }
        guard isWhole else { return nil }
        self.init(uuid: bytes)
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
