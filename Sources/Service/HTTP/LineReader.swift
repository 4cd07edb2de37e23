/// Cuts bytes that arrive in parts into lines, of a bounded length.
struct LineReader {
    let longest: Int
    private var pending: [UInt8] = []
    /// Of the last line that was given, from 1.
    private(set) var number = 0

    init(longest: Int) { self.longest = longest }

    /// - Returns: the lines that are whole now; empty ones are counted and left out.
    mutating func take(_ bytes: some Sequence<UInt8>) throws -> [[UInt8]] {
        var lines: [[UInt8]] = []
        for byte in bytes {
            guard byte == UInt8(ascii: "\n") else {
                guard pending.count < longest else {
                    throw Problem(.tooLarge, "Line \(number + 1) is longer than \(longest >> 10) KiB.")
                }
                pending.append(byte)
                continue
            }
            if let line = end() { lines.append(line) }
        }
        return lines
    }

    /// What stands behind the last line end.
    mutating func rest() throws -> [UInt8]? { pending.isEmpty ? nil : end() }

    private mutating func end() -> [UInt8]? {
        number += 1
        defer { pending = [] }
        return pending.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D } ? nil : pending
    }
}
