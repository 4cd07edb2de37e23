#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Rows in COPY's text format (https://www.postgresql.org/docs/current/sql-copy.html, Text Format), written without an
/// object for each value.
final class CopyBuffer {
    private(set) var bytes: UnsafeMutablePointer<UInt8>
    private(set) var count = 0
    private var capacity: Int

    init(capacity: Int = 1 << 17) {
        self.capacity = capacity
        bytes = .allocate(capacity: capacity)
    }

    deinit { bytes.deallocate() }

    func removeAll() { count = 0 }

    /// Takes back what was written since `count` was that.
    func cut(to count: Int) { self.count = count }

    /// What is written, from a place on.
    func array(from start: Int = 0) -> [UInt8] {
        Array(UnsafeBufferPointer(start: bytes + start, count: count - start))
    }

    @inline(__always)
    private func reserve(_ more: Int) {
        if count + more > capacity { grow(more) }
    }

    private func grow(_ more: Int) {
        let larger = max(capacity * 2, count + more)
        let fresh = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        fresh.update(from: bytes, count: count)
        bytes.deallocate()
        (bytes, capacity) = (fresh, larger)
    }

    @inline(__always)
    func append(_ byte: UInt8) {
        reserve(1)
        bytes[count] = byte
        count += 1
    }

    func append(ascii text: StaticString) {
        reserve(text.utf8CodeUnitCount)
        memcpy(bytes + count, text.utf8Start, text.utf8CodeUnitCount)
        count += text.utf8CodeUnitCount
    }

    /// A text that needs no escapes, such as a number.
    func append(plain text: String) {
        var text = text
        text.withUTF8 { utf8 in
            reserve(utf8.count)
            if let start = utf8.baseAddress { memcpy(bytes + count, start, utf8.count) }
            count += utf8.count
        }
    }

    @inline(__always)
    func appendNull() { append(ascii: "\\N") }

    func append(_ value: Int64) {
        reserve(20)
        if value < 0 { append(UInt8(ascii: "-")) }
        var rest = value.magnitude
        var length = 1
        var bound: UInt64 = 10
        while length < 19, rest >= bound {
            length += 1
            bound *= 10
        }
        if length == 19, rest >= 10_000_000_000_000_000_000 { length = 20 }
        var place = count + length
        count = place
        repeat {
            place -= 1
            bytes[place] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
    }

    /// `width` digits, with leading zeros.
    @inline(__always)
    func append(_ value: Int, width: Int) {
        reserve(width)
        var rest = value
        for place in stride(from: count + width - 1, through: count, by: -1) {
            bytes[place] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        count += width
    }

    /// Any text: backslash, tab and line breaks are escaped.
    func append(text: UnsafeRawBufferPointer) {
        reserve(text.count * 2)
        var index = 0
        while index < text.count {
            if index + 8 <= text.count {
                let word = text.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                if !Self.mayNeedEscape(word) {
                    (UnsafeMutableRawPointer(bytes) + count).storeBytes(of: word, as: UInt64.self)
                    count += 8
                    index += 8
                    continue
                }
            }
            appendEscaped(text[index])
            index += 1
        }
    }

    /// Whether one of the eight bytes is below 0x20 or a backslash; at times also where none is.
    @inline(__always)
    private static func mayNeedEscape(_ word: UInt64) -> Bool {
        let tops: UInt64 = 0x8080_8080_8080_8080
        let low = (word &- 0x2020_2020_2020_2020) & ~word & tops
        let slashes = word ^ 0x5C5C_5C5C_5C5C_5C5C
        return low | ((slashes &- 0x0101_0101_0101_0101) & ~slashes & tops) != 0
    }

    @inline(__always)
    private func appendEscaped(_ byte: UInt8) {
        let letter: UInt8
        switch byte {
        case UInt8(ascii: "\\"): letter = byte
        case UInt8(ascii: "\n"): letter = UInt8(ascii: "n")
        case UInt8(ascii: "\r"): letter = UInt8(ascii: "r")
        case UInt8(ascii: "\t"): letter = UInt8(ascii: "t")
        default:
            bytes[count] = byte
            count += 1
            return
        }
        bytes[count] = UInt8(ascii: "\\")
        bytes[count + 1] = letter
        count += 2
    }

    /// Bytes as they are.
    func append(raw: UnsafeRawBufferPointer) {
        reserve(raw.count)
        if let start = raw.baseAddress { memcpy(bytes + count, start, raw.count) }
        count += raw.count
    }

    /// bytea in hexadecimal.
    func append(blob: UnsafeRawBufferPointer) {
        append(ascii: "\\\\x")
        append(hex: blob)
    }

    func append(hex blob: UnsafeRawBufferPointer) {
        reserve(blob.count * 2)
        for byte in blob {
            bytes[count] = Self.hex(byte >> 4)
            bytes[count + 1] = Self.hex(byte & 15)
            count += 2
        }
    }

    @inline(__always)
    private static func hex(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }
}
