internal import SQLSyntax

/// Old names for which nothing can be left behind, or only something that does part of the work.
struct OldNameHazards {
    let context: PlanningContext
    private var catalog: Catalog { context.catalog }

    func add(to draft: inout PlanDraft) {
        guard context.layout.compatibility == .views else { return }
        for move in context.moves where context.names.successor(of: move) == nil {
            if let hazard = hazard(for: move) { draft.add(hazard) }
        }
        if let note = sequences() { draft.add(note) }
    }

    private func hazard(for move: Move) -> Hazard? {
        switch move.object {
        case .type where move.isPartlyShimmedType && ShimSQL(context: context).step(for: move) != nil:
            return partial(move)
        case .type, .relation(.compositeType):
            guard ShimSQL(context: context).step(for: move) == nil else { return nil }
            return unreachable(move, name: move.oldName, what: "a type of this kind")
        case .function:
            guard let function = catalog.functions[move.oid], !Self.isCalledByServer(function),
                ShimSQL(context: context).step(for: move) == nil
            else { return nil }
            return unreachable(
                move, name: "\(move.oldName)(\(function.identityArguments))", what: Self.word(for: function))
        case .relation: return columnGrants(move)
        case .statistics: return nil
        }
    }

    /// Bound by OID, and never called by name.
    private static func isCalledByServer(_ function: Function) -> Bool {
        function.returnsTrigger || function.result == "event_trigger" || function.result?.hasSuffix("_handler") == true
    }

    private static func word(for function: Function) -> String {
        switch function.kind {
        case .aggregate: "an aggregate"
        case .window: "a window function"
        case .function where function.result == "SETOF record": "a function that returns rows of unknown columns"
        case .function, .procedure: "a routine of this kind"
        }
    }

    /// PostgreSQL's operators of enums are for the very type: a domain over it has none, nor have arrays of it.
    private func partial(_ move: Move) -> Hazard {
        Hazard(
            .shimInsufficient, object: move.oldName,
            message: "a domain is left under the old name: casts in INSERT and UPDATE work, but comparisons such as "
                + "column = CAST(… AS \(move.oldName)), and arrays of it, fail (operator does not exist)",
            remedy:
                "take it out of types: (it works from \(move.from) too), or cast to \(move.newName) in the application")
    }

    /// Row security needs the caller's rights in the view, and they need SELECT on every column.
    private func columnGrants(_ move: Move) -> Hazard? {
        guard let relation = catalog.relations[move.oid], relation.rowSecurity,
            ShimSQL.hasColumnOnlyGrantees(relation)
        else { return nil }
        return Hazard(
            .shimInsufficient, object: move.oldName,
            message: "it has row security, and roles with rights on some columns only: under the old name they will be "
                + "refused (permission denied for table)",
            remedy: "grant them SELECT on the whole table, or change their statements to \(move.newName) first")
    }

    private func unreachable(_ move: Move, name: String, what: String) -> Hazard {
        Hazard(
            .oldNameFails, object: name,
            message: "\(what) can have no compatibility object: statements that name it as \(move.oldName) fail",
            remedy: "leave it in \(move.from), or change the statements to \(move.newName) first")
    }

    /// Always said: pg_stat_statements shows `nextval($1)`, not the name.
    private func sequences() -> Diagnostic? {
        let moved = context.moves.filter { $0.object == .relation(.sequence) }.map(\.oldName)
        let names = moved + context.ownedSequenceMoves.values.map(\.oldName).sorted()
        guard let first = names.first else { return nil }
        let others = names.count > 1 ? " and \(names.count - 1) more" : ""
        return Diagnostic(
            .note, "sequences-move",
            "sequence \(first)\(others) will be found in the new schema only: statements that name one, such as "
                + "nextval(\(SQL.literal(first))), fail, and pg_get_serial_sequence of an old table name gives NULL; "
                + "column defaults go on working",
            nextStep: "let column defaults draw the values, or name the new schema in such statements")
    }
}
