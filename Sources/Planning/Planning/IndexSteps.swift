internal import SQLSyntax

/// Indexes to build: on foreign keys that cross schemas and have none, and those that the layout declares. Built
/// CONCURRENTLY; what another index already does is reported instead.
struct IndexSteps {
    let context: PlanningContext
    private var catalog: Catalog { context.catalog }
    private var lookup: CatalogLookup { context.lookup }

    /// An index that is wanted, whoever wants it.
    struct Wanted {
        struct Key: Equatable {
            var column: Int16
            var name: String
            var descending: Bool
        }
        var table: Relation
        var keys: [Key]
        var unique = false
        var method = "btree"
        var predicate: String?
        var include: [String] = []
        var name: String?
        var reason: String
        var place: SourcePlace?
    }

    /// A table's estimated size from which a build is a hazard: 1 GiB, some minutes of reading on common disks.
    static let largeTable: Int64 = 1 << 30

    func add(to draft: inout PlanDraft) -> [Diagnostic] {
        var complaints: [Diagnostic] = []
        var planned: [OID: [Wanted]] = [:]
        var names: Set<QualifiedName> = []
        for entry in context.layout.indexes {
            switch resolve(entry) {
            case .success(let wanted):
                if let reason = redundant(wanted, beside: planned[wanted.table.oid] ?? []) {
                    draft.add(note(wanted, reason))
                } else {
                    planned[wanted.table.oid, default: []].append(wanted)
                    build(wanted, names: &names, into: &draft)
                }
            case .failure(let error): complaints += error.diagnostics
            }
        }
        for wanted in crossingForeignKeys() where redundant(wanted, beside: planned[wanted.table.oid] ?? []) == nil {
            planned[wanted.table.oid, default: []].append(wanted)
            build(wanted, names: &names, into: &draft)
        }
        return complaints
    }

    private func note(_ wanted: Wanted, _ reason: String) -> Diagnostic {
        let columns = wanted.keys.map(\.name).joined(separator: ", ")
        let table = display(context.finalSchema(of: wanted.table), wanted.table.name)
        return Diagnostic(
            .note, "redundant-index", "the index on \(table) (\(columns)) is not built: \(reason)", object: table,
            place: wanted.place, nextStep: "take it out of indexes:")
    }

    // MARK: What is wanted

    private func resolve(_ entry: IndexLayout) -> Result<Wanted, DiagnosticsError> {
        let candidates = lookup.relations(named: entry.table).filter { relation in
            (relation.kind == .table || relation.kind == .partitionedTable || relation.kind == .materialisedView)
                && (entry.schema == nil || context.finalSchema(of: relation) == entry.schema)
        }
        let listed =
            candidates.count > 1
            ? candidates.filter { context.layoutSchema(context.finalSchema(of: $0)) != nil } : candidates
        guard listed.count == 1, let table = listed.first else {
            let whole = entry.schema.map { "\($0).\(entry.table)" } ?? entry.table
            let names = catalog.relations.values.filter(\.kind.isTable).map(\.name)
            let next =
                listed.isEmpty
                ? nearestName(to: entry.table, among: names).map { "did you mean \($0)?" }
                    ?? "create the table first, or take the index out"
                : "name its schema: table: \(context.finalSchema(of: listed[0])).\(entry.table)"
            return .failure(
                DiagnosticsError(
                    Diagnostic(
                        .error, "no-such-object",
                        listed.isEmpty
                            ? "there will be no table \(whole) to index"
                            : "\(entry.table) is the name of several tables",
                        object: "table \(whole)", place: entry.place, nextStep: next)))
        }
        let columns = catalog.columns[table.oid] ?? []
        var keys: [Wanted.Key] = []
        for column in entry.columns {
            guard let found = columns.first(where: { $0.name == column.name }) else {
                return .failure(missingColumn(column.name, table: table, columns: columns, place: entry.place))
            }
            keys.append(Wanted.Key(column: found.number, name: found.name, descending: column.descending))
        }
        for name in entry.include where !columns.contains(where: { $0.name == name }) {
            return .failure(missingColumn(name, table: table, columns: columns, place: entry.place))
        }
        return .success(
            Wanted(
                table: table, keys: keys, unique: entry.unique, method: entry.method, predicate: entry.predicate,
                include: entry.include, name: entry.name, reason: "the layout declares it", place: entry.place))
    }

    private func missingColumn(
        _ name: String, table: Relation, columns: [Column], place: SourcePlace
    ) -> DiagnosticsError {
        let near = nearestName(to: name, among: columns.map(\.name))
        return DiagnosticsError(
            Diagnostic(
                .error, "no-such-column", "table \(table.name) has no column \(name)", object: "table \(table.name)",
                place: place,
                nextStep: near.map { "did you mean \($0)?" }
                    ?? "its columns: \(columns.map(\.name).joined(separator: ", "))"))
    }

    /// Keys between two schemas of which at least one table is placed by the layout: without an index each delete on
    /// the other side reads this table whole.
    private func crossingForeignKeys() -> [Wanted] {
        catalog.constraints.filter { $0.kind == .foreignKey && $0.parent == 0 }.sorted { $0.oid < $1.oid }.compactMap {
            key in
            guard let table = catalog.relations[key.relation], let parent = catalog.relations[key.referenced] else {
                return nil
            }
            guard table.kind == .table || table.kind == .partitionedTable else { return nil }
            let here = context.finalSchema(of: table)
            let there = context.finalSchema(of: parent)
            guard here != there, context.placement.placed[ObjectReference(.relation, table.oid)] != nil else {
                return nil
            }
            let columns = catalog.columns[table.oid] ?? []
            let keys = key.columns.compactMap { number in
                columns.first { $0.number == number }.map {
                    Wanted.Key(column: number, name: $0.name, descending: false)
                }
            }
            guard keys.count == key.columns.count, !isCovered(key, table: table) else { return nil }
            return Wanted(
                table: table, keys: keys,
                reason: "foreign key \(key.name) crosses from \(here) to \(there) without an index")
        }
    }

    /// A full (not partial) valid btree or hash index whose first columns are the key's, in any order.
    private func isCovered(_ key: Constraint, table: Relation) -> Bool {
        lookup.indexes(of: table.oid).contains { index in
            index.isValid && !index.isPartial && index.keys.count >= key.columns.count
                && Set(index.keys.prefix(key.columns.count)) == Set(key.columns)
        }
    }

    // MARK: What is there already

    /// Why the index need not be built; nil if it must.
    private func redundant(_ wanted: Wanted, beside planned: [Wanted]) -> String? {
        let existing = lookup.indexes(of: wanted.table.oid).filter(\.isValid)
        if wanted.predicate == nil {
            if let cover = existing.first(where: { covers($0, wanted) }) {
                return same(cover, wanted) ? "\(cover.name) is the same" : "\(cover.name) begins with the same columns"
            }
            if let cover = planned.first(where: { covers($0, wanted) }) {
                return "the index on (\(cover.keys.map(\.name).joined(separator: ", "))) begins with the same columns"
            }
            // A later, longer one of the layout makes this one superfluous as well.
            if !wanted.unique, let longer = longerDeclared(than: wanted) {
                return
                    "the index on (\(longer.columns.map(\.name).joined(separator: ", "))) begins with the same columns"
            }
        } else if let name = wanted.name, existing.contains(where: { $0.name == name }) {
            return "an index \(name) exists"
        } else if existing.contains(where: { samePartial($0, wanted) }) {
            return "a partial index of the same columns exists"
        }
        return nil
    }

    private func covers(_ index: Index, _ wanted: Wanted) -> Bool {
        guard !index.isPartial, index.method == wanted.method, index.keys.count >= wanted.keys.count else {
            return false
        }
        if wanted.unique && !(index.isUnique && index.keys.count == wanted.keys.count) { return false }
        let included = Set(index.included + index.keys)
        let columns = catalog.columns[wanted.table.oid] ?? []
        guard
            wanted.include.allSatisfy({ name in
                columns.first { $0.name == name }.map { included.contains($0.number) } ?? false
            })
        else { return false }
        guard zip(index.keys, wanted.keys).allSatisfy({ $0 == $1.column }) else { return false }
        return sameDirections(index, wanted)
    }

    /// A btree is read backwards as well: all directions reversed serve the same orders.
    private func sameDirections(_ index: Index, _ wanted: Wanted) -> Bool {
        let descending = wanted.keys.indices.map { $0 < index.keyOptions.count && index.keyOptions[$0] & 1 == 1 }
        let asked = wanted.keys.map(\.descending)
        return descending == asked || descending == asked.map { !$0 }
    }

    private func covers(_ other: Wanted, _ wanted: Wanted) -> Bool {
        guard other.predicate == nil, other.method == wanted.method, other.keys.count >= wanted.keys.count else {
            return false
        }
        if wanted.unique && !(other.unique && other.keys.count == wanted.keys.count) { return false }
        guard Set(wanted.include).isSubset(of: Set(other.include + other.keys.map(\.name))) else { return false }
        let pairs = Array(zip(other.keys, wanted.keys))
        guard pairs.allSatisfy({ $0.column == $1.column }) else { return false }
        return pairs.allSatisfy { $0.descending == $1.descending }
            || pairs.allSatisfy { $0.descending != $1.descending }
    }

    private func longerDeclared(than wanted: Wanted) -> IndexLayout? {
        context.layout.indexes.first { other in
            guard other.place != wanted.place, other.table == wanted.table.name, other.predicate == nil,
                other.method == wanted.method, other.columns.count > wanted.keys.count,
                other.schema == nil || other.schema == context.finalSchema(of: wanted.table)
            else { return false }
            let pairs = Array(zip(other.columns, wanted.keys))
            return pairs.allSatisfy { $0.name == $1.name }
                && (pairs.allSatisfy { $0.descending == $1.descending }
                    || pairs.allSatisfy { $0.descending != $1.descending })
                && wanted.include.isEmpty
        }
    }

    private func same(_ index: Index, _ wanted: Wanted) -> Bool { index.keys.count == wanted.keys.count }

    private func samePartial(_ index: Index, _ wanted: Wanted) -> Bool {
        index.isPartial && index.method == wanted.method && index.keys == wanted.keys.map(\.column)
            && wanted.name == nil && index.name == baseName(wanted)
    }

    // MARK: Building

    private func build(_ wanted: Wanted, names: inout Set<QualifiedName>, into draft: inout PlanDraft) {
        let schema = context.finalSchema(of: wanted.table)
        let name = freeName(wanted, schema: schema, names: &names)
        if wanted.table.estimatedBytes >= Self.largeTable {
            draft.add(
                Hazard(
                    .indexBuild, object: display(schema, wanted.table.name),
                    message:
                        "an index is built on about \(wanted.table.estimatedBytes >> 30) GiB: it reads the whole table "
                        + "twice and needs disk and time; writes go on meanwhile",
                    remedy: "apply in a quiet hour, with enough disk and maintenance_work_mem"))
        }
        if wanted.table.kind == .partitionedTable {
            buildOnPartitions(wanted, schema: schema, name: name, names: &names, into: &draft)
        } else {
            draft.add(concurrently(wanted, table: wanted.table, schema: schema, name: name))
        }
    }

    private func concurrently(_ wanted: Wanted, table: Relation, schema: String, name: String) -> Step {
        let on = display(schema, table.name)
        return Step(
            kind: .buildIndex, object: display(schema, name),
            statements: ["CREATE \(unique(wanted))INDEX CONCURRENTLY \(SQL.identifier(name)) ON \(on) \(body(wanted))"],
            undo: ["DROP INDEX CONCURRENTLY IF EXISTS \(display(schema, name))"],
            locks: [Lock("SHARE UPDATE EXCLUSIVE", on, oid: table.oid)], duration: .scansTable, inTransaction: false,
            reason: wanted.reason, index: IndexPin(schema: schema, name: name))
    }

    /// CONCURRENTLY is refused on a partitioned table: build on each leaf, then put the parts together.
    private func buildOnPartitions(
        _ wanted: Wanted, schema: String, name: String, names: inout Set<QualifiedName>, into draft: inout PlanDraft
    ) {
        let on = display(schema, wanted.table.name)
        if lookup.descendants(of: wanted.table.oid).contains(where: { catalog.relations[$0]?.kind == .foreignTable }) {
            draft.add(note(wanted, "a foreign table is among its partitions, and cannot have one"))
            return
        }
        var attach: [String] = []
        for oid in lookup.descendants(of: wanted.table.oid) {
            guard let leaf = catalog.relations[oid], leaf.kind == .table else { continue }
            let leafSchema = context.finalSchema(of: leaf)
            var part = wanted
            part.table = leaf
            part.name = nil
            // Column numbers may differ between a parent and its partitions; names do not.
            let leafName = freeName(part, schema: leafSchema, names: &names)
            draft.add(concurrently(part, table: leaf, schema: leafSchema, name: leafName))
            if leaf.parents == [wanted.table.oid] {
                attach.append("ALTER INDEX \(display(schema, name)) ATTACH PARTITION \(display(leafSchema, leafName))")
            }
        }
        let nested = lookup.descendants(of: wanted.table.oid).contains {
            catalog.relations[$0]?.kind == .partitionedTable
        }
        // With sub-partitions PostgreSQL itself pairs the leaves' matching indexes when the whole is created.
        let only = nested ? "" : "ONLY "
        draft.add(
            Step(
                kind: .attachIndex, object: display(schema, name),
                statements: ["CREATE \(unique(wanted))INDEX \(SQL.identifier(name)) ON \(only)\(on) \(body(wanted))"]
                    + (nested ? [] : attach),
                undo: ["DROP INDEX IF EXISTS \(display(schema, name))"],
                locks: [Lock("SHARE", on, oid: wanted.table.oid)] + (nested ? descendantLocks(of: wanted.table) : []),
                reason: "puts the partitions' indexes together: \(wanted.reason)"))
    }

    /// Without ONLY every partition is locked, at each level, before the first is looked at.
    private func descendantLocks(of table: Relation) -> [Lock] {
        lookup.descendants(of: table.oid).compactMap { oid in
            catalog.relations[oid].map {
                Lock("SHARE", display(context.finalSchema(of: $0), $0.name), oid: oid)
            }
        }
    }

    private func unique(_ wanted: Wanted) -> String { wanted.unique ? "UNIQUE " : "" }

    private func body(_ wanted: Wanted) -> String {
        let method = wanted.method == "btree" ? "" : "USING \(SQL.identifier(wanted.method)) "
        let keys = wanted.keys.map { SQL.identifier($0.name) + ($0.descending ? " DESC" : "") }.joined(separator: ", ")
        let include =
            wanted.include.isEmpty ? "" : " INCLUDE (\(wanted.include.map(SQL.identifier).joined(separator: ", ")))"
        let predicate = wanted.predicate.map { " WHERE \($0)" } ?? ""
        return "\(method)(\(keys))\(include)\(predicate)"
    }

    /// As PostgreSQL names it: table_column_column_idx, within 63 bytes.
    private func baseName(_ wanted: Wanted) -> String {
        wanted.name ?? shortened([wanted.table.name] + wanted.keys.map(\.name)) + "_idx"
    }

    private func shortened(_ parts: [String]) -> String {
        var name = parts.joined(separator: "_")
        while name.utf8.count > SQL.maxIdentifierBytes - 8 { name.removeLast() }
        return name
    }

    private func freeName(_ wanted: Wanted, schema: String, names: inout Set<QualifiedName>) -> String {
        let base = baseName(wanted)
        var name = base
        var suffix = 0
        while isTaken(name, in: schema) || names.contains(QualifiedName(schema: schema, name: name)) {
            suffix += 1
            name = "\(base)\(suffix)"
        }
        names.insert(QualifiedName(schema: schema, name: name))
        return name
    }

    private func isTaken(_ name: String, in schema: String) -> Bool {
        if lookup.relations(named: name).contains(where: { context.finalSchema(of: $0) == schema }) { return true }
        return lookup.indexes(named: name).contains { index in
            catalog.relations[index.table].map { context.finalSchema(of: $0) == schema } ?? false
        }
    }
}
