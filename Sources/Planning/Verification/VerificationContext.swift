internal import SQLSyntax

/// A run as verification sees it: its plan, and what became of it.
package struct AppliedPlan: Sendable {
    package enum State: Sendable {
        case applied
        /// Its objects have to be back where they were.
        case undone
        /// Stopped half-way: where its objects are says nothing.
        case unfinished
    }

    package var run: Int
    package var plan: Plan
    package var state: State

    package init(run: Int, plan: Plan, state: State) {
        self.run = run
        self.plan = plan
        self.state = state
    }
}

/// What the catalog checks look at: the catalog with its look-ups, the layout, and what the runs say of the past.
package struct VerificationContext: Sendable {
    /// An object that a run touched, as the last such run knew it.
    package struct Known: Sendable {
        package var entry: BaselineEntry
        package var run: Int
        /// nil after a run that is unfinished.
        package var expectedSchema: String?

        package var reference: ObjectReference { entry.reference }
    }

    package let layout: Layout?
    package let catalog: Catalog
    package let lookup: CatalogLookup
    package let plans: [AppliedPlan]
    package let placement: Placement?
    let privileges: Privileges
    /// By object, sorted by name.
    package let known: [Known]
    package let knownByReference: [ObjectReference: Known]
    /// Tables that the layout lists or a run touched, by OID; every table where there is neither layout nor run.
    package let tables: [Relation]
    /// Names of tables to which the layout or a run says that rows are only ever added.
    private let appendOnly: Set<QualifiedName>
    let statistics: [OID: ExtendedStatistics]
    /// How many foreign keys of a table loose keys took the place of.
    package var looseConstraints: [OID: Int] = [:]
    /// What Strata keeps in schemas of its own, as the layout wants it.
    package var components: [Component] = []
    /// Old names that a run took from something, and what it is.
    let oldNames: [QualifiedName: BaselineEntry]

    /// `plans` oldest first.
    package init(layout: Layout?, catalog: Catalog, plans: [AppliedPlan]) {
        self.layout = layout
        self.catalog = catalog
        self.plans = plans
        lookup = CatalogLookup(catalog)
        privileges = Privileges(catalog: catalog)
        let placement = layout.map { [lookup] in PlacementResolver.resolve(layout: $0, catalog: catalog, lookup: lookup)
        }
        self.placement = placement
        knownByReference = Self.known(plans)
        known = knownByReference.values.sorted {
            ($0.entry.schema, $0.entry.name, $0.entry.oid) < ($1.entry.schema, $1.entry.name, $1.entry.oid)
        }
        let hasScope = layout != nil || !knownByReference.isEmpty
        tables = catalog.relations.values.filter { [knownByReference] relation in
            let reference = ObjectReference(.relation, relation.oid)
            guard relation.kind.isTable, catalog.extensionMembers[reference] == nil else { return false }
            return !hasScope || placement?.placed[reference] != nil || knownByReference[reference] != nil
        }.sorted { $0.oid < $1.oid }
        oldNames = Self.oldNames(plans, lookup: lookup, catalog: catalog)
        appendOnly = Self.appendOnly(layout, plans)
        statistics = Dictionary(catalog.extendedStatistics.map { ($0.oid, $0) }) { first, _ in first }
    }

    func name(of relation: Relation) -> String { display(lookup.schemaName(relation.schema), relation.name) }

    func name(of function: Function) -> String {
        "\(display(lookup.schemaName(function.schema), function.name))(\(function.identityArguments))"
    }

    func roleName(_ oid: OID) -> String { oid == 0 ? "PUBLIC" : catalog.roles[oid]?.name ?? "role \(oid)" }

    func grantee(_ oid: OID) -> String { oid == 0 ? "PUBLIC" : SQL.identifier(roleName(oid)) }

    /// Whether the layout, or a run, says that rows of the table are only ever added.
    func isAppendOnly(_ relation: Relation) -> Bool {
        appendOnly.contains(QualifiedName(schema: lookup.schemaName(relation.schema), name: relation.name))
            || lookup.triggers(of: relation.oid).contains { $0.name == AppendOnlySteps.rowTrigger }
    }

    private static func appendOnly(_ layout: Layout?, _ plans: [AppliedPlan]) -> Set<QualifiedName> {
        var names: Set<QualifiedName> = []
        for schema in layout?.schemas ?? [] {
            for entry in schema.appendOnly { names.insert(QualifiedName(schema: schema.name, name: entry.value)) }
        }
        for step in plans.filter({ $0.state != .undone }).flatMap(\.plan.steps) where step.kind == .appendOnly {
            if let name = QualifiedName.parse(step.object) { names.insert(name) }
        }
        return names
    }

    private static func known(_ plans: [AppliedPlan]) -> [ObjectReference: Known] {
        var known: [ObjectReference: Known] = [:]
        for applied in plans {
            for entry in applied.plan.baseline {
                let expected: String? =
                    switch applied.state {
                    case .applied: entry.newSchema
                    case .undone: entry.schema
                    case .unfinished: nil
                    }
                known[entry.reference] = Known(entry: entry, run: applied.run, expectedSchema: expected)
            }
        }
        return known
    }

    /// Sequences that a table owns lost their old names with it.
    private static func oldNames(
        _ plans: [AppliedPlan], lookup: CatalogLookup, catalog: Catalog
    ) -> [QualifiedName: BaselineEntry] {
        var names: [QualifiedName: BaselineEntry] = [:]
        for applied in plans where applied.state != .undone {
            for entry in applied.plan.baseline where entry.catalog != .statistics && entry.schema != entry.newSchema {
                names[QualifiedName(schema: entry.schema, name: entry.name)] = entry
                let owned = lookup.sequences(ownedBy: entry.oid).compactMap { catalog.relations[$0]?.name }
                for sequence in Set(entry.sequenceValues.keys).union(entry.catalog == .relation ? owned : []) {
                    names[QualifiedName(schema: entry.schema, name: sequence)] = entry
                }
            }
        }
        return names
    }
}

extension BaselineEntry {
    package var reference: ObjectReference {
        switch catalog {
        case .relation: ObjectReference(.relation, oid)
        case .type: ObjectReference(.type, oid)
        case .function: ObjectReference(.function, oid)
        case .statistics: ObjectReference(.statistics, oid)
        }
    }

    package var oldName: String { SQL.qualified(schema, name) }
    package var newName: String { SQL.qualified(newSchema, name) }
}
