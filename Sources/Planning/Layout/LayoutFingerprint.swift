internal import SQLSyntax

/// What a layout means, as 128 bits: two files with the same placement have the same fingerprint whatever their comments,
/// spacing, order of lists, connection strings and settings of the proxy.
///
/// Covers schemas with everything in them, the databases they are placed on, compatibility, roles, indexes, loose keys,
/// copies, foreign tables and the event store. It is stable between releases and machines, and no defence against somebody who makes two layouts alike on purpose (FNV-1a).
extension Layout {
    /// 32 hexadecimal digits.
    package var fingerprint: String {
        var hash = FNV1a128()
        hash.add("strata layout 1")
        hash.add(compatibility.rawValue)
        hash.add(sorted: schemas.map { $0.meaning(mainDatabase: mainDatabase) })
        hash.add(sorted: roles.map(\.meaning))
        hash.add(sorted: indexes.map(\.meaning))
        // Only where there are any: layouts without keep the fingerprint that earlier releases gave them.
        if !looseKeys.isEmpty { hash.add(sorted: looseKeys.map(\.meaning)) }
        if !copies.isEmpty { hash.add(sorted: copies.map { "copy " + $0.meaning }) }
        if !foreignTables.isEmpty { hash.add(sorted: foreignTables.map { "foreign " + $0.meaning }) }
        // Not how many partitions are made ahead: that matters once, and every time is different.
        if let events {
            let home = events.database == mainDatabase ? nil : events.database
            hash.add("events " + joined([events.schema, home, events.every.rawValue]))
        }
        return hash.hexadecimal
    }
}

extension FNV1a128 {
    /// Each text with its length before it, so that no two different lists of texts run together.
    fileprivate mutating func add(_ text: String) {
        add("\(text.utf8.count):".utf8)
        add(text.utf8)
    }

    fileprivate mutating func add(sorted texts: [String]) {
        add("\(texts.count)")
        for text in texts.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) { add(text) }
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
        joined(
            [
                name, database == mainDatabase ? nil : database,
                joined(sorted: tables.map(\.meaning)), joined(sorted: views.map(\.meaning)),
                joined(sorted: functions.map(\.meaning)), joined(sorted: types.map(\.meaning)),
                joined(sorted: sequences.map(\.meaning)), joined(sorted: appendOnly.map(\.value)),
                joined(sorted: ignore.map(\.value)), rebuildable ? "rebuildable" : nil,
                joined(sorted: partitions.map { joined([$0.table, $0.column, $0.every.rawValue, "\($0.ahead)"]) }),
            ] + (definitions == .refuse ? [] : [definitions.rawValue]))
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

extension LooseKeyLayout {
    fileprivate var meaning: String {
        joined([
            table.schema, table.name, joined(columns), references.schema, references.name, joined(referencedColumns),
            onDelete?.rawValue, onUpdate?.rawValue,
        ])
    }
}

extension CopyLayout {
    fileprivate var meaning: String { joined([schema, table, joined(sorted: databases)]) }
}

extension ForeignTablesLayout {
    fileprivate var meaning: String { joined([schema, source, joined(sorted: tables)]) }
}
