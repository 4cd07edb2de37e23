internal import SQLSyntax

/// Where everything that the layout lists is now, and what has to move.
package struct Placement: Sendable {
    /// In the order of the layout; objects that follow a table come right after it.
    package var moves: [Move] = []
    /// Listed objects, with the schema where they are to be, whether they move or not.
    package var placed: [ObjectReference: String] = [:]
    package var diagnostics: [Diagnostic] = []
    /// Objects that no schema lists.
    package var unplaced: [Unplaced] = []

    package struct Unplaced: Sendable, Equatable, Hashable {
        /// `table`, `view`, `sequence`, `function`, `type`.
        package var kind: String
        package var schema: String
        package var name: String

        package var display: String { "\(kind) \(SQL.qualified(schema, name))" }
    }
}

/// Finds the objects that the layout lists. Pure; errors are diagnostics with the place in the layout.
struct PlacementResolver {
    let layout: Layout
    let catalog: Catalog
    let lookup: CatalogLookup
    /// Schemas an entry of that kind and name is explicitly taken from (`from:`), so that others do not claim it.
    private let claimed: [ListedName: Set<String>]
    private var result = Placement()

    private struct ListedName: Hashable {
        var kind: ListedKind
        var name: String
    }

    init(layout: Layout, catalog: Catalog, lookup: CatalogLookup) {
        self.layout = layout
        self.catalog = catalog
        self.lookup = lookup
        var claimed: [ListedName: Set<String>] = [:]
        for schema in layout.schemas {
            for kind in ListedKind.allCases {
                for entry in kind.entries(of: schema) {
                    claimed[ListedName(kind: kind, name: entry.name), default: []].insert(schema.name)
                    if let from = entry.from {
                        claimed[ListedName(kind: kind, name: entry.name), default: []].insert(from)
                    }
                }
            }
        }
        self.claimed = claimed
    }

    static func resolve(layout: Layout, catalog: Catalog, lookup: CatalogLookup) -> Placement {
        var resolver = PlacementResolver(layout: layout, catalog: catalog, lookup: lookup)
        for schema in layout.schemas {
            for kind in ListedKind.allCases {
                for entry in kind.entries(of: schema) { resolver.place(entry, kind: kind, in: schema) }
            }
        }
        resolver.reportSchemasElsewhere()
        resolver.result.unplaced = UnplacedFinder(layout: layout, catalog: catalog, lookup: lookup)
            .find(placed: resolver.result.placed)
        return resolver.result
    }

    // MARK: One entry

    private mutating func place(_ entry: ObjectEntry, kind: ListedKind, in schema: SchemaLayout) {
        let all = candidates(named: entry, kind: kind)
        let chosen: [Candidate]
        switch choose(all, entry: entry, kind: kind, target: schema.name) {
        case .success(let candidates): chosen = candidates
        case .failure(let complaint):
            result.diagnostics.append(complaint.diagnostic)
            return
        }
        for candidate in chosen { place(candidate, entry: entry, kind: kind, in: schema.name) }
    }

    private mutating func place(_ candidate: Candidate, entry: ObjectEntry, kind: ListedKind, in target: String) {
        if let complaint = refusal(candidate, entry: entry, kind: kind) {
            result.diagnostics.append(complaint)
            return
        }
        result.placed[candidate.reference] = target
        if candidate.schema != target {
            result.moves.append(
                Move(
                    object: candidate.object, oid: candidate.reference.oid, name: entry.name, from: candidate.schema,
                    to: target, cause: .listed, place: entry.place))
        }
        if kind == .table {
            placeFollowers(of: candidate.reference.oid, place: entry.place, from: candidate.schema, to: target)
        }
    }

    private enum Choice {
        case success([Candidate])
        case failure(Complaint)
    }

    private struct Complaint {
        var diagnostic: Diagnostic
    }

    private func choose(_ all: [Candidate], entry: ObjectEntry, kind: ListedKind, target: String) -> Choice {
        let here = all.filter { $0.schema == target }
        if let from = entry.from {
            let there = all.filter { $0.schema == from }
            if !there.isEmpty { return .success(there) }
            if !here.isEmpty { return .success(here) }
            return .failure(Complaint(diagnostic: notFound(entry, kind: kind, target: target, all: all)))
        }
        if !here.isEmpty { return .success(here) }
        let takenElsewhere = claimed[ListedName(kind: kind, name: entry.name)] ?? []
        let free = all.filter { !takenElsewhere.contains($0.schema) }
        let schemas = Set(free.map(\.schema))
        if schemas.count == 1 { return .success(free) }
        if schemas.isEmpty {
            return .failure(Complaint(diagnostic: notFound(entry, kind: kind, target: target, all: all)))
        }
        let names = schemas.sorted()
        return .failure(
            Complaint(
                diagnostic: Diagnostic(
                    .error, "ambiguous-name",
                    "\(kind.word) \(entry.name) exists in several schemas: \(names.joined(separator: ", "))",
                    object: "\(kind.word) \(entry.name)", place: entry.place,
                    nextStep: "say which one: { \(kind.word): \(entry.name), from: \(names[0]) }")))
    }

    private func notFound(_ entry: ObjectEntry, kind: ListedKind, target: String, all: [Candidate]) -> Diagnostic {
        let whole = entry.arguments.map { "\(entry.name)(\($0))" } ?? entry.name
        var message = "there is no \(kind.word) \(whole)"
        if let from = entry.from { message += " in schema \(from)" }
        message += " in database \(catalog.server.database)"
        let elsewhere = Set(all.map(\.schema)).sorted()
        let next: String
        if !elsewhere.isEmpty {
            next = "one of that name is in \(elsewhere.joined(separator: ", ")); say from: \(elsewhere[0])"
        } else if let near = nearestName(to: entry.name, among: kind.names(in: catalog)) {
            next = "did you mean \(near)?"
        } else {
            next = "create it first, or take it out of schemas.\(target).\(kind.key)"
        }
        return Diagnostic(
            .error, "no-such-object", message, object: "\(kind.word) \(whole)", place: entry.place, nextStep: next)
    }

    private func refusal(_ candidate: Candidate, entry: ObjectEntry, kind: ListedKind) -> Diagnostic? {
        let object = "\(kind.word) \(SQL.qualified(candidate.schema, entry.name))"
        if let owner = catalog.extensionMembers[candidate.reference], let name = catalog.extensions[owner]?.name {
            return Diagnostic(
                .error, "extension-member", "\(object) belongs to extension \(name) and must stay with it",
                object: object, place: entry.place,
                nextStep: "take it out of the layout, or move the extension: ALTER EXTENSION \(name) SET SCHEMA …")
        }
        if kind == .sequence, let table = catalog.sequences[candidate.reference.oid]?.ownerTable {
            let owner = catalog.relations[table]?.name ?? "a table"
            return Diagnostic(
                .error, "owned-sequence", "\(object) is owned by a column of \(owner) and follows it",
                object: object, place: entry.place, nextStep: "take it out of the layout; list \(owner) instead")
        }
        return nil
    }

    // MARK: What does not follow by itself

    private mutating func placeFollowers(of table: OID, place: SourcePlace, from: String, to: String) {
        placeStatistics(of: table, place: place, to: to)
        placeSequences(usedBy: table, place: place, from: from, to: to)
        for child in lookup.children(of: table) {
            guard let relation = catalog.relations[child], !isListed(relation) else { continue }
            let reference = ObjectReference(.relation, child)
            guard result.placed[reference] == nil else { continue }
            result.placed[reference] = to
            let schema = lookup.schemaName(relation.schema)
            // A partition that lives in a third schema does so on purpose; one left in the schema that its parent came
            // from (its shim is there) was made or missed after the move.
            if schema != to && (schema == from || lookup.shim(in: schema, for: table) != nil) {
                result.moves.append(
                    Move(
                        object: .relation(relation.kind), oid: child, name: relation.name, from: schema, to: to,
                        cause: .follows(table), place: place))
            }
            placeFollowers(of: child, place: place, from: from, to: to)
        }
    }

    private func isListed(_ relation: Relation) -> Bool {
        claimed[ListedName(kind: .table, name: relation.name)] != nil
    }

    private mutating func placeStatistics(of table: OID, place: SourcePlace, to: String) {
        for statistics in lookup.statistics(of: table) {
            let schema = lookup.schemaName(statistics.schema)
            guard schema != to else { continue }
            result.moves.append(
                Move(
                    object: .statistics, oid: statistics.oid, name: statistics.name, from: schema, to: to,
                    cause: .follows(table), place: place))
        }
    }

    /// Sequences that no column owns follow when only this table's defaults use them.
    private mutating func placeSequences(usedBy table: OID, place: SourcePlace, from: String, to: String) {
        for sequence in lookup.sequences(inDefaultsOf: table) where catalog.sequences[sequence]?.ownerTable == nil {
            guard let relation = catalog.relations[sequence],
                claimed[ListedName(kind: .sequence, name: relation.name)] == nil
            else { continue }
            let users = lookup.tables(withDefaultsUsing: sequence)
            let reference = ObjectReference(.relation, sequence)
            guard users.allSatisfy({ $0 == table }), result.placed[reference] == nil else { continue }
            result.placed[reference] = to
            let schema = lookup.schemaName(relation.schema)
            if schema == from, schema != to {
                result.moves.append(
                    Move(
                        object: .relation(.sequence), oid: sequence, name: relation.name, from: schema, to: to,
                        cause: .follows(table), place: place))
            }
        }
    }

    private mutating func reportSchemasElsewhere() {
        for schema in layout.schemas {
            guard let database = schema.database, database != layout.mainDatabase else { continue }
            result.diagnostics.append(
                Diagnostic(
                    .note, "schema-on-other-database",
                    "schema \(schema.name) belongs on database \(database); here it is prepared as a schema of its own",
                    object: "schema \(schema.name)", place: schema.place,
                    nextStep: "its tables stay in \(layout.mainDatabase) until the schema is split off"))
        }
    }

    // MARK: Candidates

    private struct Candidate {
        var object: Move.Object
        var reference: ObjectReference
        var schema: String
    }

    private func candidates(named entry: ObjectEntry, kind: ListedKind) -> [Candidate] {
        switch kind {
        case .table: relationCandidates(entry.name) { $0.kind.isTable }
        case .view:
            relationCandidates(entry.name) {
                ($0.kind == .view || $0.kind == .materialisedView) && !lookup.isShim(.relation, $0.oid)
            }
        case .sequence: relationCandidates(entry.name) { $0.kind == .sequence }
        case .type: typeCandidates(entry.name)
        case .function: functionCandidates(entry)
        }
    }

    private func relationCandidates(_ name: String, where matches: (Relation) -> Bool) -> [Candidate] {
        lookup.relations(named: name).filter(matches).map {
            Candidate(
                object: .relation($0.kind), reference: ObjectReference(.relation, $0.oid),
                schema: lookup.schemaName($0.schema))
        }
    }

    private func typeCandidates(_ name: String) -> [Candidate] {
        let composites = relationCandidates(name) { $0.kind == .compositeType }
        return composites
            + lookup.types(named: name).filter { $0.kind != .composite && !lookup.isShim(.type, $0.oid) }.map {
                Candidate(
                    object: .type($0.kind), reference: ObjectReference(.type, $0.oid),
                    schema: lookup.schemaName($0.schema))
            }
    }

    private func functionCandidates(_ entry: ObjectEntry) -> [Candidate] {
        lookup.functions(named: entry.name).filter { function in
            guard !lookup.isShim(.function, function.oid) else { return false }
            guard let arguments = entry.arguments else { return true }
            return signature(arguments) == signature(function.inputTypes.joined(separator: ","))
                || signature(arguments) == signature(function.identityArguments)
        }.map {
            Candidate(
                object: .function($0.kind), reference: ObjectReference(.function, $0.oid),
                schema: lookup.schemaName($0.schema))
        }
    }

    /// `int, text` and `integer,text` are the same signature.
    private func signature(_ arguments: String) -> [String] {
        arguments.split(separator: ",").map { part in
            let type = part.split(separator: " ").joined(separator: " ").lowercased()
            return Self.typeSynonyms[type] ?? type
        }
    }

    private static let typeSynonyms = [
        "int": "integer", "int4": "integer", "int8": "bigint", "int2": "smallint", "bool": "boolean",
        "varchar": "character varying", "float8": "double precision", "float4": "real", "decimal": "numeric",
        "timestamptz": "timestamp with time zone", "timestamp": "timestamp without time zone",
    ]
}

/// The kinds of object that a schema of the layout lists.
enum ListedKind: String, CaseIterable {
    case type, sequence, table, view, function

    var word: String { rawValue }
    var key: String { rawValue + "s" }

    func entries(of schema: SchemaLayout) -> [ObjectEntry] {
        switch self {
        case .type: schema.types
        case .sequence: schema.sequences
        case .table: schema.tables
        case .view: schema.views
        case .function: schema.functions
        }
    }

    func names(in catalog: Catalog) -> [String] {
        switch self {
        case .type: catalog.types.values.map(\.name)
        case .function: catalog.functions.values.map(\.name)
        case .table: catalog.relations.values.filter(\.kind.isTable).map(\.name)
        case .view: catalog.relations.values.filter { $0.kind == .view || $0.kind == .materialisedView }.map(\.name)
        case .sequence: catalog.relations.values.filter { $0.kind == .sequence }.map(\.name)
        }
    }
}
