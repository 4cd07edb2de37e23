package import Planning
package import SQLSyntax

/// Where a text goes and why, in words and as JSON.
package struct RouteExplanation: Codable, Sendable, Equatable {
    package struct Statement: Codable, Sendable, Equatable {
        package var kind: String
        /// `primary`, `replica` or `anywhere`.
        package var target: String
        package var reason: String
        package var reads: [String]
        package var writes: [String]
        /// What it touches cannot be told to the end.
        package var readsAnything: Bool
        package var writesAnything: Bool
    }

    /// `primary`, `replica`, `anywhere` or, where no database can run it, `refused`.
    package var target: String
    package var reason: String
    package var freshness: String
    package var statements: [Statement]
    /// Which database of the layout; nil where there is nothing to choose, or where it is refused.
    package var database: String?

    /// - Parameters:
    ///   - shapes: the text's statements, as `StatementReader` has them.
    ///   - freshness: the layout's rule.
    package init(
        shapes: [StatementShape], directives: StatementDirectives, path: ResolvedPath, catalog: RoutingCatalog,
        rules: RoutingRules, clues: TextClues = TextClues(), freshness: Routing.Freshness
    ) {
        let whole = StatementClassifier.decide(shapes, directives, path, catalog, rules, clues)
        self.init(whole, freshness: freshness)
        statements = shapes.map { shape in
            Statement(
                shape, StatementClassifier.classify([shape], directives, path, catalog, rules, clues), catalog)
        }
    }

    /// For a text of which only the decision is known: one that could not be read, or one from the cache.
    package init(_ decision: Decision, freshness rule: Routing.Freshness) {
        target = Self.target(decision.access)
        reason = decision.reason.text
        freshness = Self.freshness(decision, rule)
        statements = []
    }

    private init(refused reason: String) {
        target = "refused"
        self.reason = reason
        freshness = "nothing is read"
        statements = []
    }

    /// Reads the text as the proxy does for a layout whose schemas live in several databases.
    ///
    /// - Parameter placement: its catalogs are those of its databases; one that is not known is an empty one.
    package static func explain(
        _ sql: String, searchPath: String, role: String, placement: Placement, rules: RoutingRules,
        freshness: Routing.Freshness
    ) -> RouteExplanation {
        // What cannot be read runs in the main database.
        let shapes = (try? StatementReader.read(sql)) ?? []
        let database: Int
        switch placement.place(shapes, path: SearchPath.parse(searchPath), role: role) {
        case .anywhere, .unresolved: database = 0
        case .database(let index): database = index
        case .oneOf(let choices): database = choices[0]
        case .several(let names):
            return RouteExplanation(
                refused: "a statement cannot use several databases at once (0A000): "
                    + Placement.list(names, placement.databases))
        case .missing(let name):
            return RouteExplanation(
                refused: "\(name.name) is an old name that database \"\(placement.databases[name.database])\" does not "
                    + "have (0A000)")
        case .unknown(let index):
            return RouteExplanation(
                refused: "the tables of database \"\(placement.databases[index])\" are not known, and it names a table "
                    + "without a schema or by an old name (57P03)")
        }
        var explanation = explain(
            sql, searchPath: searchPath, role: role, catalog: placement.catalogs[database], rules: rules,
            freshness: freshness)
        explanation.database = placement.databases[database]
        return explanation
    }

    /// Reads the text as the proxy does.
    ///
    /// - Parameters:
    ///   - searchPath: as `SHOW search_path` prints it.
    ///   - role: the current role.
    package static func explain(
        _ sql: String, searchPath: String, role: String, catalog: RoutingCatalog, rules: RoutingRules,
        freshness: Routing.Freshness
    ) -> RouteExplanation {
        var sql = sql
        let (clues, directives) = sql.withUTF8 { (TextClues($0), StatementDirectives.read(UnsafeRawBufferPointer($0))) }
        let path = SearchPath.parse(searchPath).map { catalog.resolve($0, role: role) } ?? .unknown
        do {
            let shapes = try StatementReader.read(sql)
            var clues = clues
            if shapes.contains(where: { $0.kind == .doBlock }) { clues.readBlocks(sql, catalog) }
            return RouteExplanation(
                shapes: shapes, directives: directives, path: path, catalog: catalog, rules: rules, clues: clues,
                freshness: freshness)
        } catch {
            return RouteExplanation(sql.withUTF8 { Router.unread($0, error) }, freshness: freshness)
        }
    }

    private static func target(_ access: Decision.Access) -> String {
        switch access {
        case .anywhere: "anywhere"
        case .read: "replica"
        case .primary: "primary"
        }
    }

    private static func freshness(_ decision: Decision, _ rule: Routing.Freshness) -> String {
        switch decision.access {
        case .primary: return "the primary is always up to date"
        case .anywhere: return "it reads nothing that could be out of date"
        case .read: break
        }
        if decision.ignoresFreshness { return "any replica that is up, however far behind" }
        let what = decision.readsAnything ? "of any table" : "of these tables"
        return switch rule {
        case .table: "a replica that has replayed the last write \(what) by any client; else the primary"
        case .session: "a replica that has replayed the last write \(what) by this client; else the primary"
        case .atMost(let limit): "a replica that is at most \(limit) behind; else the primary"
        }
    }

    /// As `strata route` prints it.
    package var text: String {
        var lines = ["\(target): \(reason)"]
        if let database { lines.append("database:  \(database)") }
        lines.append("freshness: \(freshness)")
        for (index, statement) in statements.enumerated() {
            // One alone has said so above.
            if statements.count > 1 || statement.target != target || statement.reason != reason {
                let number = statements.count > 1 ? "\(index + 1). " : ""
                lines.append("\(number)\(statement.kind) → \(statement.target): \(statement.reason)")
            }
            let (reads, writes) = statements.count > 1 ? ("   reads   ", "   writes  ") : ("reads:     ", "writes:    ")
            if let names = Self.list(statement.reads, statement.readsAnything) { lines.append(reads + names) }
            if let names = Self.list(statement.writes, statement.writesAnything) { lines.append(writes + names) }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func list(_ names: [String], _ anything: Bool) -> String? {
        let parts = names + (anything ? ["perhaps any table"] : [])
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }
}

extension RouteExplanation.Statement {
    init(_ shape: StatementShape, _ classified: StatementClassifier.Classified, _ catalog: RoutingCatalog) {
        let only = RouteExplanation(classified.decision, freshness: .table)
        self.init(
            kind: shape.kind.label, target: only.target, reason: only.reason,
            reads: Self.names(classified.reads, catalog), writes: Self.names(classified.writes, catalog),
            readsAnything: classified.decision.readsAnything, writesAnything: classified.decision.writesAnything)
    }

    private static func names(_ oids: Set<UInt32>, _ catalog: RoutingCatalog) -> [String] {
        oids.compactMap { catalog.relationName($0) }.sorted()
    }
}
