/// Positions in a list, grouped by a key: two flat arrays instead of one small array for each of 50,000 tables.
struct Groups<Key: Hashable & Sendable>: Sendable {
    private var ranges: [Key: Range<Int32>] = [:]
    private var positions: [Int32] = []

    /// Groups the elements; those for which `key` gives nil are left out. Order within a group is that of the list.
    init<Element>(_ elements: [Element], by key: (Element) -> Key?) {
        var counts: [Key: Int32] = [:]
        for element in elements {
            if let key = key(element) { counts[key, default: 0] += 1 }
        }
        ranges.reserveCapacity(counts.count)
        var start: Int32 = 0
        for (key, count) in counts {
            // Empty at first; grows to the full size while the group is filled.
            ranges[key] = start..<start
            start += count
        }
        positions = Array(repeating: 0, count: Int(start))
        for (position, element) in elements.enumerated() {
            guard let key = key(element), let range = ranges[key] else { continue }
            positions[Int(range.upperBound)] = Int32(position)
            ranges[key] = range.lowerBound..<(range.upperBound + 1)
        }
    }

    /// Positions in the list that was grouped.
    subscript(key: Key) -> ArraySlice<Int32> {
        guard let range = ranges[key] else { return [] }
        return positions[Int(range.lowerBound)..<Int(range.upperBound)]
    }

    /// The members of a group, taken from the list that was grouped.
    func members<Element>(_ key: Key, in elements: [Element]) -> [Element] {
        self[key].map { elements[Int($0)] }
    }
}

/// Objects of one kind by name, and by schema and name.
struct NameIndex: Sendable {
    private struct QualifiedKey: Hashable, Sendable {
        var schema: OID
        var name: String
    }

    private let oids: [OID]
    private let byName: Groups<String>
    private let byQualifiedName: Groups<QualifiedKey>

    /// In the order of the OIDs, so that answers do not depend on the order of a dictionary.
    init(_ objects: [(oid: OID, schema: OID, name: String)]) {
        let sorted = objects.sorted { $0.oid < $1.oid }
        oids = sorted.map(\.oid)
        byName = Groups(sorted, by: \.name)
        byQualifiedName = Groups(sorted) { QualifiedKey(schema: $0.schema, name: $0.name) }
    }

    func oids(named name: String) -> [OID] { byName.members(name, in: oids) }
    func oids(schema: OID, name: String) -> [OID] {
        byQualifiedName.members(QualifiedKey(schema: schema, name: name), in: oids)
    }
}
