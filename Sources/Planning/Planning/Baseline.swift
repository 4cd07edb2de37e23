/// How the objects that a plan touches were before: what apply pins, and verify and rollback compare with.
struct Baseline {
    let context: PlanningContext
    private var catalog: Catalog { context.catalog }
    private var lookup: CatalogLookup { context.lookup }

    func entries() -> [BaselineEntry] {
        context.moves.map(entry)
    }

    private func entry(for move: Move) -> BaselineEntry {
        var entry = BaselineEntry(
            catalog: pinCatalog(move), oid: move.oid, schema: move.from, name: move.name, newSchema: move.to,
            kind: kindWord(move))
        entry.shim = context.layout.compatibility == .views && ShimSQL(context: context).step(for: move) != nil
        if let relation = catalog.relations[move.oid], case .relation = move.object {
            fill(&entry, from: relation)
        } else if let function = catalog.functions[move.oid] {
            entry.grants = grants(function.grants)
        } else if let type = catalog.types[move.oid] {
            entry.grants = grants(type.grants)
        }
        return entry
    }

    private func fill(_ entry: inout BaselineEntry, from relation: Relation) {
        let facts = RelationFacts(relation, catalog: catalog, lookup: lookup)
        entry.fileNode = relation.fileNode
        entry.estimatedRows = relation.estimatedRows
        entry.constraints = facts.constraints
        entry.unvalidatedConstraints = facts.unvalidatedConstraints
        entry.indexes = facts.indexes
        entry.invalidIndexes = facts.invalidIndexes
        entry.triggers = facts.triggers
        entry.policies = facts.policies
        entry.comments = facts.comments
        entry.columns = facts.columns
        entry.partitions = facts.partitions
        entry.grants =
            grants(relation.grants)
            + relation.columnGrants.map { "\(context.roleName($0.grant.grantee))=\($0.grant.privilege)(\($0.column))" }
            .sorted()
    }

    private func grants(_ grants: [Grant]) -> [String] {
        grants.map { "\(context.roleName($0.grantee))=\($0.privilege)\($0.grantable ? "*" : "")" }.sorted()
    }

    private func pinCatalog(_ move: Move) -> ObjectPin.Catalog {
        switch move.object {
        case .relation: .relation
        case .type: .type
        case .function: .function
        case .statistics: .statistics
        }
    }

    private func kindWord(_ move: Move) -> String {
        switch move.object {
        case .relation(let kind):
            switch kind {
            case .table: "table"
            case .partitionedTable: "partitioned table"
            case .foreignTable: "foreign table"
            case .view: "view"
            case .materialisedView: "materialised view"
            case .sequence: "sequence"
            case .compositeType: "type"
            }
        case .type: "type"
        case .function: "function"
        case .statistics: "statistics"
        }
    }
}

/// The figures by which a table is known again.
package struct RelationFacts: Sendable, Equatable {
    package var constraints: Int
    package var unvalidatedConstraints: Int
    package var indexes: Int
    package var invalidIndexes: Int
    package var triggers: Int
    package var policies: Int
    package var comments: Int
    package var columns: Int
    package var partitions: Int

    package init(_ relation: Relation, catalog: Catalog, lookup: CatalogLookup) {
        let oid = relation.oid
        let constraints = lookup.constraints(of: oid)
        self.constraints = constraints.count
        unvalidatedConstraints = constraints.count { !$0.isValidated }
        let indexes = lookup.indexes(of: oid)
        self.indexes = indexes.count
        invalidIndexes = indexes.count { !$0.isValid }
        triggers = lookup.triggers(of: oid).count
        policies = lookup.policies(of: oid).count
        comments = lookup.comments(on: ObjectReference(.relation, oid)).count
        columns = catalog.columns[oid]?.count ?? 0
        partitions = lookup.children(of: oid).count { catalog.relations[$0]?.isPartition == true }
    }
}
