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
        /// `table`, `view`, `sequence`, `function`, `type`, and what the layout has no key for: `collation`,
        /// `text search configuration` and the like.
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
    private let claims: EntryClaims
    private var result = Placement()
    private var finder: CandidateFinder {
        CandidateFinder(catalog: catalog, lookup: lookup, closed: layout.eventStoreHere)
    }

    init(layout: Layout, catalog: Catalog, lookup: CatalogLookup) {
        self.layout = layout
        self.catalog = catalog
        self.lookup = lookup
        claims = EntryClaims(
            layout, CandidateFinder(catalog: catalog, lookup: lookup, closed: layout.eventStoreHere))
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
        let all = finder.candidates(named: entry, kind: kind)
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
            if from != target, !there.isEmpty, !here.isEmpty, there.allSatisfy({ claims.isClaimed($0, kind, by: from) })
            {
                // What is there now may be what that schema wanted, so that this one has been moved already.
                guard let origin = claims.origin(of: entry, kind, target: target) else {
                    return .failure(Complaint(diagnostic: placesUnknown(entry, kind: kind, target: target, from: from)))
                }
                if origin == from || !all.contains(where: { $0.schema == origin }) { return .success(here) }
            }
            if !there.isEmpty { return .success(there) }
            if !here.isEmpty { return .success(here) }
            return .failure(Complaint(diagnostic: notFound(entry, kind: kind, target: target, all: all)))
        }
        if !here.isEmpty { return .success(here) }
        let free = all.filter {
            !claims.isClaimed($0, kind, by: $0.schema) && !claims.isClaimed($0, kind, from: $0.schema)
        }
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

    private func placesUnknown(_ entry: ObjectEntry, kind: ListedKind, target: String, from: String) -> Diagnostic {
        let (mine, other) = (display(target, entry.name), display(from, entry.name))
        return Diagnostic(
            .error, "ambiguous-name",
            "\(mine) and \(other) would change places, and whether they have done so already cannot be seen: "
                + "they have the same name",
            object: "\(kind.word) \(entry.name)", place: entry.place,
            nextStep: "if they are where they belong, take out the from:; else use two runs: move \(mine) to a third "
                + "schema first, and then both to where they belong")
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
        } else if let other = otherKind(of: entry.name, kind: kind) {
            next = other
        } else if let near = nearestName(to: entry.name, among: kind.names(in: catalog)) {
            next = "did you mean \(near)?"
        } else {
            next = "create it first, or take it out of schemas.\(target).\(kind.key)"
        }
        return Diagnostic(
            .error, "no-such-object", message, object: "\(kind.word) \(whole)", place: entry.place, nextStep: next)
    }

    /// Something of that name that is listed under another key.
    private func otherKind(of name: String, kind: ListedKind) -> String? {
        for other in ListedKind.allCases where other != kind {
            guard
                let found = finder.candidates(
                    named: ObjectEntry(name: name, place: .init(file: "", line: 0, column: 0)), kind: other
                ).first
            else { continue }
            let what = "there is a \(word(found, other)) \(display(found.schema, name))"
            if other == .sequence, let table = catalog.sequences[found.reference.oid]?.ownerTable,
                let owner = catalog.relations[table]
            {
                return "\(what): it belongs to table \(owner.name) and follows it; list that under tables:"
            }
            return "\(what): list it under \(other.key):"
        }
        return nil
    }

    private func word(_ candidate: Candidate, _ kind: ListedKind) -> String {
        switch candidate.object {
        case .relation(.materialisedView): "materialised view"
        case .relation(.foreignTable): "foreign table"
        case .function(.procedure): "procedure"
        case .function(.aggregate): "aggregate"
        default: kind.word
        }
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
        claims.isListed(relation.name, .table)
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
                !claims.isListed(relation.name, .sequence)
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
        if let events = layout.events, let database = events.database, database != layout.mainDatabase {
            result.diagnostics.append(
                Diagnostic(
                    .note, "event-store-on-other-database", "the event store belongs on database \(database)",
                    object: "schema \(events.schema)", place: events.place,
                    nextStep: "strata events init makes it there, and brings it up to date"))
        }
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
}
