/// Whether a text is a URI, by the grammar of RFC 3986.
enum URIText {
    static func isReference(_ text: String) -> Bool {
        let parts = URIReference(text)
        guard text.utf8.allSatisfy({ $0 < 0x80 }) else { return false }
        if parts.scheme == nil, parts.authority == nil,
            parts.path.utf8.prefix(while: { $0 != 0x2F }).contains(0x3A)
        {
            // Without a scheme a colon may not be in the first segment.
            return false
        }
        return parts.authority.map(isAuthority) != false && consists(parts.path, of: isPathByte)
            && parts.query.map { consists($0, of: isQueryByte) } != false
            && parts.fragment.map { consists($0, of: isQueryByte) } != false
    }

    static func isURI(_ text: String) -> Bool { URIReference(text).scheme != nil && isReference(text) }

    static func isScheme(_ text: Substring.UTF8View) -> Bool {
        guard let first = text.first, isLetter(first) else { return false }
        return text.allSatisfy { isLetter($0) || isDigit($0) || $0 == 0x2B || $0 == 0x2D || $0 == 0x2E }
    }

    private static func isAuthority(_ text: String) -> Bool {
        var host = Substring(text)
        if let at = host.lastIndex(of: "@") {
            guard consists(String(host[..<at]), of: { isUnreserved($0) || isSubDelimiter($0) || $0 == 0x3A }) else {
                return false
            }
            host = host[host.index(after: at)...]
        }
        if host.hasPrefix("[") {
            guard let end = host.firstIndex(of: "]") else { return false }
            let literal = String(host[host.index(after: host.startIndex)..<end])
            return isPort(host[host.index(after: end)...])
                && (IPAddressText.isIPv6(literal) || isFutureAddress(literal))
        }
        let colon = host.firstIndex(of: ":") ?? host.endIndex
        return isPort(host[colon...])
            && consists(String(host[..<colon]), of: { isUnreserved($0) || isSubDelimiter($0) })
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.isEmpty || (text.hasPrefix(":") && text.utf8.dropFirst().allSatisfy(isDigit))
    }

    private static func isFutureAddress(_ text: String) -> Bool {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let first = parts[0].utf8.first, first | 0x20 == 0x76, parts[0].utf8.count > 1,
            parts[0].utf8.dropFirst().allSatisfy({ hexDigitValue($0) != nil }), !parts[1].isEmpty
        else { return false }
        return parts[1].utf8.allSatisfy { isUnreserved($0) || isSubDelimiter($0) || $0 == 0x3A }
    }

    /// Bytes that are allowed, and two hexadecimal digits behind each `%`.
    private static func consists(_ text: String, of isAllowed: (UInt8) -> Bool) -> Bool {
        var rest = text.utf8.makeIterator()
        while let byte = rest.next() {
            if byte == 0x25 {
                guard rest.next().flatMap(hexDigitValue) != nil, rest.next().flatMap(hexDigitValue) != nil else {
                    return false
                }
            } else if !isAllowed(byte) {
                return false
            }
        }
        return true
    }

    private static func isPathByte(_ byte: UInt8) -> Bool {
        isUnreserved(byte) || isSubDelimiter(byte) || byte == 0x3A || byte == 0x40 || byte == 0x2F
    }

    private static func isQueryByte(_ byte: UInt8) -> Bool { isPathByte(byte) || byte == 0x3F }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        isLetter(byte) || isDigit(byte) || byte == 0x2D || byte == 0x2E || byte == 0x5F || byte == 0x7E
    }

    private static func isSubDelimiter(_ byte: UInt8) -> Bool { "!$&'()*+,;=".utf8.contains(byte) }
    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
