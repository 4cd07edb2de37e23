/// Makes the report of every schema that the layout places on another database. Pure; linear in the catalog for each of
/// these schemas, but for the bodies of functions, of which those are read that mention something of it.
struct SplitReports {
    let cut: DatabaseCut
    var context: PlanningContext { cut.context }
    var catalog: Catalog { context.catalog }
    var lookup: CatalogLookup { context.lookup }

    init(_ context: PlanningContext) { cut = DatabaseCut(context) }

    /// None for a schema of which nothing is here (any more).
    func all() -> [SplitReport] {
        cut.leaving.compactMap { schema, database in
            let relations = context.relations(afterwardsIn: schema)
            guard !relations.isEmpty else { return nil }
            var report = SplitReport(schema: schema, database: database)
            report.tables = relations.filter { $0.kind.isTable && $0.kind != .foreignTable }.map(table)
            let crossings = SplitCrossings(cut: cut, schema: schema, database: database, relations: relations)
            report.crossings = crossings.find()
            report.needs = SplitNeeds(cut: cut, schema: schema, relations: relations).find()
            return report
        }
    }

    private func table(_ relation: Relation) -> SplitReport.Table {
        let indexes = lookup.indexes(of: relation.oid)
        return SplitReport.Table(
            name: cut.name(ofRelation: relation.oid),
            rows: relation.estimatedRows < 0 ? nil : Int64(relation.estimatedRows),
            bytes: relation.estimatedBytes + indexes.reduce(0) { $0 + $1.estimatedBytes },
            identity: ReplicaIdentity(of: relation, indexes: indexes).text)
    }
}

/// What tells a table's rows apart where they are replicated: without it, UPDATE and DELETE fail once the table is
/// published. Source: PostgreSQL documentation, "Publication".
enum ReplicaIdentity: Equatable {
    case primaryKey
    case index(String)
    case wholeRows
    case nothing

    init(of relation: Relation, indexes: [Index]) {
        switch relation.replicaIdentity {
        case "f": self = .wholeRows
        case "i": self = indexes.first(where: \.isReplicaIdentity).map { .index($0.name) } ?? .nothing
        case "n": self = .nothing
        default: self = indexes.contains(where: \.isPrimary) ? .primaryKey : .nothing
        }
    }

    var text: String? {
        switch self {
        case .primaryKey: "primary key"
        case .index(let name): "index \(name)"
        case .wholeRows: "whole rows"
        case .nothing: nil
        }
    }
}
