package import SQLSyntax

/// Decides where a text may run, from its syntax, the catalog and the layout's rules. Pure: the same input gives the
/// same decision.
///
/// Every statement counts: the most demanding one decides where the text goes, and what they read, write and leave behind
/// is added up.
package struct StatementClassifier {
    let catalog: RoutingCatalog
    let rules: RoutingRules
    let clues: TextClues
    var path: ResolvedPath
    var walk: TouchWalk
    var unlistedSettings: [String] = []
    /// The statements so far were about the transaction or the session only.
    private var isControl = true
    var blocksSeen = 0

    /// - Parameters:
    ///   - path: the session's `search_path`.
    ///   - role: the session's current role, for `$user` and for schemas it may not use; nil takes no account of rights.
    ///   - clues: what the text says beyond the shapes; without it the worst is assumed.
    package static func decide(
        shapes: [StatementShape], directives: StatementDirectives = StatementDirectives(), path: SearchPath,
        role: String? = nil, catalog: RoutingCatalog, rules: RoutingRules = RoutingRules(),
        clues: TextClues = TextClues()
    ) -> Decision {
        let resolved = catalog.resolve(path, role: role)
        return decide(shapes, directives, resolved, catalog, rules, clues)
    }

    package static func decide(
        _ shapes: [StatementShape], _ directives: StatementDirectives, _ path: ResolvedPath,
        _ catalog: RoutingCatalog, _ rules: RoutingRules, _ clues: TextClues
    ) -> Decision {
        classify(shapes, directives, path, catalog, rules, clues).decision
    }

    /// A decision, and the OIDs behind its slots.
    struct Classified {
        let decision: Decision
        var reads: Set<UInt32> = []
        var writes: Set<UInt32> = []
        /// FOR UPDATE, LOCK TABLE, in functions too.
        var locks = false
    }

    static func classify(
        _ shapes: [StatementShape], _ directives: StatementDirectives, _ path: ResolvedPath,
        _ catalog: RoutingCatalog, _ rules: RoutingRules, _ clues: TextClues
    ) -> Classified {
        guard !shapes.isEmpty else { return Classified(decision: Decision(access: .anywhere, reason: .empty)) }
        var classifier = StatementClassifier(catalog, rules, clues, path)
        if directives.target == .primary { classifier.walk.demandPrimary(.hint("strata:primary")) }
        for shape in shapes { classifier.add(shape) }
        return classifier.classified(shapes, directives)
    }

    /// Each statement by itself; names are looked up as for all of them together.
    static func classifyEach(
        _ shapes: [StatementShape], _ path: ResolvedPath, _ catalog: RoutingCatalog, _ rules: RoutingRules,
        _ clues: TextClues
    ) -> [Classified] {
        var (path, blocks) = (path, 0)
        return shapes.map { shape in
            var classifier = StatementClassifier(catalog, rules, clues, path)
            classifier.blocksSeen = blocks
            classifier.add(shape)
            (path, blocks) = (classifier.path, classifier.blocksSeen)
            return classifier.classified([shape], StatementDirectives())
        }
    }

    private func classified(_ shapes: [StatementShape], _ directives: StatementDirectives) -> Classified {
        Classified(
            decision: decision(shapes, directives), reads: walk.reads,
            writes: walk.writes.union(walk.writtenParents), locks: walk.locksRows)
    }

    private init(_ catalog: RoutingCatalog, _ rules: RoutingRules, _ clues: TextClues, _ path: ResolvedPath) {
        self.catalog = catalog
        self.rules = rules
        self.clues = clues
        self.path = path
        walk = TouchWalk(catalog)
    }

    private mutating func add(_ shape: StatementShape) {
        if !shape.kind.isControl { isControl = false }
        switch shape.kind {
        case .select, .write, .copyTo, .copyFrom, .explain, .call, .declareCursor, .prepare: addQuery(shape)
        case .doBlock: addBlock()
        case .definition, .createTemporary, .maintenance, .lockTable, .other: addDefinition(shape)
        default: addSession(shape)
        }
        if let name = shape.executes?.name { addExecute(name) }
        // What stands behind a SET is looked up by the new path, which only the server will know.
        if walk.effects.contains(.settings), mayChangePath(shape) { path = .unknown }
    }

    private func mayChangePath(_ shape: StatementShape) -> Bool {
        let decisive: Set<String> = ["search_path", "role", "session_authorization"]
        switch shape.kind {
        case .set(let name, _), .reset(let name?): return decisive.contains(name)
        case .select where !shape.configuredSettings.isEmpty && !shape.configuresUnknownSetting:
            return !decisive.isDisjoint(with: shape.configuredSettings)
        default: return true
        }
    }

    /// The body's own effects, when it could be read.
    private mutating func addBlock() {
        walk.demandPrimary(.session("DO"))
        walk.touch(blocksSeen < clues.blocks.count ? clues.blocks[blocksSeen] : .anything)
        walk.finish()
        blocksSeen += 1
    }

    mutating func addExecute(_ name: String) {
        // What it executes is known to the session, not to the text.
        walk.demandPrimary(.session("EXECUTE \(name)"))
        walk.touch(Touches(effects: [.prepared, .settings], readsAnything: true, writesAnything: true))
    }

    private func decision(_ shapes: [StatementShape], _ directives: StatementDirectives) -> Decision {
        let verdict = rules.verdict(directives, walk, catalog)
        let isRead = walk.readsAnything || !walk.reads.isEmpty
        var access: Decision.Access = isRead ? .read : .anywhere
        var reason: RouteReason = isControl ? .transactionControl : .readOnly
        var ignoresFreshness = false
        if let demand = walk.demand {
            (access, reason) = (.primary, demand)
        } else if directives.target == .replica {
            if isRead { (reason, ignoresFreshness) = (.hint("strata:replica"), true) }
        } else if let rule = verdict.primary, !isControl {
            (access, reason) = (.primary, .rule(rule))
        } else if let rule = verdict.replica, isRead {
            reason = .rule(rule)
            ignoresFreshness = verdict.liftsAll || isLifted(verdict)
        }
        var effects = walk.effects
        // A serial column's nextval says nothing that the write does not say.
        if walk.writesAnything || !walk.writes.isEmpty { effects.remove(.primaryOnly) }
        let lifted = access == .read && directives.target == nil ? verdict.lifted : []
        return Decision(
            access: access, effects: effects, reason: reason, reads: walk.readSlots(without: lifted),
            readsAnything: walk.readsAnything, writes: walk.writeSlots, writesAnything: walk.writesAnything,
            statements: effects.isEmpty ? [] : shapes, unlistedSettings: unlistedSettings,
            ignoresFreshness: ignoresFreshness, schemas: touchedSchemas(shapes))
    }

    /// Of what is read, written and called, and those that a definition names.
    private func touchedSchemas(_ shapes: [StatementShape]) -> [String] {
        var schemas = Set(shapes.flatMap(\.schemas))
        for name in shapes.lazy.flatMap({ $0.reads + $0.writes }) {
            if let schema = name.schema { schemas.insert(schema) }
        }
        for oid in walk.reads.union(walk.writes).union(walk.writtenParents) {
            let schema = catalog.relations[oid]?.schema ?? catalog.functions[oid]?.schema
            if let schema, let name = catalog.schemaNames[schema] { schemas.insert(name) }
        }
        return schemas.filter { !Placement.isEverywhere($0) }.sorted()
    }

    /// Whether every table that is read may be old. Functions and types are no rows, and only DDL changes them.
    private func isLifted(_ verdict: RoutingRules.Verdict) -> Bool {
        guard !walk.readsAnything else { return false }
        return walk.reads.allSatisfy { verdict.lifted.contains($0) || catalog.relations[$0] == nil }
    }
}

extension StatementShape.Kind {
    /// Says nothing of tables: transactions, settings, cursors that are open already.
    fileprivate var isControl: Bool {
        switch self {
        case .begin, .commit, .rollback, .savepoint, .rollbackTo, .release, .prepareTransaction, .set, .setTransaction,
            .setSessionCharacteristics, .setConstraints, .reset, .discardAll, .discardPlans, .discardSequences,
            .discardTemporary, .deallocate, .fetch, .closeCursor:
            true
        default: false
        }
    }
}
