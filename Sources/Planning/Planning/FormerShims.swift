internal import SQLSyntax

/// Compatibility objects that earlier runs left for what moves again: one that stands where its object now comes back to
/// makes way, the others go on standing for it under its newest name.
struct FormerShims {
    let context: PlanningContext
    private var catalog: Catalog { context.catalog }
    private var restore: ShimRestore { ShimRestore(catalog: catalog, lookup: context.lookup) }
    private var contract: ContractPlanner {
        ContractPlanner(catalog: catalog, lookup: context.lookup, observations: [], use: .unknown)
    }

    /// By the object that moves, each list in the order of names.
    static func find(_ moves: [Move], catalog: Catalog, lookup: CatalogLookup) -> [ObjectReference: [Shim]] {
        let shims = lookup.shims
        guard !shims.isEmpty else { return [:] }
        let byTarget = Dictionary(grouping: shims, by: \.target)
        let byReference = Dictionary(shims.map { ($0.reference, $0) }) { first, _ in first }
        var found: [ObjectReference: [Shim]] = [:]
        for move in moves {
            guard let reference = move.reference else { continue }
            // The comment says what it stands for; what it is built on counts too, where somebody moved that by hand.
            let named = (byTarget[move.oldName] ?? []).filter { isFor(move, $0, catalog) }
            let built = lookup.dependents(on: reference).compactMap { byReference[$0.dependent] }
                .filter { isFor(move, $0, catalog) && !named.contains($0) }
            var standing: [Shim] = []
            for shim in named + built where !standing.contains(shim) { standing.append(shim) }
            if !standing.isEmpty { found[reference] = standing.sorted { $0.display < $1.display } }
        }
        return found
    }

    /// A comment names a function without its arguments.
    private static func isFor(_ move: Move, _ shim: Shim, _ catalog: Catalog) -> Bool {
        guard shim.reference.kind == move.reference?.kind else { return false }
        guard shim.reference.kind == .function else { return true }
        return catalog.functions[shim.reference.oid]?.inputTypes == catalog.functions[move.oid]?.inputTypes
    }

    private func shims(of move: Move) -> [Shim] { move.reference.flatMap { context.formerShims[$0] } ?? [] }

    static func isInTheWay(_ shim: Shim, of move: Move) -> Bool { shim.schema == move.to && shim.name == move.name }

    // MARK: Steps

    /// Before the move, in its transaction.
    func makeWay(for move: Move) -> [Step] {
        shims(of: move).filter { Self.isInTheWay($0, of: move) }.map { shim in
            var step = contract.step(for: shim, undo: restore.statements(for: shim))
            step.reason = "\(move.oldName) comes back to this name"
            return step
        }
    }

    /// After the move, in its transaction.
    func follow(_ move: Move) -> [Step] {
        shims(of: move).filter { !Self.isInTheWay($0, of: move) }.map { shim in
            let kind = shim.reference.kind
            var step = Step(
                kind: .createShim, object: shim.display, statements: [comment(on: shim, target: move.newName)],
                undo: [restoringComment(of: shim)],
                reason: "it goes on standing for \(move.oldName), which moves to \(move.to)",
                expects: [ObjectPin(shim.pinCatalog, oid: shim.reference.oid, schema: shim.schema, name: shim.name)])
            if kind == .function, let function = catalog.functions[shim.reference.oid], !function.bindsByOID {
                rewrite(&step, shim, function, move)
            }
            return step
        }
    }

    /// A body that is a text names the object where it was.
    private func rewrite(_ step: inout Step, _ shim: Shim, _ function: Function, _ move: Move) {
        var old = move
        old.from = shim.schema
        guard let create = FunctionShim(context: context).step(for: old)?.statements.first, create.hasPrefix("CREATE ")
        else { return }
        step.statements.insert("CREATE OR REPLACE " + create.dropFirst("CREATE ".count), at: 0)
        var definition = function.definition[...]
        while let last = definition.last, last == ";" || last.isWhitespace { definition.removeLast() }
        step.undo.append(String(definition))
    }

    private func comment(on shim: Shim, target: String) -> String {
        "COMMENT ON \(subject(shim)) IS \(SQL.literal(ShimSQL.commentPrefix + target))"
    }

    /// Undo does not mind that somebody dropped it.
    private func restoringComment(of shim: Shim) -> String {
        let body =
            "BEGIN IF obj_description(\(found(shim))) LIKE '\(ShimSQL.commentPrefix)%' "
            + "THEN \(comment(on: shim, target: shim.target)); END IF; END"
        return "DO \(SQL.dollarQuoted(body))"
    }

    private func found(_ shim: Shim) -> String {
        switch shim.reference.kind {
        case .type: return "to_regtype(\(SQL.literal(shim.display)))::oid, 'pg_type'"
        case .function:
            let types = catalog.functions[shim.reference.oid]?.inputTypes.joined(separator: ", ") ?? ""
            return "to_regprocedure(\(SQL.literal("\(shim.display)(\(types))")))::oid, 'pg_proc'"
        default: return "to_regclass(\(SQL.literal(shim.display)))::oid, 'pg_class'"
        }
    }

    private func subject(_ shim: Shim) -> String {
        switch shim.reference.kind {
        case .type: return "DOMAIN \(shim.display)"
        case .function:
            guard let function = catalog.functions[shim.reference.oid] else { return "FUNCTION \(shim.display)" }
            return "\(FunctionShim.keyword(function)) \(shim.display)(\(function.identityArguments))"
        default: return "VIEW \(shim.display)"
        }
    }

    // MARK: What stands in the way

    /// Shims that have to make way, and cannot.
    func diagnostics() -> [Diagnostic] {
        context.moves.flatMap { move in
            shims(of: move).filter { Self.isInTheWay($0, of: move) }.flatMap { shim in
                (contract.dependents(on: shim) + restore.obstacles(to: shim)).map { found in
                    var diagnostic = found
                    diagnostic.place = move.place
                    diagnostic.nextStep = found.nextStep?.replacing("run strata contract again", with: "plan again")
                    return diagnostic
                }
            }
        }
    }
}

extension Move {
    /// nil for extended statistics, which have no old name to keep.
    var reference: ObjectReference? {
        switch object {
        case .relation: ObjectReference(.relation, oid)
        case .type: ObjectReference(.type, oid)
        case .function: ObjectReference(.function, oid)
        case .statistics: nil
        }
    }
}
