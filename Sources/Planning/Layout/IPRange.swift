/// A numeric address of IPv4 or IPv6. An IPv4 address within IPv6 (`::ffff:10.0.0.1`) is that IPv4 address.
package struct IPAddress: Sendable, Hashable, CustomStringConvertible {
    /// 4 or 16, the most significant first.
    package let bytes: [UInt8]

    /// - Parameter text: as the system prints it; a zone (`fe80::1%eth0`) is left out. Names are not looked up, and
    ///   numbers with leading zeros, which some read as octal, are refused.
    package init?(_ text: String) {
        let address = text.prefix { $0 != "%" }
        guard let bytes = address.contains(":") ? Self.version6(address) : Self.version4(address) else { return nil }
        let isMapped = bytes.count == 16 && bytes.prefix(12) == Self.mapped[...]
        self.bytes = isMapped ? Array(bytes.suffix(4)) : bytes
    }

    /// 127.0.0.0/8, or ::1.
    package var isLoopback: Bool {
        bytes.count == 4 ? bytes[0] == 127 : bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
    }

    fileprivate init(bytes: [UInt8]) { self.bytes = bytes }

    private static let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF]

    private static func version4(_ text: Substring) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard isDigits(part, 10, 1...3), part.count == 1 || part.first != "0", let byte = UInt8(part) else {
                return nil
            }
            bytes.append(byte)
        }
        return bytes
    }

    /// Eight groups of up to four hexadecimal digits; one `::` stands for those that are zero, and the last two may be
    /// written as an IPv4 address.
    private static func version6(_ text: Substring) -> [UInt8]? {
        guard let gap = text.firstRange(of: "::") else {
            guard let bytes = groups(text, isEnd: true), bytes.count == 16 else { return nil }
            return bytes
        }
        let (front, back) = (text[..<gap.lowerBound], text[gap.upperBound...])
        guard let head = front.isEmpty ? [] : groups(front, isEnd: false),
            let tail = back.isEmpty ? [] : groups(back, isEnd: true), head.count + tail.count <= 14
        else { return nil }
        return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
    }

    private static func groups(_ text: Substring, isEnd: Bool) -> [UInt8]? {
        let parts = text.split(separator: ":", maxSplits: 8, omittingEmptySubsequences: false)
        var bytes: [UInt8] = []
        for (index, part) in parts.enumerated() {
            if isEnd, index == parts.count - 1, part.contains(".") {
                guard let last = version4(part) else { return nil }
                bytes += last
            } else {
                guard isDigits(part, 16, 1...4), let group = UInt16(part, radix: 16) else { return nil }
                bytes += [UInt8(group >> 8), UInt8(group & 0xFF)]
            }
        }
        return bytes
    }

    /// `UInt8("+1")` and letters of other scripts are no digits.
    fileprivate static func isDigits(_ text: Substring, _ radix: Int, _ counts: ClosedRange<Int>) -> Bool {
        counts.contains(text.count)
            && text.allSatisfy { $0.isASCII && (radix == 10 ? $0.isNumber : $0.isHexDigit) }
    }

    /// IPv6 as RFC 5952 has it.
    package var description: String {
        guard bytes.count == 16 else { return bytes.map(String.init).joined(separator: ".") }
        let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        var zeros = 0..<0
        var start = 0
        for index in 0...8 where index == 8 || groups[index] != 0 {
            if index - start > max(zeros.count, 1) { zeros = start..<index }
            start = index + 1
        }
        let texts = groups.map { String($0, radix: 16) }
        guard !zeros.isEmpty else { return texts.joined(separator: ":") }
        return texts[..<zeros.lowerBound].joined(separator: ":") + "::"
            + texts[zeros.upperBound...].joined(separator: ":")
    }
}

/// Addresses that begin alike: `10.0.0.0/8`, `2001:db8::/32`; without a length the one address.
package struct IPRange: Sendable, Hashable, CustomStringConvertible {
    package let network: IPAddress
    /// Bits that count: 0 to 32, or to 128.
    package let length: Int

    package enum Problem: Error, Equatable {
        case noAddress
        /// The length is no number from 0 to this.
        case length(Int)
        /// Bits are set that do not count; probably this was meant.
        case bitsBeyond(IPRange)
    }

    package static func parse(_ text: String) -> Result<IPRange, Problem> {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, !first.contains("%"), let address = IPAddress(String(first)) else {
            return .failure(.noAddress)
        }
        // A mapped IPv4 address is written with 96 bits before it.
        let before = first.contains(":") && address.bytes.count == 4 ? 96 : 0
        var length = address.bytes.count * 8
        if parts.count == 2 {
            guard IPAddress.isDigits(parts[1], 10, 1...3), let number = Int(parts[1]),
                (before...(before + length)).contains(number)
            else { return .failure(.length(before + length)) }
            length = number - before
        }
        let range = IPRange(network: address.masked(length), length: length)
        return range.network == address ? .success(range) : .failure(.bitsBeyond(range))
    }

    private init(network: IPAddress, length: Int) {
        self.network = network
        self.length = length
    }

    package func contains(_ address: IPAddress) -> Bool {
        address.bytes.count == network.bytes.count && address.masked(length) == network
    }

    package func contains(_ other: IPRange) -> Bool { other.length >= length && contains(other.network) }

    package var description: String { "\(network)/\(length)" }
}

extension IPAddress {
    fileprivate func masked(_ length: Int) -> IPAddress {
        IPAddress(
            bytes: bytes.enumerated().map { index, byte in
                let count = min(max(length - index * 8, 0), 8)
                return count == 0 ? 0 : byte & (0xFF << (8 - count))
            })
    }
}
