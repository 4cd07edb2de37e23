internal import SQLSyntax

/// The names that moves take in their target and leave where they were. What leaves makes room for what arrives.
struct MoveNames: Sendable {
    /// Names of one space exclude each other.
    enum Space: Hashable, Sendable {
        /// Tables, views, sequences, indexes, composite types.
        case relation
        /// Types of any kind, and the row types of relations.
        case type
        /// Routines, by the types of their arguments.
        case routine([String])
        case statistics
    }

    struct Name: Hashable, Sendable {
        var space: Space
        var schema: String
        var name: String
    }

    /// A name, and what has it.
    struct Held: Sendable {
        var name: Name
        /// `table`, `index`, `sequence`, …
        var what: String
        /// As people write it, without the schema: functions with their arguments.
        var written: String
        /// Whether it is the object itself, not an index or sequence that comes along.
        var isObject = true
    }

    let catalog: Catalog
    let lookup: CatalogLookup
    /// By the name that a move takes.
    private(set) var arriving: [Name: Move] = [:]
    /// By the name that a move leaves.
    private(set) var leaving: [Name: Move] = [:]

    init(_ moves: [Move], catalog: Catalog, lookup: CatalogLookup) {
        self.catalog = catalog
        self.lookup = lookup
        for move in moves {
            for held in names(of: move, in: move.to) where arriving[held.name] == nil { arriving[held.name] = move }
            for held in names(of: move, in: move.from) { leaving[held.name] = move }
        }
    }

    /// What else takes the name that the move's object leaves, so that nothing can be left under it.
    func successor(of move: Move) -> Move? {
        names(of: move, in: move.from).filter(\.isObject).lazy.compactMap { arriving[$0.name] }.first
    }

    /// Whether it takes the name of something that leaves.
    func replaces(_ move: Move) -> Bool {
        names(of: move, in: move.to).contains { $0.isObject && leaving[$0.name] != nil }
    }

    /// Whether the old name soon stands for another object that is used in the same way, so that statements do not fail
    /// but mean something else.
    func isReused(_ move: Move) -> Bool {
        guard let successor = successor(of: move) else { return false }
        let left = Set(names(of: move, in: move.from).filter(\.isObject).map(\.name))
        return names(of: successor, in: successor.to).contains { $0.isObject && left.contains($0.name) }
    }

    /// What the object is called in a schema, and what comes along with it.
    func names(of move: Move, in schema: String) -> [Held] {
        switch move.object {
        case .relation(let kind): return relation(move, kind, in: schema)
        case .type:
            return [Held(name: Name(space: .type, schema: schema, name: move.name), what: "type", written: move.name)]
        case .function:
            let function = catalog.functions[move.oid]
            return [
                Held(
                    name: Name(space: .routine(function?.inputTypes ?? []), schema: schema, name: move.name),
                    what: "function", written: "\(move.name)(\(function?.identityArguments ?? ""))")
            ]
        case .statistics:
            let name = Name(space: .statistics, schema: schema, name: move.name)
            return [Held(name: name, what: "statistics object", written: move.name)]
        }
    }

    private func relation(_ move: Move, _ kind: Relation.Kind, in schema: String) -> [Held] {
        func held(_ space: Space, _ name: String, _ what: String, isObject: Bool) -> Held {
            Held(name: Name(space: space, schema: schema, name: name), what: what, written: name, isObject: isObject)
        }
        let word = Self.word(kind)
        var found = [held(.relation, move.name, word, isObject: true)]
        if hasRowType(kind) { found.append(held(.type, move.name, word, isObject: true)) }
        found += lookup.indexes(of: move.oid).map { held(.relation, $0.name, "index", isObject: false) }
        for sequence in lookup.sequences(ownedBy: move.oid) {
            guard let relation = catalog.relations[sequence] else { continue }
            found.append(held(.relation, relation.name, "sequence", isObject: false))
            if hasRowType(.sequence) { found.append(held(.type, relation.name, "sequence", isObject: false)) }
        }
        return found
    }

    /// Until 13 sequences had row types too.
    func hasRowType(_ kind: Relation.Kind) -> Bool { kind != .sequence || catalog.server.version < 140_000 }

    static func word(_ kind: Relation.Kind) -> String {
        switch kind {
        case .table, .partitionedTable, .foreignTable: "table"
        case .view: "view"
        case .materialisedView: "materialised view"
        case .sequence: "sequence"
        case .compositeType: "type"
        }
    }
}
