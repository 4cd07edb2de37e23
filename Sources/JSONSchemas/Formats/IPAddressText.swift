/// Whether a text is an address of the internet protocol.
enum IPAddressText {
    /// Four numbers up to 255 without zeros in front (RFC 2673).
    static func isIPv4(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                (1...3).contains(part.count) && part.allSatisfy { (0x30...0x39).contains($0) }
                    && (part.count == 1 || part.first != 0x30) && part.reduce(0) { $0 * 10 + Int($1 - 0x30) } <= 255
            }
    }

    /// RFC 4291, 2.2; no zone.
    static func isIPv6(_ text: String) -> Bool {
        let halves = splitAtGap(text)
        guard halves.count <= 2 else { return false }
        var count = 0
        for (index, half) in halves.enumerated() where !half.isEmpty {
            let groups = half.split(separator: ":", omittingEmptySubsequences: false)
            for (position, group) in groups.enumerated() {
                let isVeryLast = index == halves.count - 1 && position == groups.count - 1
                if isVeryLast, group.contains(".") {
                    guard isIPv4(String(group)) else { return false }
                    count += 2
                } else {
                    guard (1...4).contains(group.utf8.count), group.utf8.allSatisfy({ hexDigitValue($0) != nil }) else {
                        return false
                    }
                    count += 1
                }
            }
        }
        return halves.count == 2 ? count <= 7 : count == 8
    }

    /// The parts around each `::`.
    private static func splitAtGap(_ text: String) -> [Substring] {
        var parts: [Substring] = []
        var rest = Substring(text)
        while let colon = rest.indices.first(where: { rest[$0...].hasPrefix("::") }) {
            parts.append(rest[..<colon])
            rest = rest[rest.index(colon, offsetBy: 2)...]
            if parts.count > 2 { break }
        }
        return parts + [rest]
    }
}
