/// What changed between two lists of canonical lines.
package struct CatalogDifference: Sendable, Equatable {
    /// One object that is in both lists with other attributes, or under another name with the same OID.
    package struct Change: Sendable, Equatable {
        /// As it was called before, for example `table public.animals`.
        package var object: String
        /// For example `owner: app → web`.
        package var attributes: [String]
    }

    /// Objects that are only in the second list, sorted; at most the limit, and so for the others.
    package var added: [String] = []
    package var removed: [String] = []
    package var changed: [Change] = []
    /// How many there are in all, beyond the limit too.
    package var total = 0

    package var isEmpty: Bool { total == 0 }

    /// Compares in time and memory proportional to both lists; `limit` bounds each of the three lists.
    package static func between(_ before: [String], _ after: [String], limit: Int = 100) -> CatalogDifference {
        var gone = counts(before)
        var come: [String] = []
        for line in after {
            if let count = gone[line] {
                gone[line] = count > 1 ? count - 1 : nil
            } else {
                come.append(line)
            }
        }
        let old = gone.flatMap { line, count in Array(repeating: CanonicalLineParts(line), count: count) }
        return matched(old.sorted(), come.map { CanonicalLineParts($0) }.sorted()).limited(to: max(0, limit))
    }

    /// One line of text for each difference, and a last one that says how many are not shown.
    package func lines() -> [String] {
        let shown =
            removed.map { "removed \($0)" } + added.map { "added \($0)" }
            + changed.map { "changed \($0.object): \($0.attributes.joined(separator: "; "))" }
        return total > shown.count ? shown + ["and \(total - shown.count) more"] : shown
    }

    private static func counts(_ lines: [String]) -> [String: Int] {
        var counts: [String: Int] = [:]
        counts.reserveCapacity(lines.count)
        for line in lines { counts[line, default: 0] += 1 }
        return counts
    }

    /// Pairs what has the same name, then what has the same OID.
    private static func matched(_ old: [CanonicalLineParts], _ new: [CanonicalLineParts]) -> CatalogDifference {
        var result = CatalogDifference()
        var byName = Dictionary(grouping: new, by: \.object)
        var unmatched: [CanonicalLineParts] = []
        for line in old {
            if let partner = byName[line.object]?.popLast() {
                result.changed.append(Change(object: line.object, attributes: line.differences(from: partner)))
            } else {
                unmatched.append(line)
            }
        }
        var byOID: [String: CanonicalLineParts] = [:]
        var added: [CanonicalLineParts] = []
        for line in byName.values.joined() {
            if let identity = line.identity, byOID[identity] == nil {
                byOID[identity] = line
            } else {
                added.append(line)
            }
        }
        for line in unmatched {
            if let identity = line.identity, let partner = byOID.removeValue(forKey: identity) {
                let attributes = ["now \(partner.object)"] + line.differences(from: partner)
                result.changed.append(Change(object: line.object, attributes: attributes))
            } else {
                result.removed.append(line.object)
            }
        }
        result.added = (added + byOID.values).map(\.object).sorted()
        result.total = result.added.count + result.removed.count + result.changed.count
        return result
    }

    private func limited(to limit: Int) -> CatalogDifference {
        var copy = self
        copy.added = Array(added.prefix(limit))
        copy.removed = Array(removed.prefix(limit))
        copy.changed = Array(changed.prefix(limit))
        return copy
    }
}

/// A canonical line, taken apart again.
private struct CanonicalLineParts: Comparable {
    let object: String
    let attributes: [Substring]

    init(_ line: String) {
        let parts = line.split(separator: "\t")
        object = parts.first.map { String($0) } ?? ""
        attributes = Array(parts.dropFirst())
    }

    /// The first word of the kind and the OID; nil for objects without one.
    var identity: String? {
        guard let oid = attributes.first(where: { $0.hasPrefix("oid=") }) else { return nil }
        return "\(object.prefix { $0 != " " }) \(oid)"
    }

    static func < (left: Self, right: Self) -> Bool { left.object < right.object }

    /// `key: old → new`, and `key: none` on the side that does not have it.
    func differences(from other: CanonicalLineParts) -> [String] {
        let mine = values
        let theirs = other.values
        return Set(mine.keys).union(theirs.keys).sorted().compactMap { key in
            let (old, new) = (mine[key], theirs[key])
            return old == new ? nil : "\(key): \(old ?? "none") → \(new ?? "none")"
        }
    }

    private var values: [String: String] {
        var values: [String: String] = [:]
        for attribute in attributes {
            let end = Self.keyEnd(attribute)
            let key = String(attribute[..<end])
            let value = String(attribute[end...].dropFirst())
            // Grants on several columns share one key.
            values[key] = values[key].map { $0 + " | " + value } ?? value
        }
        return values
    }

    /// The first `=` outside double quotes: column names may hold one.
    private static func keyEnd(_ attribute: Substring) -> Substring.Index {
        var isQuoted = false
        for index in attribute.indices {
            if attribute[index] == "\"" { isQuoted.toggle() }
            if attribute[index] == "=", !isQuoted { return index }
        }
        return attribute.endIndex
    }
}
