/// The version of PostgreSQL's programs: `15.14` is major 15, minor 14. A beta or development version has minor 0.
package struct PostgresVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let major: Int
    package let minor: Int

    /// The oldest version that Strata works with.
    package static let oldestSupported = PostgresVersion(major: 13, minor: 0)

    package init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// Reads the answer of `postgres --version`, such as `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`.
    /// Nil when that is not such an answer.
    package init?(programOutput text: String) {
        let marker = "(PostgreSQL) "
        guard let start = text.firstRange(of: marker)?.upperBound else { return nil }
        self.init(number: text[start...])
    }

    /// Reads `15.14`, `15`, `17beta1` or `18devel` at the start of the text.
    init?(number text: some StringProtocol) {
        let majorDigits = text.prefix(while: \.isASCIIDigit)
        guard let major = Int(majorDigits) else { return nil }
        let rest = text.dropFirst(majorDigits.count)
        let minorDigits = rest.first == "." ? rest.dropFirst().prefix(while: \.isASCIIDigit) : ""
        self.init(major: major, minor: Int(minorDigits) ?? 0)
    }

    package var description: String { "\(major).\(minor)" }

    package static func < (left: Self, right: Self) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}
