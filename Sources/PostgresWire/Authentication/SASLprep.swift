internal import Foundation

/// RFC 4013, as PostgreSQL applies it to passwords: a password that the profile forbids is used as it is, so that a
/// mistake in it does not lock anybody out.
///
/// The bidirectional rule of RFC 3454 is not checked: a password that mixes directions is normalised here and taken
/// unchanged by PostgreSQL. The two differ only where NFKC changes such a password.
enum SASLprep {
    static func prepared(_ password: String) -> [UInt8] {
        guard !password.utf8.allSatisfy({ 0x20...0x7E ~= $0 }) else { return Array(password.utf8) }
        var mapped = String.UnicodeScalarView()
        for scalar in password.unicodeScalars where !isMappedToNothing(scalar) {
            mapped.append(isOtherSpace(scalar) ? " " : scalar)
        }
        let normalised = String(mapped).precomposedStringWithCompatibilityMapping
        guard !normalised.isEmpty, !normalised.unicodeScalars.contains(where: isProhibited) else {
            return Array(password.utf8)
        }
        return Array(normalised.utf8)
    }

    /// Table C.1.2.
    private static func isOtherSpace(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0xA0, 0x1680, 0x2000...0x200B, 0x202F, 0x205F, 0x3000: true
        default: false
        }
    }

    /// Table B.1. U+200B is in C.1.2 too, and PostgreSQL takes that one first.
    private static func isMappedToNothing(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0xAD, 0x34F, 0x1806, 0x180B...0x180D, 0x200C, 0x200D, 0x2060, 0xFE00...0xFE0F, 0xFEFF: true
        default: false
        }
    }

    /// Tables C.2.1 to C.9 and A.1 (code points that Unicode 3.2 did not have).
    private static func isProhibited(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x340, 0x341, 0x6DD, 0x70F, 0x180E, 0x200E, 0x200F, 0x2028...0x202E, 0x2060...0x2063, 0x206A...0x206F,
            0x2FF0...0x2FFB, 0xFFF9...0xFFFF, 0x1D173...0x1D17A, 0xE0001, 0xE0020...0xE007F:
            return true
        default: break
        }
        switch scalar.properties.generalCategory {
        case .control, .privateUse, .surrogate, .unassigned: return true
        default: break
        }
        guard let age = scalar.properties.age else { return true }
        return age.major > 3 || (age.major == 3 && age.minor > 2)
    }
}
