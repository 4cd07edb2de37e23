internal import SQLSyntax

/// One object as one line: what it is, then `key=value` attributes, separated by tabs.
///
/// Tabs, line ends and backslashes inside values are written `\t`, `\n`, `\r`, `\\`, so that a line can be taken apart.
struct CanonicalLine {
    private(set) var bytes: [UInt8] = []

    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Begins a line; the memory of the one before is used again.
    mutating func start(_ kind: String, _ name: String) {
        bytes.removeAll(keepingCapacity: true)
        bytes.append(contentsOf: kind.utf8)
        bytes.append(0x20)
        append(name)
    }

    mutating func add(_ key: StaticString, _ value: String) {
        bytes.append(0x09)
        key.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(0x3D)
        append(value)
    }

    /// Only where there is something to say.
    mutating func add(_ key: StaticString, unlessEmpty value: String) {
        if !value.isEmpty { add(key, value) }
    }

    mutating func add(_ key: StaticString, _ number: some BinaryInteger) {
        add(key, String(number))
    }

    mutating func add(_ key: StaticString, if flag: Bool) {
        if flag { add(key, "true") }
    }

    /// Lists are short and mostly empty.
    mutating func add(_ key: StaticString, _ list: [String]) {
        if !list.isEmpty { add(key, list.joined(separator: ", ")) }
    }

    mutating func addColumn(_ column: Column) {
        bytes.append(0x09)
        bytes.append(contentsOf: "column ".utf8)
        append(SQL.identifier(column.name))
        bytes.append(0x3D)
        append(String(column.number))
        bytes.append(0x20)
        append(column.type)
        if column.notNull { bytes.append(contentsOf: " not null".utf8) }
        if column.identity != .no { bytes.append(contentsOf: " identity \(column.identity.rawValue)".utf8) }
        if let expression = column.defaultExpression {
            bytes.append(contentsOf: (column.isGenerated ? " generated " : " default ").utf8)
            append(expression)
        }
        if !column.settings.isEmpty {
            bytes.append(0x20)
            append(column.settings)
        }
    }

    private mutating func append(_ text: String) {
        var needsEscape = false
        for byte in text.utf8 where byte == 0x5C || (0x09...0x0D).contains(byte) {
            needsEscape = true
            break
        }
        guard needsEscape else {
            bytes.append(contentsOf: text.utf8)
            return
        }
        for byte in text.utf8 {
            switch byte {
            case 0x09: bytes += [0x5C, 0x74]
            case 0x0A: bytes += [0x5C, 0x6E]
            case 0x0D: bytes += [0x5C, 0x72]
            case 0x5C: bytes += [0x5C, 0x5C]
            default: bytes.append(byte)
            }
        }
    }
}
