internal import SQLSyntax

/// Finds what has one end in a schema that leaves and the other on another database. Pure.
///
/// Seen from both sides: a foreign key of a staying table to a leaving one is found as well as the other way round.
struct SplitCrossings {
    typealias Crossing = SplitReport.Crossing

    let cut: DatabaseCut
    let schema: String
    /// Where the schema goes.
    let database: String
    /// What will be in the schema.
    let relations: [Relation]

    var context: PlanningContext { cut.context }
    var catalog: Catalog { context.catalog }
    var lookup: CatalogLookup { context.lookup }

    func find() -> [Crossing] {
        var found = foreignKeys() + inheritance() + views() + shims()
        found += SplitFunctionCrossings(self).find() + triggers() + sequences()
        found += expressions() + types() + publications() + subscriptions() + replication()
        return found.uniqued().sorted {
            ($0.kind.rank, $0.object, $0.message) < ($1.kind.rank, $1.object, $1.message)
        }
    }

    func leaves(_ relation: OID) -> Bool { cut.schema(of: ObjectReference(.relation, relation)) == schema }

    /// Whether one end leaves with this schema and the other is on another database then. What is on every database
    /// crosses nothing.
    func crosses(_ one: ObjectReference, _ other: ObjectReference) -> Bool {
        guard let first = cut.schema(of: one), let second = cut.schema(of: other), first == schema || second == schema
        else { return false }
        return cut.database(ofSchema: first) != cut.database(ofSchema: second)
    }

    func crosses(_ one: OID, _ other: OID) -> Bool {
        crosses(ObjectReference(.relation, one), ObjectReference(.relation, other))
    }

    // MARK: Keys and inheritance

    private func foreignKeys() -> [Crossing] {
        // Those of partitions go with their parent's.
        catalog.constraints.filter { $0.kind == .foreignKey && $0.parent == 0 && crosses($0.relation, $0.referenced) }
            .map { key in
                var crossing = foreignKey(key)
                if leaves(key.relation), let table = catalog.relations[key.relation]?.name {
                    crossing.key = .init(table: table, name: key.name)
                }
                return crossing
            }
    }

    private func foreignKey(_ key: Constraint) -> Crossing {
        let ends = "\(columns(key.columns, of: key.relation)) → \(columns(key.referencedColumns, of: key.referenced))"
        let object = "constraint \(key.name) of \(cut.name(ofRelation: key.relation))"
        let does =
            switch key.onDelete {
            case "c": "ON DELETE CASCADE"
            case "n": "ON DELETE SET NULL"
            case "d": "ON DELETE SET DEFAULT"
            default: "refuses to delete what is referenced"
            }
        let loose = LooseKeys(cut: cut)
        guard let onDelete = loose.onDelete(key), let onUpdate = loose.onUpdate(key) else {
            let example = loose.example(key)
            let next =
                switch (loose.onDelete(key), key.onDelete) {
                case (nil, "d"), (nil, "n"):
                    "a loose key deletes or sets NULL in all its columns: say which in loose_keys, \(example)"
                case (nil, _):
                    "nothing can refuse that over two databases: say in loose_keys what happens instead, \(example)"
                default: "a loose key lets changed keys follow, or not: say which in loose_keys, \(example)"
                }
            return Crossing(.foreignKey, object, "\(ends), \(does)", isBlocking: true, nextStep: next)
        }
        let action =
            switch onDelete {
            case .delete: "a worker deletes the rows soon after"
            case .setNull: "a worker sets NULL soon after"
            case .ignore: "rows stay when theirs is deleted"
            }
        let isDeclared = loose.declaration(for: key) != nil
        return Crossing(
            .foreignKey, object, "\(ends), \(does)",
            replacement: (isDeclared ? "replaced by the loose key of the layout: " : "a loose key: ") + action
                + (onUpdate == .update ? "; changed keys follow as well" : ""))
    }

    private func columns(_ numbers: [Int16], of relation: OID) -> String {
        let known = catalog.columns[relation] ?? []
        let names = numbers.map { number in known.first { $0.number == number }?.name ?? "?" }
        let list = names.count == 1 ? names[0] : "(\(names.joined(separator: ", ")))"
        return "\(cut.name(ofRelation: relation)).\(list)"
    }

    private func inheritance() -> [Crossing] {
        catalog.relations.values.flatMap { child in
            child.parents.filter { crosses(child.oid, $0) }.map { parent in
                Crossing(
                    .inheritance, "table \(cut.name(ofRelation: child.oid))",
                    "it is a \(child.isPartition ? "partition" : "child") of \(cut.name(ofRelation: parent))",
                    isBlocking: true, nextStep: "list both in one schema, or DETACH it")
            }
        }
    }

    // MARK: Views

    private func views() -> [Crossing] {
        catalog.relations.values.filter {
            ($0.kind == .view || $0.kind == .materialisedView) && !lookup.isShim(.relation, $0.oid)
        }
        .compactMap { relation in
            let view = ObjectReference(.relation, relation.oid)
            // Directly: a view that it reads is a relation like any other.
            // Types are made on both sides.
            let uses = lookup.dependencies(of: view).map(\.referenced)
            // An old name will lead away from a view that stays; one that leaves is defined there before the name is.
            let foreign = (uses + uses.flatMap { cut.targets(ofShim: $0) })
                .filter { $0 != view && $0.kind != .type && crosses(view, $0) }
            guard !foreign.isEmpty else { return nil }
            let names = Set(foreign.compactMap { cut.name(of: $0) }).sorted().joined(separator: ", ")
            if leaves(relation.oid), relation.kind == .view, foreign.allSatisfy(isCopied) {
                return Crossing(
                    .view, "view \(cut.name(ofRelation: relation.oid))", "it uses \(names)",
                    replacement: "it reads the copy on database \(database), as the layout declares",
                    nextStep: "strata split copies make, before strata split \(schema)")
            }
            return Crossing(
                .view, "view \(cut.name(ofRelation: relation.oid))", "it uses \(names)", isBlocking: true,
                nextStep: "list it with what it uses, or read the other side by `copies:` or a foreign table")
        }
    }

    /// A table of which the schema's new database gets a copy.
    private func isCopied(_ object: ObjectReference) -> Bool {
        guard object.kind == .relation, let relation = catalog.relations[object.oid], relation.kind == .table else {
            return false
        }
        let home = cut.schema(of: object)
        return context.layout.copies.contains {
            $0.schema == home && $0.table == relation.name && $0.databases.contains(database)
        }
    }

    /// Old names: those that earlier runs left, and those that this plan leaves.
    private func shims() -> [Crossing] {
        let known = Dictionary(grouping: lookup.shims.filter { $0.reference.kind == .relation }, by: \.target)
        return relations.flatMap { relation -> [Crossing] in
            let now = SQL.qualified(lookup.schemaName(relation.schema), relation.name)
            var names = (known[now] ?? []).map(\.display)
            let move = context.moveByOID[ObjectReference(.relation, relation.oid)]
            if context.layout.compatibility == .views, let move { names.append(move.oldName) }
            return names.filter { $0 != cut.name(ofRelation: relation.oid) }.uniqued().map { name in
                Crossing(
                    .shim, "view \(name)", "an old name of \(cut.name(ofRelation: relation.oid))",
                    replacement: "the same view on database \(database); the proxy leads the name there",
                    nextStep: "strata contract removes it once nobody uses it")
            }
        } + functionShims()
    }

    private func functionShims() -> [Crossing] {
        let left = lookup.shims.filter {
            $0.reference.kind == .function && $0.target.hasPrefix(SQL.identifier(schema) + ".")
        }
        let leaving = context.moves.filter { move in
            if case .function = move.object {
                move.to == schema && context.layout.compatibility == .views
            } else {
                false
            }
        }
        return (left.map(\.display) + leaving.map(\.oldName)).uniqued().map { name in
            Crossing(
                .shim, "function \(name)", "an old name of a function of \(schema)",
                replacement: "the same on database \(database); the proxy leads the name there",
                nextStep: "strata contract removes it once nobody uses it")
        }
    }

    // MARK: Programs

    private func triggers() -> [Crossing] {
        catalog.triggers.compactMap { trigger in
            let function = ObjectReference(.function, trigger.function)
            guard let table = cut.database(ofRelation: trigger.relation), let program = cut.database(of: function),
                table != program, leaves(trigger.relation) || cut.schema(of: function) == schema,
                let name = cut.name(of: function)
            else { return nil }
            return Crossing(
                .trigger, "trigger \(trigger.name) of \(cut.name(ofRelation: trigger.relation))",
                "its function \(name) lives on database \(program)", isBlocking: true,
                nextStep: "list the function in the table's schema, or make one there for each side")
        }
    }

    private func sequences() -> [Crossing] {
        catalog.relations.values.filter(\.kind.isTable).flatMap { table in
            lookup.sequences(inDefaultsOf: table.oid).filter { crosses(table.oid, $0) }.map { sequence in
                Crossing(
                    .sequence, "sequence \(cut.name(ofRelation: sequence))",
                    "a default of \(cut.name(ofRelation: table.oid)) draws from it, on the other side",
                    isBlocking: true, nextStep: "give each side a sequence of its own, with ranges that do not meet")
            }
        }
    }

    /// Policies and rules are parts of their table; what they read has to be beside it.
    private func expressions() -> [Crossing] {
        func reads(_ object: ObjectReference, of table: OID) -> String? {
            let foreign = lookup.dependencies(of: object).map(\.referenced)
                .filter { $0.kind == .relation && crosses(table, $0.oid) }
            return foreign.isEmpty
                ? nil : Set(foreign.map { cut.name(ofRelation: $0.oid) }).sorted().joined(separator: ", ")
        }
        let policies = catalog.policies.compactMap { policy in
            reads(ObjectReference(.policy, policy.oid), of: policy.relation).map {
                Crossing(
                    .policy, "policy \(policy.name) of \(cut.name(ofRelation: policy.relation))", "it reads \($0)",
                    isBlocking: true, nextStep: "rewrite it, or keep a copy of what it reads beside it (`copies:`)")
            }
        }
        let rules = catalog.rules.compactMap { rule in
            reads(ObjectReference(.rule, rule.oid), of: rule.relation).map {
                Crossing(
                    .rule, "rule \(rule.name) of \(cut.name(ofRelation: rule.relation))", "it uses \($0)",
                    isBlocking: true, nextStep: "drop it, or make it a trigger that stays on its side")
            }
        }
        return policies + rules
    }

    private func types() -> [Crossing] {
        var users: [OID: Set<String>] = [:]
        for table in catalog.relations.values where table.kind.isTable && cut.database(ofRelation: table.oid) != nil {
            for column in catalog.columns[table.oid] ?? [] {
                let type = cut.element(of: ObjectReference(.type, column.typeOID))
                guard let home = cut.schema(of: type), let side = cut.schema(of: ObjectReference(.relation, table.oid)),
                    cut.database(ofSchema: home) != cut.database(ofSchema: side), home == schema || side == schema
                else { continue }
                users[type.oid, default: []].insert(cut.name(ofRelation: table.oid))
            }
        }
        return users.compactMap { oid, tables in
            cut.name(of: ObjectReference(.type, oid)).map {
                Crossing(
                    .type, "type \($0)", "columns of \(tables.sorted().joined(separator: ", ")) have it",
                    replacement: "the same type on both sides; ALTER TYPE is then done on both")
            }
        }
    }

    // MARK: Replication

    private func publications() -> [Crossing] {
        let leaving = Set(relations.filter(\.kind.isTable).map(\.oid))
        let schemas = Set(leaving.compactMap { catalog.relations[$0]?.schema })
        return catalog.publications.compactMap { publication in
            guard
                publication.allTables || !leaving.isDisjoint(with: publication.tables)
                    || !schemas.isDisjoint(with: publication.schemas)
            else { return nil }
            return Crossing(
                .publication, "publication \(publication.name)",
                "its subscribers get no more rows of this schema after the switch",
                nextStep: "publish the tables on database \(database) and subscribe there before the switch")
        }
    }

    private func subscriptions() -> [Crossing] {
        catalog.subscriptions.compactMap { subscription in
            let tables = subscription.tables.filter { leaves($0) }.map { cut.name(ofRelation: $0) }.sorted()
            guard !tables.isEmpty else { return nil }
            return Crossing(
                .subscription, "subscription \(subscription.name)",
                "it writes \(tables.joined(separator: ", ")), past every guard", isBlocking: true,
                nextStep: "let database \(database) subscribe instead, and drop it here first")
        }
    }

    /// What logical replication leaves behind. Source: PostgreSQL documentation, "Logical Replication: Restrictions".
    private func replication() -> [Crossing] {
        relations.flatMap { relation -> [Crossing] in
            let name = cut.name(ofRelation: relation.oid)
            if relation.kind == .materialisedView {
                return [
                    Crossing(
                        .replication, "materialised view \(name)", "its rows are not copied",
                        replacement: "it is made on database \(database), and refreshed there before the switch")
                ]
            }
            guard relation.kind.isTable else { return [] }
            let object = "table \(name)"
            if relation.kind == .foreignTable {
                return [
                    Crossing(
                        .replication, object, "it is a foreign table: it is defined there anew, its rows are elsewhere",
                        nextStep: "its foreign server and user mappings have to be on database \(database)")
                ]
            }
            var found: [Crossing] = []
            if relation.isUnlogged {
                found.append(
                    Crossing(
                        .replication, object, "it is unlogged, and such tables are not replicated", isBlocking: true,
                        nextStep: "ALTER TABLE … SET LOGGED, or leave it out of the schema"))
            }
            if ReplicaIdentity(of: relation, indexes: lookup.indexes(of: relation.oid)) == .nothing {
                found.append(
                    Crossing(
                        .replication, object,
                        "nothing tells its rows apart: UPDATE and DELETE would fail once it is copied",
                        isBlocking: true, nextStep: "add a primary key, or ALTER TABLE … REPLICA IDENTITY FULL"))
            }
            let largeObjects = (catalog.columns[relation.oid] ?? []).filter {
                $0.type == "oid" || $0.type.hasSuffix("lo")
            }
            if !largeObjects.isEmpty {
                found.append(
                    Crossing(
                        .replication, object,
                        "\(largeObjects.map(\.name).joined(separator: ", ")) may name large objects, which are not copied",
                        nextStep: "keep them as bytea, or copy them before the switch"))
            }
            return found
        }
    }
}
