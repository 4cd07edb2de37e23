/// What a layout means, as 128 bits: two files with the same placement have the same fingerprint whatever their comments,
/// spacing, order of lists, connection strings and settings of the proxy.
///
/// Covers schemas with everything in them, the databases they are placed on, compatibility, roles and indexes. It is stable
/// between releases and machines, and no defence against somebody who makes two layouts alike on purpose (FNV-1a).
extension Layout {
    /// 32 hexadecimal digits.
    package var fingerprint: String {
        var hash = LayoutHash()
        hash.add("strata layout 1")
        hash.add(compatibility.rawValue)
        hash.add(sorted: schemas.map { $0.meaning(mainDatabase: mainDatabase) })
        hash.add(sorted: roles.map(\.meaning))
        hash.add(sorted: indexes.map(\.meaning))
        return hash.text
    }
}

/// FNV-1a over length-prefixed texts, so that no two different lists of texts run together.
private struct LayoutHash {
    private var value: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d
    private static let prime: UInt128 = 0x0000_0000_0100_0000_0000_0000_0000_013B

    mutating func add(_ text: String) {
        for byte in "\(text.utf8.count):".utf8 { add(byte) }
        for byte in text.utf8 { add(byte) }
    }

    mutating func add(sorted texts: [String]) {
        add("\(texts.count)")
        for text in texts.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) { add(text) }
    }

    private mutating func add(_ byte: UInt8) {
        value ^= UInt128(byte)
        value = value &* LayoutHash.prime
    }

    var text: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 32 - digits.count) + digits
    }
}

/// One text out of several, each with its length before it.
private func joined(_ parts: [String?]) -> String {
    parts.map { $0.map { "\($0.utf8.count):\($0)" } ?? "-" }.joined()
}

private func joined(sorted parts: [String]) -> String {
    joined(parts.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
}

extension SchemaLayout {
    fileprivate func meaning(mainDatabase: String) -> String {
        joined([
            name, database == mainDatabase ? nil : database,
            joined(sorted: tables.map(\.meaning)), joined(sorted: views.map(\.meaning)),
            joined(sorted: functions.map(\.meaning)), joined(sorted: types.map(\.meaning)),
            joined(sorted: sequences.map(\.meaning)), joined(sorted: appendOnly.map(\.value)),
            joined(sorted: ignore.map(\.value)), rebuildable ? "rebuildable" : nil,
            joined(sorted: partitions.map { joined([$0.table, $0.column, $0.every.rawValue, "\($0.ahead)"]) }),
        ])
    }
}

extension ObjectEntry {
    fileprivate var meaning: String { joined([name, arguments, from]) }
}

extension RoleLayout {
    /// Reading is part of writing.
    fileprivate var meaning: String {
        let written = Set(write.map(\.value))
        return joined([
            name, joined(sorted: Set(read.map(\.value)).subtracting(written).sorted()),
            joined(sorted: written.sorted()),
        ])
    }
}

extension IndexLayout {
    /// The order of `columns` matters, that of `include` does not.
    fileprivate var meaning: String {
        joined([
            schema, table, joined(columns.map { joined([$0.name, $0.descending ? "desc" : nil]) }),
            unique ? "unique" : nil, method, predicate, joined(sorted: include), name,
        ])
    }
}
