internal import SQLSyntax

/// Which loose keys the layout declares for which foreign keys, and what is wrong with them. Pure.
struct LooseKeys {
    let cut: DatabaseCut
    private var context: PlanningContext { cut.context }
    private var catalog: Catalog { context.catalog }
    private var lookup: CatalogLookup { context.lookup }

    /// What is declared for a foreign key: its columns in any order.
    func declaration(for key: Constraint) -> LooseKeyLayout? {
        guard !context.layout.looseKeys.isEmpty, let child = table(key.relation), let parent = table(key.referenced)
        else { return nil }
        let pairs = Set(
            zip(names(key.columns, key.relation), names(key.referencedColumns, key.referenced)).map { [$0, $1] })
        return context.layout.looseKeys.first { entry in
            entry.table == child && entry.references == parent
                && Set(zip(entry.columns, referencedColumns(of: entry)).map { [$0, $1] }) == pairs
        }
    }

    /// What is to happen instead; nil where the real key does something that nothing can do over two databases, and nothing
    /// else is declared.
    func onDelete(_ key: Constraint) -> LooseKey.OnDelete? {
        if let declared = declaration(for: key)?.onDelete { return declared }
        switch key.onDelete {
        case "c": return .delete
        // Of some of its columns only, from PostgreSQL 15 on, is something that has to be thought about.
        case "n": return key.definition.contains("ON DELETE SET NULL (") ? nil : .setNull
        default: return nil
        }
    }

    func onUpdate(_ key: Constraint) -> LooseKey.OnUpdate? {
        if let declared = declaration(for: key)?.onUpdate { return declared }
        switch key.onUpdate {
        case "c": return .update
        case "n", "d": return nil
        default: return .ignore
        }
    }

    /// nil where it is not declared what is to happen.
    func key(for constraint: Constraint) -> LooseKey? {
        guard let child = table(constraint.relation), let parent = table(constraint.referenced),
            let onDelete = onDelete(constraint), let onUpdate = onUpdate(constraint)
        else { return nil }
        let columns = constraint.referencedColumns.compactMap { column($0, of: constraint.referenced) }
        let foreign = names(constraint.columns, constraint.relation)
        let pairs = zip(columns, foreign).map { (parent: $0.name, child: $1, type: $0.type) }
        return LooseKey(
            parent: parent, child: child, pairs: pairs, onDelete: onDelete, onUpdate: onUpdate,
            childDatabase: cut.database(ofSchema: child.schema), constraint: constraint.name)
    }

    /// One for which there is no foreign key here (any more); nil where that cannot be, or is not said.
    func key(for entry: LooseKeyLayout, known: [String: LooseKey]) -> LooseKey? {
        guard let parent = relation(entry.references) else { return nil }
        let columns = referencedColumns(of: entry).compactMap { name in
            catalog.columns[parent.oid]?.first { $0.name == name }
        }
        guard columns.count == entry.columns.count else { return nil }
        let pairs = zip(columns, entry.columns).map { (parent: $0.name, child: $1, type: $0.type) }
        var key = LooseKey(
            parent: entry.references, child: entry.table, pairs: pairs, onDelete: .ignore, onUpdate: .ignore,
            childDatabase: cut.database(ofSchema: entry.table.schema))
        let present = known[key.name]
        guard let onDelete = entry.onDelete ?? present?.onDelete else { return nil }
        key.onDelete = onDelete
        key.onUpdate = entry.onUpdate ?? present?.onUpdate ?? .ignore
        return key
    }

    /// Foreign keys with one end in a schema that leaves and the other on another database; those of partitions go with
    /// their parent's.
    func crossing(of schema: String?) -> [Constraint] {
        let leaving = Set(cut.leaving.map(\.schema))
        return catalog.constraints.filter { key in
            guard key.kind == .foreignKey, key.parent == 0, let child = table(key.relation),
                let parent = table(key.referenced)
            else { return false }
            let ends = [child.schema, parent.schema]
            return cut.database(ofSchema: child.schema) != cut.database(ofSchema: parent.schema)
                && ends.contains { schema.map { [$0] }?.contains($0) ?? leaving.contains($0) }
        }
    }

    // MARK: What is wrong

    /// Of tables that are here; those on other databases were looked at before they went there.
    func diagnostics() -> [Diagnostic] { context.layout.looseKeys.flatMap(diagnostics) }

    private func diagnostics(_ entry: LooseKeyLayout) -> [Diagnostic] {
        var found: [Diagnostic] = []
        func complain(_ code: String, _ message: String, _ nextStep: String) {
            found.append(Diagnostic(.error, code, message, place: entry.place, nextStep: nextStep))
        }
        for table in [entry.table, entry.references]
        where relation(table) == nil && cut.database(ofSchema: table.schema) == context.layout.mainDatabase {
            complain(
                "unknown-table",
                "a loose key names \(table.sql), and database \(catalog.server.database) has no such table",
                nearestTable(table).map { "did you mean \($0)?" }
                    ?? "write the table as it will be called, schema.table")
        }
        let child = relation(entry.table)
        let parent = relation(entry.references)
        let unknown =
            missing(entry.columns, child, entry.table) + missing(entry.referencedColumns, parent, entry.references)
        for (message, nextStep) in unknown { complain("unknown-column", message, nextStep) }
        guard unknown.isEmpty else { return found }
        if let child, entry.onDelete == .setNull {
            for column in catalog.columns[child.oid] ?? [] where entry.columns.contains(column.name) && column.notNull {
                complain(
                    "null-not-allowed", "on_delete is set_null, and \(entry.table).\(column.name) is NOT NULL",
                    "choose delete or ignore, or ALTER TABLE \(entry.table.sql) ALTER \(SQL.identifier(column.name)) DROP NOT NULL"
                )
            }
        }
        if let parent { found += referenced(entry, child, parent) }
        return found
    }

    private func referenced(_ entry: LooseKeyLayout, _ child: Relation?, _ parent: Relation) -> [Diagnostic] {
        func complaint(_ code: String, _ message: String, _ nextStep: String) -> [Diagnostic] {
            [Diagnostic(.error, code, message, place: entry.place, nextStep: nextStep)]
        }
        let columns = referencedColumns(of: entry)
        if columns.isEmpty {
            return complaint(
                "no-primary-key", "\(entry.references) has no primary key that the loose key could mean",
                "name unique columns: referenced_columns: [code]")
        }
        if columns.count != entry.columns.count {
            return complaint(
                "column-count",
                "\(counted(entry.columns.count, "column")) of \(entry.table) cannot point to \(counted(columns.count, "column")) of \(entry.references) (\(columns.joined(separator: ", ")))",
                "name one column for each, in the same order")
        }
        let known = catalog.columns[parent.oid] ?? []
        let numbers = Set(columns.compactMap { name in known.first { $0.name == name }?.number })
        let isUnique = lookup.indexes(of: parent.oid).contains {
            $0.isUnique && $0.isValid && !$0.isPartial && !$0.hasExpressions && Set($0.keys) == numbers
        }
        if !isUnique {
            return complaint(
                "not-unique", "\(columns.joined(separator: ", ")) of \(entry.references) is not unique",
                "point to columns that a primary key or a unique index is on")
        }
        guard let child else { return [] }
        let pairs = zip(entry.columns, columns)
        return pairs.flatMap { name, other -> [Diagnostic] in
            guard let one = catalog.columns[child.oid]?.first(where: { $0.name == name }),
                let two = known.first(where: { $0.name == other }), !Self.compares(one, two)
            else { return [] }
            return complaint(
                "type-mismatch",
                "\(entry.table).\(name) is \(one.type), and \(entry.references).\(other) is \(two.type)",
                "point to a column of the same type")
        }
    }

    /// Types of one kind, whose values are compared as such and find each other in an index.
    static func compares(_ one: Column, _ two: Column) -> Bool {
        func kind(_ type: String) -> String {
            let name = type.prefix { $0 != "(" }
            switch name {
            case "smallint", "integer", "bigint": return "integer"
            case "text", "character varying", "character": return "text"
            default: return String(name)
            }
        }
        return one.typeOID == two.typeOID || kind(one.type) == kind(two.type)
    }

    private func missing(
        _ columns: [String], _ relation: Relation?, _ table: LooseKey.Table
    ) -> [(message: String, nextStep: String)] {
        guard let relation else { return [] }
        let known = (catalog.columns[relation.oid] ?? []).map(\.name)
        return columns.filter { !known.contains($0) }.map { column in
            (
                "a loose key names column \(column) of \(table), which has none of that name",
                nearestName(to: column, among: known).map { "did you mean \($0)?" }
                    ?? "\(table) has \(known.prefix(20).joined(separator: ", "))"
            )
        }
    }

    private func nearestTable(_ table: LooseKey.Table) -> String? {
        let tables = context.relations(afterwardsIn: table.schema).filter(\.kind.isTable).map(\.name)
        return nearestName(to: table.name, among: tables).map { "\(table.schema).\($0)" }
    }

    // MARK: Names

    /// As it will be called.
    func table(_ relation: OID) -> LooseKey.Table? {
        guard let schema = cut.schema(of: ObjectReference(.relation, relation)),
            let name = catalog.relations[relation]?.name
        else { return nil }
        return LooseKey.Table(schema, name)
    }

    private func relation(_ table: LooseKey.Table) -> Relation? {
        context.relations(afterwardsIn: table.schema).first {
            $0.name == table.name && ($0.kind == .table || $0.kind == .partitionedTable)
        }
    }

    private func referencedColumns(of entry: LooseKeyLayout) -> [String] {
        guard entry.referencedColumns.isEmpty, let parent = relation(entry.references),
            let primary = lookup.indexes(of: parent.oid).first(where: \.isPrimary)
        else { return entry.referencedColumns }
        return names(primary.keys, parent.oid)
    }

    private func column(_ number: Int16, of relation: OID) -> Column? {
        catalog.columns[relation]?.first { $0.number == number }
    }

    private func names(_ numbers: [Int16], _ relation: OID) -> [String] {
        numbers.compactMap { column($0, of: relation)?.name }
    }
}
