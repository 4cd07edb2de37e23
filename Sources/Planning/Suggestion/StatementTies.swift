internal import SQLSyntax

/// Which tables of the pile clients use together, from pg_stat_statements, and which ones views read together.
///
/// A statement is parsed; names without a schema are looked up as the role's search_path has them. Views count as the
/// tables behind them. At most `maximumStatements` statements are read, the most called ones.
struct StatementTies {
    static let maximumStatements = 5_000
    /// Longer texts are generated lists of values as a rule.
    static let maximumBytes = 100_000
    /// A statement with more tables is a report, which says nothing about where they belong.
    static let maximumTables = 12

    struct Use {
        var calls: Int64 = 0
        var statements = 0
        var writes = false
    }

    /// Tables of one statement, with the calls of all statements that name just these.
    struct Together: Hashable {
        var nodes: [Int]
    }

    private(set) var pairs: [WeightedGraph.Edge: Use] = [:]
    private(set) var statements: [Together: Use] = [:]
    private(set) var viewedTogether: [[Int]] = []
    private var partners: [Int: Int] = [:]
    private var mostCalls: Int64 = 1

    init(scope: SuggestionScope, use: StatementUse) {
        let views = ViewBases(catalog: scope.catalog, lookup: scope.lookup)
        var paths: [OID: [String]] = [:]
        let counted = use.statements.filter { $0.text.utf8.count <= Self.maximumBytes }
            .sorted { ($0.calls, $1.queryID) > ($1.calls, $0.queryID) }
        for statement in counted.prefix(Self.maximumStatements) {
            let path = paths[statement.role] ?? Self.path(of: statement.role, scope)
            paths[statement.role] = path
            add(statement, path: path, scope: scope, views: views)
        }
        for view in scope.catalog.relations.values where view.kind == .view || view.kind == .materialisedView {
            let nodes = Set(views.tables(of: view.oid).compactMap { scope.nodeByRelation[$0] }).sorted()
            if (2...Self.maximumTables).contains(nodes.count) { viewedTogether.append(nodes) }
        }
        viewedTogether.sort { $0.lexicographicallyPrecedes($1) }
        for pair in pairs.keys {
            partners[pair.low, default: 0] += 1
            partners[pair.high, default: 0] += 1
        }
        mostCalls = max(1, pairs.values.map(\.calls).max() ?? 1)
    }

    /// 0 to 1: more for many calls, less where one of the two is used together with many others.
    func strength(of pair: WeightedGraph.Edge) -> Double {
        guard let use = pairs[pair] else { return 0 }
        let calls = (Double(use.calls) + 1).roughLogarithm / (Double(mostCalls) + 1).roughLogarithm
        let busiest = max(partners[pair.low] ?? 1, partners[pair.high] ?? 1)
        return calls / Double(busiest).squareRoot()
    }

    private static func path(of role: OID, _ scope: SuggestionScope) -> [String] {
        scope.lookup.searchPath(ofRole: role).map { $0 == "$user" ? scope.catalog.roles[role]?.name ?? $0 : $0 }
    }

    private mutating func add(
        _ statement: StatementUse.Statement, path: [String], scope: SuggestionScope, views: ViewBases
    ) {
        guard let parsed = try? SQLParser.parse(statement.text) else { return }
        var nodes: Set<Int> = []
        var writes = false
        for part in parsed {
            let references = StatementReferences.collect(in: part)
            if references.isUtility { continue }
            for relation in references.relations {
                guard let found = Self.resolve(relation, path, scope.lookup) else { continue }
                let behind = found.kind.isTable ? [found.oid] : views.tables(of: found.oid)
                nodes.formUnion(behind.compactMap { scope.nodeByRelation[$0] })
                if [.insert, .update, .delete, .merge].contains(relation.access) { writes = true }
            }
        }
        guard (2...Self.maximumTables).contains(nodes.count), statement.calls > 0 else { return }
        let sorted = nodes.sorted()
        statements[Together(nodes: sorted), default: Use()].count(statement.calls, writes: writes)
        for (position, one) in sorted.enumerated() {
            for other in sorted[(position + 1)...] {
                pairs[WeightedGraph.Edge(one, other), default: Use()].count(statement.calls, writes: writes)
            }
        }
    }

    private static func resolve(_ reference: RelationReference, _ path: [String], _ lookup: CatalogLookup) -> Relation?
    {
        if let schema = reference.schema { return lookup.relation(schema: schema, name: reference.name) }
        for schema in path {
            if let found = lookup.relation(schema: schema, name: reference.name) { return found }
        }
        return nil
    }
}

extension StatementTies.Use {
    fileprivate mutating func count(_ calls: Int64, writes: Bool) {
        // Counters of a long-lived server may be large; their sum must not trap.
        self.calls = self.calls.addingReportingOverflow(calls).overflow ? .max : self.calls + calls
        statements += 1
        self.writes = self.writes || writes
    }
}

/// The tables behind a view, through other views, by OID.
struct ViewBases {
    let catalog: Catalog
    let lookup: CatalogLookup

    /// Sorted; a table is behind itself.
    func tables(of relation: OID) -> [OID] {
        var tables: Set<OID> = []
        var seen: Set<OID> = [relation]
        var open = [relation]
        while let next = open.popLast() {
            guard let found = catalog.relations[next] else { continue }
            if found.kind.isTable { tables.insert(next) }
            guard found.kind == .view || found.kind == .materialisedView else { continue }
            for dependency in lookup.dependencies(of: ObjectReference(.relation, next)) {
                guard dependency.referenced.kind == .relation, seen.insert(dependency.referenced.oid).inserted else {
                    continue
                }
                open.append(dependency.referenced.oid)
            }
        }
        return tables.sorted()
    }
}
