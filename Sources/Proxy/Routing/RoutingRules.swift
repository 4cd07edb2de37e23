package import Planning
import SQLSyntax

/// `routing.routes` of the layout. For each table of a statement the first rule that fits decides: one without a table
/// fits them all.
package struct RoutingRules: Sendable {
    struct Rule: Sendable {
        let tags: [String: String]
        let table: QualifiedName?
        let toReplica: Bool
    }

    let rules: [Rule]

    package init(_ routes: [Routing.Route] = []) {
        rules = routes.map { route in
            Rule(tags: route.tags, table: route.table.flatMap(QualifiedName.parse), toReplica: route.toReplica)
        }
    }

    /// What the rules say about one statement.
    struct Verdict {
        /// The rule that sends it to the primary.
        var primary: Int?
        /// The first rule that lets a replica answer.
        var replica: Int?
        /// Tables that may be as old as they are on a replica.
        var lifted: Set<UInt32> = []
        /// All of them, known or not.
        var liftsAll = false
    }

    func verdict(_ directives: StatementDirectives, _ walk: TouchWalk, _ catalog: RoutingCatalog) -> Verdict {
        var verdict = Verdict()
        var decided: Set<UInt32> = []
        for (index, rule) in rules.enumerated() where Self.fits(rule, directives) {
            guard let table = rule.table else {
                if rule.toReplica {
                    verdict.replica = verdict.replica ?? index
                    verdict.liftsAll = true
                } else if !walk.reads.subtracting(decided).isEmpty || walk.reads.isEmpty {
                    verdict.primary = index
                }
                return verdict
            }
            guard case .relations(let found) = catalog.relation(table, ResolvedPath(schemas: [])),
                let oid = found.first, walk.reads.contains(oid) || walk.writes.contains(oid),
                decided.insert(oid).inserted
            else { continue }
            guard rule.toReplica else {
                verdict.primary = index
                return verdict
            }
            verdict.replica = verdict.replica ?? index
            // Of a view, what is below it.
            var below = TouchWalk(catalog)
            below.read(oid)
            decided.formUnion(below.reads)
            verdict.lifted.formUnion(below.reads)
        }
        return verdict
    }

    private static func fits(_ rule: Rule, _ directives: StatementDirectives) -> Bool {
        rule.tags.allSatisfy { directives.tags[$0.key] == $0.value }
    }
}
