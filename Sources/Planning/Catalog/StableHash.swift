/// MurmurHash3 (x64, 128 bits), seed 0: the same on every run, process and machine, unlike Swift's own hasher.
///
/// Not cryptographic: it finds changes, it does not withstand somebody who forges them.
struct StableHash: Equatable {
    private(set) var high: UInt64 = 0
    private(set) var low: UInt64 = 0

    init() {}

    init(_ bytes: [UInt8]) {
        self = bytes.withUnsafeBytes(StableHash.init(bytes:))
    }

    private init(bytes: UnsafeRawBufferPointer) {
        var first: UInt64 = 0
        var second: UInt64 = 0
        let blocks = bytes.count / 16
        for block in 0..<blocks {
            let one = Self.word(bytes, at: block * 16, count: 8)
            let two = Self.word(bytes, at: block * 16 + 8, count: 8)
            first ^= Self.scramble1(one)
            first = (Self.rotate(first, 27) &+ second) &* 5 &+ 0x52DC_E729
            second ^= Self.scramble2(two)
            second = (Self.rotate(second, 31) &+ first) &* 5 &+ 0x3849_5AB5
        }
        let tail = blocks * 16
        let rest = bytes.count - tail
        if rest > 8 { second ^= Self.scramble2(Self.word(bytes, at: tail + 8, count: rest - 8)) }
        if rest > 0 { first ^= Self.scramble1(Self.word(bytes, at: tail, count: min(rest, 8))) }
        first ^= UInt64(bytes.count)
        second ^= UInt64(bytes.count)
        first &+= second
        second &+= first
        first = Self.finish(first)
        second = Self.finish(second)
        first &+= second
        second &+= first
        high = first
        low = second
    }

    /// Adds another hash, modulo 2^128: the sum of a multiset does not depend on the order.
    mutating func add(_ other: StableHash) {
        let (sum, carries) = low.addingReportingOverflow(other.low)
        low = sum
        high = high &+ other.high &+ (carries ? 1 : 0)
    }

    var hexadecimal: String {
        func padded(_ value: UInt64) -> String {
            let digits = String(value, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }
        return padded(high) + padded(low)
    }

    private static func word(_ bytes: UnsafeRawBufferPointer, at offset: Int, count: Int) -> UInt64 {
        guard count < 8 else {
            return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        return (0..<count).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
    }

    private static func scramble1(_ word: UInt64) -> UInt64 {
        rotate(word &* 0x87C3_7B91_1142_53D5, 31) &* 0x4CF5_AD43_2745_937F
    }

    private static func scramble2(_ word: UInt64) -> UInt64 {
        rotate(word &* 0x4CF5_AD43_2745_937F, 33) &* 0x87C3_7B91_1142_53D5
    }

    private static func rotate(_ word: UInt64, _ count: UInt64) -> UInt64 {
        word << count | word >> (64 - count)
    }

    private static func finish(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ mixed >> 33) &* 0xFF51_AFD7_ED55_8CCD
        mixed = (mixed ^ mixed >> 33) &* 0xC4CE_B9FE_1A85_EC53
        return mixed ^ mixed >> 33
    }
}
