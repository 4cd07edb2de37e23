/// Which tables a suggestion is about, and the foreign keys between them.
///
/// Looked at is what lies in one pile: `public`, schemas of more than `crowd` tables, and small schemas in which tables
/// were only parked because their names were taken. Schemas that somebody has already made with a purpose stay.
struct SuggestionScope {
    /// A schema with more tables than this counts as a pile.
    static let crowd = 25
    /// A schema with at most this many tables may be one in which tables were parked.
    static let parking = 3

    /// A table of the pile; inheritance children belong to the node of their first ancestor.
    struct Node {
        var relation: Relation
        var schema: String
        var words: [String]
        var children: [OID] = []
    }

    /// A foreign key between two nodes, or one that the columns' names imply.
    struct Key {
        var from: Int
        var to: Int
        var columns: [String]
        /// No column may be NULL.
        var isRequired: Bool
        /// At most one row for each row of the referenced table.
        var isUnique: Bool
        /// Rows go when the referenced row goes (ON DELETE CASCADE).
        var isOwned = false
        /// No constraint, only a column named like one.
        var isImplied = false
    }

    let catalog: Catalog
    let lookup: CatalogLookup
    /// Sorted by schema and name.
    private(set) var nodes: [Node] = []
    /// The node of each table, partitions and inheritance children included.
    private(set) var nodeByRelation: [OID: Int] = [:]
    private(set) var keys: [Key] = []
    /// Names of the schemas looked at, sorted.
    private(set) var pile: [String] = []
    private(set) var notes: [String] = []

    init(catalog: Catalog, lookup: CatalogLookup) {
        self.catalog = catalog
        self.lookup = lookup
        let tables = catalog.relations.values.filter { isCandidate($0) }
        let schemas = choosePile(tables)
        pile = schemas.values.sorted()
        nodes = tables.filter { schemas[$0.schema] != nil && ancestor(of: $0.oid) == $0.oid }
            .map { Node(relation: $0, schema: lookup.schemaName($0.schema), words: NameWords.words($0.name)) }
            .sorted { ($0.schema, $0.relation.name) < ($1.schema, $1.relation.name) }
        for position in nodes.indices { nodeByRelation[nodes[position].relation.oid] = position }
        for oid in catalog.relations.keys.sorted() where nodeByRelation[oid] == nil {
            guard let relation = catalog.relations[oid], relation.kind.isTable, !relation.parents.isEmpty,
                let node = nodeByRelation[ancestor(of: oid)]
            else { continue }
            nodeByRelation[oid] = node
            if !relation.isPartition { nodes[node].children.append(oid) }
        }
        keys = catalog.constraints.compactMap(key)
        keys += ImpliedKeys(scope: self).find()
    }

    private func isCandidate(_ relation: Relation) -> Bool {
        relation.kind.isTable && !relation.isPartition && !BookkeepingTables.contains(relation.name)
            && catalog.extensionMembers[ObjectReference(.relation, relation.oid)] == nil
    }

    /// The table that the table inherits from, directly or not; the first one where there are several.
    private func ancestor(of relation: OID) -> OID {
        var current = relation
        // Inheritance has no cycles; the bound is for a catalog that was not read from a server.
        for _ in 0..<100 {
            guard let parent = catalog.relations[current]?.parents.first, catalog.relations[parent] != nil else {
                break
            }
            current = parent
        }
        return current
    }

    // MARK: The pile

    private mutating func choosePile(_ tables: [Relation]) -> [OID: String] {
        let bySchema = Dictionary(grouping: tables, by: \.schema)
        var pile: [OID: String] = [:]
        for (schema, members) in bySchema {
            let name = lookup.schemaName(schema)
            if name == "public" || members.count > Self.crowd { pile[schema] = name }
        }
        var names: Set<String> = []
        for schema in pile.keys { names.formUnion((bySchema[schema] ?? []).map(\.name)) }
        let balance = keyBalance()
        for schema in bySchema.keys.sorted() where pile[schema] == nil {
            let members = bySchema[schema] ?? []
            let shared = members.map(\.name).filter(names.contains).sorted()
            let (inside, crossing) = balance[schema] ?? (0, 0)
            guard members.count <= Self.parking, inside == 0, crossing > 0, shared.count * 2 >= members.count else {
                continue
            }
            let name = lookup.schemaName(schema)
            pile[schema] = name
            notes.append(
                "schema \(name) counts as part of the pile: none of its \(counted(crossing, "foreign key")) stays inside, "
                    + "and \(SuggestionWords.list(shared)) \(shared.count == 1 ? "is a name" : "are names") taken in the pile"
            )
        }
        return pile
    }

    private func keyBalance() -> [OID: (inside: Int, crossing: Int)] {
        var balance: [OID: (inside: Int, crossing: Int)] = [:]
        for constraint in catalog.constraints where constraint.kind == .foreignKey && constraint.parent == 0 {
            guard constraint.relation != constraint.referenced,
                let from = catalog.relations[constraint.relation]?.schema,
                let to = catalog.relations[constraint.referenced]?.schema
            else { continue }
            if from == to {
                balance[from, default: (0, 0)].inside += 1
            } else {
                balance[from, default: (0, 0)].crossing += 1
                balance[to, default: (0, 0)].crossing += 1
            }
        }
        return balance
    }

    // MARK: Keys

    private func key(_ constraint: Constraint) -> Key? {
        guard constraint.kind == .foreignKey, constraint.parent == 0, let from = nodeByRelation[constraint.relation],
            let to = nodeByRelation[constraint.referenced], from != to
        else { return nil }
        let columns = constraint.columns.compactMap { number in
            catalog.columns[constraint.relation]?.first { $0.number == number }
        }
        let numbers = Set(constraint.columns)
        return Key(
            from: from, to: to, columns: columns.map(\.name), isRequired: columns.allSatisfy(\.notNull),
            isUnique: lookup.indexes(of: constraint.relation).contains { $0.isUnique && Set($0.keys) == numbers },
            isOwned: constraint.onDelete == "c")
    }
}

/// Columns named like a key to a table (`animal_id`, `breedId`) on which there is no constraint: many systems declare none.
private struct ImpliedKeys {
    let scope: SuggestionScope

    func find() -> [SuggestionScope.Key] {
        var tables: [[String]: Int] = [:]
        var ambiguous: Set<[String]> = []
        for (position, node) in scope.nodes.enumerated() where tables.updateValue(position, forKey: node.words) != nil {
            ambiguous.insert(node.words)
        }
        var found: [SuggestionScope.Key] = []
        for (position, node) in scope.nodes.enumerated() {
            let constrained = Set(
                scope.lookup.constraints(of: node.relation.oid).filter { $0.kind == .foreignKey }.flatMap(\.columns))
            for column in scope.catalog.columns[node.relation.oid] ?? [] where !constrained.contains(column.number) {
                let words = NameWords.words(column.name)
                guard words.count > 1, words.last == "id" || words.last == "uuid" else { continue }
                let stem = Array(words.dropLast())
                guard let target = tables[stem], !ambiguous.contains(stem), target != position else { continue }
                found.append(
                    SuggestionScope.Key(
                        from: position, to: target, columns: [column.name], isRequired: column.notNull, isUnique: false,
                        isImplied: true))
            }
        }
        return found
    }
}

enum SuggestionWords {
    /// `a`, `a and b`, `a, b and c`; after `most` the rest is counted.
    static func list(_ names: [String], most: Int = 4) -> String {
        guard names.count > 1 else { return names.first ?? "" }
        if names.count > most {
            return names.prefix(most - 1).joined(separator: ", ") + " and \(grouped(names.count - most + 1)) more"
        }
        return names.dropLast().joined(separator: ", ") + " and " + (names.last ?? "")
    }
}
