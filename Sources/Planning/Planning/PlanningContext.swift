internal import SQLSyntax

/// What every part of the planner looks at: the layout, the catalog with its look-ups, and the moves.
struct PlanningContext {
    let layout: Layout
    let catalog: Catalog
    let lookup: CatalogLookup
    let use: StatementUse
    let placement: Placement

    /// Moves by the old schema and name of relations (tables, views, sequences).
    let relationMoves: [QualifiedName: Move]
    let typeMoves: [QualifiedName: Move]
    /// Functions by old name: overloads move separately.
    let functionMoves: [QualifiedName: [Move]]
    let moveByOID: [ObjectReference: Move]
    /// Sequences owned by moved tables: they move with them. Old name → (sequence, the table's move).
    let ownedSequenceMoves: [QualifiedName: Move]
    /// Target schemas in the layout's order, each once.
    let targetSchemas: [String]
    let ownedSequencesByName: [String: [QualifiedName]]
    /// Moves into a schema, in order.
    let movesByTarget: [String: [Move]]
    /// Moves of objects of that name.
    let movesByName: [String: [Move]]
    /// What moves only because this table does.
    let followersByTable: [OID: [Move]]
    /// Relations by the schema where they will be once the plan is done, sorted by name; shims left out.
    let relationsAfterwards: [String: [OID]]
    /// The owner of each schema that is to be created, where it is another role than the connected one.
    let newSchemaOwners: [String: OID]
    /// The names that moves take and leave.
    let names: MoveNames
    /// What earlier runs left under old names of what moves again.
    let formerShims: [ObjectReference: [Shim]]
    /// Tables that the layout makes append-only, with their partitions and inheritance children.
    let appendOnly: Set<OID>
    private let layoutSchemas: [String: SchemaLayout]
    let layoutRoles: LayoutRoles
    /// The unquoted words that stand for something that moves: a cheap test before a text is parsed.
    let movedWords: Set<String>
    /// Those of them that are no single word, such as `order items`.
    private let oddNames: [String]

    init(layout: Layout, catalog: Catalog, lookup: CatalogLookup, use: StatementUse, placement: Placement) {
        self.layout = layout
        self.catalog = catalog
        self.lookup = lookup
        self.use = use
        self.placement = placement
        var relations: [QualifiedName: Move] = [:]
        var types: [QualifiedName: Move] = [:]
        var functions: [QualifiedName: [Move]] = [:]
        var byOID: [ObjectReference: Move] = [:]
        var owned: [QualifiedName: Move] = [:]
        for move in placement.moves {
            let name = QualifiedName(schema: move.from, name: move.name)
            switch move.object {
            case .relation:
                relations[name] = move
                byOID[ObjectReference(.relation, move.oid)] = move
                for sequence in lookup.sequences(ownedBy: move.oid) {
                    guard let relation = catalog.relations[sequence] else { continue }
                    owned[QualifiedName(schema: lookup.schemaName(relation.schema), name: relation.name)] = Move(
                        object: .relation(.sequence), oid: sequence, name: relation.name, from: move.from, to: move.to,
                        cause: .follows(move.oid), place: move.place)
                }
            case .type:
                types[name] = move
                byOID[ObjectReference(.type, move.oid)] = move
            case .function:
                functions[name, default: []].append(move)
                byOID[ObjectReference(.function, move.oid)] = move
            case .statistics: byOID[ObjectReference(.statistics, move.oid)] = move
            }
        }
        relationMoves = relations
        typeMoves = types
        functionMoves = functions
        moveByOID = byOID
        ownedSequenceMoves = owned
        targetSchemas = placement.moves.map(\.to).uniqued()
        ownedSequencesByName = Dictionary(grouping: owned.keys, by: \.name)
        movesByTarget = Dictionary(grouping: placement.moves, by: \.to)
        movesByName = Dictionary(grouping: placement.moves, by: \.name)
        followersByTable = Self.followers(placement.moves)
        layoutRoles = LayoutRoles(layout: layout, catalog: catalog)
        layoutSchemas = Dictionary(layout.schemas.map { ($0.name, $0) }) { first, _ in first }
        relationsAfterwards = Self.afterwards(catalog, lookup, byOID)
        names = MoveNames(placement.moves, catalog: catalog, lookup: lookup)
        formerShims = FormerShims.find(placement.moves, catalog: catalog, lookup: lookup)
        appendOnly = Self.appendOnly(layout, catalog, lookup, byOID)
        newSchemaOwners = movesByTarget.compactMapValues { Self.commonOwner(of: $0, catalog) }
        movedWords = Set(
            relations.keys.map(\.name) + types.keys.map(\.name) + functions.keys.map(\.name) + owned.keys.map(\.name))
        oddNames = movedWords.filter { name in !Words.anyWord(of: name) { $0 == name } }.sorted()
    }

    var version: Int { catalog.server.version }
    var moves: [Move] { placement.moves }

    func roleName(_ oid: OID) -> String { oid == 0 ? "PUBLIC" : catalog.roles[oid]?.name ?? "role \(oid)" }

    /// As GRANT … TO wants it.
    func grantee(_ oid: OID) -> String { oid == 0 ? "PUBLIC" : SQL.identifier(roleName(oid)) }

    /// Where the relation will be once the plan is done.
    func finalSchema(of relation: Relation) -> String {
        moveByOID[ObjectReference(.relation, relation.oid)]?.to ?? lookup.schemaName(relation.schema)
    }

    func layoutSchema(_ name: String) -> SchemaLayout? { layoutSchemas[name] }

    /// The relations that will be in the schema, by name.
    func relations(afterwardsIn schema: String) -> [Relation] {
        (relationsAfterwards[schema] ?? []).compactMap { catalog.relations[$0] }
    }

    private static func appendOnly(
        _ layout: Layout, _ catalog: Catalog, _ lookup: CatalogLookup, _ moves: [ObjectReference: Move]
    ) -> Set<OID> {
        var found: Set<OID> = []
        for schema in layout.schemas {
            for entry in schema.appendOnly {
                for table in lookup.relations(named: entry.value) where table.kind.isTable {
                    let place =
                        moves[ObjectReference(.relation, table.oid)]?.to ?? lookup.schemaName(table.schema)
                    if place == schema.name { found.formUnion([table.oid] + lookup.descendants(of: table.oid)) }
                }
            }
        }
        return found
    }

    private static func followers(_ moves: [Move]) -> [OID: [Move]] {
        var followers: [OID: [Move]] = [:]
        for move in moves {
            if case .follows(let table) = move.cause { followers[table, default: []].append(move) }
        }
        return followers
    }

    private static func afterwards(
        _ catalog: Catalog, _ lookup: CatalogLookup, _ moves: [ObjectReference: Move]
    ) -> [String: [OID]] {
        var found: [String: [Relation]] = [:]
        for relation in catalog.relations.values {
            guard relation.kind != .compositeType, !lookup.isShim(.relation, relation.oid) else { continue }
            // An owned sequence is where its table is.
            let anchor = catalog.sequences[relation.oid]?.ownerTable.flatMap { catalog.relations[$0] } ?? relation
            let schema = moves[ObjectReference(.relation, anchor.oid)]?.to ?? lookup.schemaName(anchor.schema)
            found[schema, default: []].append(relation)
        }
        return found.mapValues { $0.sorted { $0.name < $1.name }.map(\.oid) }
    }

    /// A new schema belongs to whoever owns all tables that come into it, so that their migrations go on working;
    /// otherwise to the connected role (nil).
    private static func commonOwner(of moves: [Move], _ catalog: Catalog) -> OID? {
        let owners = Set(moves.filter(\.isTable).compactMap { catalog.relations[$0.oid]?.owner })
        guard owners.count == 1, let owner = owners.first, owner != catalog.server.userOID else { return nil }
        guard catalog.server.isSuperuser || catalog.roles[owner]?.userIsMember == true else { return nil }
        return owner
    }

    /// Whether a text contains, as a word, the name of anything that moves.
    func mentionsMoved(_ text: String) -> Bool {
        Words.anyWord(of: text) { movedWords.contains($0) } || oddNames.contains { text.contains($0) }
    }
}

/// Words of a program text, for a cheap test before it is parsed: as written, and folded to lower case.
enum Words {
    static func anyWord(of text: String, _ matches: (String) -> Bool) -> Bool {
        var word: [UInt8] = []
        func check() -> Bool {
            guard !word.isEmpty else { return false }
            let exact = String(decoding: word, as: UTF8.self)
            return matches(exact) || matches(exact.lowercased())
        }
        for byte in text.utf8 {
            let isWord =
                byte >= 0x80 || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "$")
                || (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5A) || (byte >= 0x61 && byte <= 0x7A)
            if isWord {
                word.append(byte)
            } else {
                if check() { return true }
                word.removeAll(keepingCapacity: true)
            }
        }
        return check()
    }
}
