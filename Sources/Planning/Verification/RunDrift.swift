internal import SQLSyntax

/// What changed in a database beside an unfinished run: the catalog from before it is compared with the one that is there,
/// and what the run's own steps did is taken out.
package struct RunDrift {
    private let names: MovedNames
    private let deeds: StepDeeds
    private let components: ComponentLines

    /// - Parameters:
    ///   - touched: steps that are done, or may be half done (an index that was being built).
    ///   - catalog: as it is now.
    ///   - components: what is in their schemas is no plan's: it may be in use, and changes as it is used.
    package init(touched: [Step], catalog: Catalog, components: [PlannedComponent] = []) {
        let lookup = CatalogLookup(catalog)
        names = MovedNames(touched, catalog: catalog, lookup: lookup)
        self.components = ComponentLines(components)
        deeds = StepDeeds(touched, catalog: catalog, lookup: lookup, names: names)
    }

    /// One line for each thing that the steps do not explain; empty where there is none. `before` are the canonical
    /// lines of the catalog that the run began with.
    package func differences(before: [String], after: [String]) -> [String] {
        let gone = deeds.missingShims.map { "removed the compatibility object \($0)" }
        var mapped: [String] = []
        mapped.reserveCapacity(after.count)
        // By the old name, how an object is called now.
        var now: [Substring: Substring] = [:]
        // A shim has the name that the moved object had, and would be taken for it. Names are read in every line: one
        // that is as before may be another object's, which has taken the name over.
        for line in after where !deeds.isShim(line) {
            let text = names.normalised(line)
            if text != line { now[Self.object(text)] = Self.object(line) }
            mapped.append(text)
        }
        var old = before.map(MovedNames.sortedLists)
        Self.removeCommon(&old, &mapped)
        // Where a text had the new name before, it stands there still.
        let difference = CatalogDifference.between(old.map(names.normalised), mapped, limit: .max)
        func name(_ object: String) -> Substring { now[object[...]] ?? object[...] }
        return gone
            + difference.removed.filter { !deeds.explainRemoval(of: $0) && !components.belongs($0) }.map {
                "removed \($0)"
            }
            + difference.added.filter { !deeds.explainAddition(of: $0) && !components.belongs($0) }.map {
                "added \(name($0))"
            }
            + difference.changed.compactMap { change in
                if components.belongs(change.object) { return nil }
                let rest = change.attributes.filter { !deeds.explainChange(of: change.object, $0) }
                return rest.isEmpty ? nil : "changed \(name(change.object)): \(rest.joined(separator: "; "))"
            }
    }

    private static func object(_ line: String) -> Substring { line.prefix { $0 != "\t" } }

    private static func removeCommon(_ old: inout [String], _ new: inout [String]) {
        var counts: [String: Int] = [:]
        counts.reserveCapacity(old.count)
        for line in old { counts[line, default: 0] += 1 }
        new = new.filter { line in
            guard let count = counts[line], count > 0 else { return true }
            counts[line] = count - 1
            return false
        }
        old = counts.flatMap { Array(repeating: $0.key, count: $0.value) }
    }
}

/// New names of what has moved, told as the old ones, wherever they stand in a text.
struct MovedNames {
    /// Qualified, as SQL writes them: new → old.
    private var old: [String: String] = [:]

    init(_ steps: [Step], catalog: Catalog, lookup: CatalogLookup) {
        // What steps aside for another object moves twice.
        var first: [OID: ObjectPin] = [:]
        var last: [OID: ObjectPin] = [:]
        for step in steps {
            for pin in step.expects where first[pin.oid] == nil { first[pin.oid] = pin }
            for pin in step.undoExpects { last[pin.oid] = pin }
        }
        for (oid, before) in first {
            if let after = last[oid], after.schema != before.schema { note(before, after, catalog, lookup) }
        }
    }

    private mutating func note(_ before: ObjectPin, _ after: ObjectPin, _ catalog: Catalog, _ lookup: CatalogLookup) {
        var names = [after.name]
        if after.catalog == .relation {
            names += lookup.indexes(of: after.oid).map(\.name)
            names += lookup.sequences(ownedBy: after.oid).compactMap { catalog.relations[$0]?.name }
        }
        for name in names {
            old[Self.escaped(SQL.qualified(after.schema, name))] = Self.escaped(SQL.qualified(before.schema, name))
        }
    }

    /// As canonical lines write it.
    static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\t", with: "\\t").replacing("\n", with: "\\n")
            .replacing("\r", with: "\\r")
    }

    /// The line with old names.
    func normalised(_ line: String) -> String { Self.sortedLists(replaced(line)) }

    /// Lists that a catalog sorts by name are sorted again.
    static func sortedLists(_ text: String) -> String {
        guard text.hasPrefix("publication ") || text.hasPrefix("subscription ") else { return text }
        return text.split(separator: "\t", omittingEmptySubsequences: false).map { part in
            guard part.hasPrefix("tables=") else { return String(part) }
            let names = part.dropFirst("tables=".count).split(separator: ",").map { $0.drop { $0 == " " } }
            return "tables=" + names.sorted().joined(separator: ", ")
        }.joined(separator: "\t")
    }

    func replaced(_ text: String) -> String {
        guard !old.isEmpty else { return text }
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var position = 0
        while position < bytes.count {
            guard let first = Self.name(in: bytes, at: position) else {
                result.append(bytes[position])
                position += 1
                continue
            }
            if first < bytes.count, bytes[first] == UInt8(ascii: "."),
                let second = Self.name(in: bytes, at: first + 1),
                let name = old[String(decoding: bytes[position..<second], as: UTF8.self)]
            {
                result += name.utf8
                position = second
            } else {
                result += bytes[position..<first]
                position = first
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// All qualified names in a text, as they are written.
    static func qualifiedNames(in text: String) -> Set<String> {
        let bytes = Array(text.utf8)
        var names: Set<String> = []
        var position = 0
        while position < bytes.count {
            guard let first = name(in: bytes, at: position) else {
                position += 1
                continue
            }
            if first < bytes.count, bytes[first] == UInt8(ascii: "."), let second = name(in: bytes, at: first + 1) {
                names.insert(String(decoding: bytes[position..<second], as: UTF8.self))
                position = second
            } else {
                position = first
            }
        }
        return names
    }

    /// The end of the name that begins there: quoted, or of letters, digits, `_` and `$`.
    private static func name(in bytes: [UInt8], at start: Int) -> Int? {
        guard start < bytes.count else { return nil }
        if bytes[start] == UInt8(ascii: "\"") {
            var position = start + 1
            while let quote = bytes[position...].firstIndex(of: UInt8(ascii: "\"")) {
                guard quote + 1 < bytes.count, bytes[quote + 1] == UInt8(ascii: "\"") else { return quote + 1 }
                position = quote + 2
            }
            return nil
        }
        var end = start
        while end < bytes.count, isWord(bytes[end]) { end += 1 }
        return end > start ? end : nil
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        byte >= 0x80 || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "$") || (0x30...0x39).contains(byte)
            || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
