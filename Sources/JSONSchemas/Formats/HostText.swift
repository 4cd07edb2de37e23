/// Names of hosts and mailboxes.
enum HostText {
    /// RFC 1123: labels of letters, digits and hyphens, 253 characters at most.
    static func isHostname(_ text: String) -> Bool {
        guard (1...253).contains(text.utf8.count) else { return false }
        return text.utf8.split(separator: 0x2E, omittingEmptySubsequences: false).allSatisfy(isLabel)
    }

    private static func isLabel(_ label: Substring.UTF8View) -> Bool {
        (1...63).contains(label.count) && label.allSatisfy { isAlphanumeric($0) || $0 == 0x2D } && label.first != 0x2D
            && label.last != 0x2D
    }

    /// RFC 5321, a mailbox.
    static func isEmail(_ text: String) -> Bool {
        guard let at = text.utf8.lastIndex(of: 0x40) else { return false }
        let local = text.utf8[..<at]
        let domain = String(text[text.utf8.index(after: at)...])
        return (isDotted(local) || isQuoted(local)) && (isHostname(domain) || isAddressLiteral(domain))
    }

    private static func isDotted(_ local: Substring.UTF8View) -> Bool {
        local.split(separator: 0x2E, omittingEmptySubsequences: false).allSatisfy { atom in
            !atom.isEmpty && atom.allSatisfy { isAlphanumeric($0) || "!#$%&'*+-/=?^_`{|}~".utf8.contains($0) }
        }
    }

    private static func isQuoted(_ local: Substring.UTF8View) -> Bool {
        guard local.count >= 2, local.first == 0x22, local.last == 0x22 else { return false }
        var isEscaped = false
        for byte in local.dropFirst().dropLast() {
            guard (0x20...0x7E).contains(byte) else { return false }
            if isEscaped {
                isEscaped = false
            } else if byte == 0x5C {
                isEscaped = true
            } else if byte == 0x22 {
                return false
            }
        }
        return !isEscaped
    }

    private static func isAddressLiteral(_ domain: String) -> Bool {
        guard domain.hasPrefix("["), domain.hasSuffix("]") else { return false }
        let address = String(domain.dropFirst().dropLast())
        if address.lowercased().hasPrefix("ipv6:") { return IPAddressText.isIPv6(String(address.dropFirst(5))) }
        return IPAddressText.isIPv4(address)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte)
    }
}
