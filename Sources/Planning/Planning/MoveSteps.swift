internal import SQLSyntax

/// The moves themselves, each with what has to happen in the same transaction, so that at no moment a name is missing.
struct MoveSteps {
    let context: PlanningContext
    private var catalog: Catalog { context.catalog }

    func add(to draft: inout PlanDraft) {
        for move in ordered() { draft.add(steps(for: move)) }
    }

    /// Functions first: their statements spell argument types, which are still under their old names then, and are
    /// again when the steps are undone in reverse. Then types, sequences, tables with what follows them, and views.
    private func ordered() -> [Move] {
        let rank: (Move) -> Int = { move in
            switch move.object {
            case .function: 0
            case .type, .relation(.compositeType): 1
            case .relation(.sequence): 2
            case .relation(let kind) where kind.isTable: 3
            case .relation: 4
            case .statistics: 5
            }
        }
        let standing = context.moves.filter { !travelsWithItsTable($0) }
        return standing.enumerated().sorted { (rank($0.element), $0.offset) < (rank($1.element), $1.offset) }.map(
            \.element)
    }

    /// Statistics objects of a table that moves now go in its transaction.
    private func travelsWithItsTable(_ move: Move) -> Bool {
        guard case .statistics = move.object, case .follows(let table) = move.cause else { return false }
        return context.moveByOID[ObjectReference(.relation, table)] != nil
    }

    private func steps(for move: Move) -> [Step] {
        var steps: [Step] = []
        if let fix = foreignSchemaName(for: move) { steps.append(fix) }
        steps.append(moveStep(for: move))
        for companion in context.followersByTable[move.oid] ?? [] where travelsWithItsTable(companion) {
            steps.append(moveStep(for: companion))
        }
        if context.layout.compatibility == .views, let shim = ShimSQL(context: context).step(for: move) {
            steps.append(shim)
        }
        return steps
    }

    // MARK: One move

    private func moveStep(for move: Move) -> Step {
        switch move.object {
        case .relation(let kind): relationStep(move, kind: kind)
        case .type(let kind): plainStep(move, .moveType, keyword: kind.keyword, pin: .type)
        case .function: functionStep(move)
        case .statistics: plainStep(move, .moveStatistics, keyword: "STATISTICS", pin: .statistics)
        }
    }

    private func relationStep(_ move: Move, kind: Relation.Kind) -> Step {
        var locks = [Lock("ACCESS EXCLUSIVE", move.oldName, oid: move.oid)]
        for sequence in context.lookup.sequences(ownedBy: move.oid) {
            guard let relation = catalog.relations[sequence] else { continue }
            locks.append(
                Lock(
                    "ACCESS EXCLUSIVE", display(context.lookup.schemaName(relation.schema), relation.name),
                    oid: sequence))
        }
        let stepKind: Step.Kind =
            switch kind {
            case .table, .partitionedTable, .foreignTable: .moveTable
            case .view, .materialisedView: .moveView
            case .sequence: .moveSequence
            case .compositeType: .moveType
            }
        return Step(
            kind: stepKind, object: move.oldName,
            statements: ["ALTER \(kind.keyword) \(move.oldName) SET SCHEMA \(SQL.identifier(move.to))"],
            undo: ["ALTER \(kind.keyword) \(move.newName) SET SCHEMA \(SQL.identifier(move.from))"],
            locks: locks, reason: reason(for: move),
            expects: [ObjectPin(.relation, oid: move.oid, schema: move.from, name: move.name)],
            undoExpects: [ObjectPin(.relation, oid: move.oid, schema: move.to, name: move.name)])
    }

    private func plainStep(_ move: Move, _ kind: Step.Kind, keyword: String, pin: ObjectPin.Catalog) -> Step {
        Step(
            kind: kind, object: move.oldName,
            statements: ["ALTER \(keyword) \(move.oldName) SET SCHEMA \(SQL.identifier(move.to))"],
            undo: ["ALTER \(keyword) \(move.newName) SET SCHEMA \(SQL.identifier(move.from))"],
            reason: reason(for: move),
            expects: [ObjectPin(pin, oid: move.oid, schema: move.from, name: move.name)],
            undoExpects: [ObjectPin(pin, oid: move.oid, schema: move.to, name: move.name)])
    }

    private func functionStep(_ move: Move) -> Step {
        let arguments = catalog.functions[move.oid]?.identityArguments ?? ""
        return Step(
            kind: .moveFunction, object: "\(move.oldName)(\(arguments))",
            statements: ["ALTER ROUTINE \(move.oldName)(\(arguments)) SET SCHEMA \(SQL.identifier(move.to))"],
            undo: ["ALTER ROUTINE \(move.newName)(\(arguments)) SET SCHEMA \(SQL.identifier(move.from))"],
            reason: reason(for: move),
            expects: [ObjectPin(.function, oid: move.oid, schema: move.from, name: move.name)],
            undoExpects: [ObjectPin(.function, oid: move.oid, schema: move.to, name: move.name)])
    }

    private func reason(for move: Move) -> String {
        switch move.cause {
        case .listed: return "the layout lists it under \(move.to)"
        case .follows(let table):
            let name = catalog.relations[table]?.name ?? "its table"
            return "it belongs to \(name) and does not follow by itself"
        }
    }

    /// Without `schema_name` postgres_fdw asks the remote server for the *local* schema's name, which changes.
    private func foreignSchemaName(for move: Move) -> Step? {
        guard case .relation(.foreignTable) = move.object, let relation = catalog.relations[move.oid],
            let server = relation.foreignServer.flatMap({ catalog.foreignServers[$0] }),
            server.wrapper == "postgres_fdw",
            !relation.foreignOptions.contains(where: { $0.hasPrefix("schema_name=") })
        else { return nil }
        return Step(
            kind: .setForeignOptions, object: move.oldName,
            statements: ["ALTER FOREIGN TABLE \(move.oldName) OPTIONS (ADD schema_name \(SQL.literal(move.from)))"],
            undo: ["ALTER FOREIGN TABLE \(move.oldName) OPTIONS (DROP schema_name)"],
            locks: [Lock("ACCESS EXCLUSIVE", move.oldName, oid: move.oid)],
            reason: "its remote schema was taken from the local one, \(move.from), and must not change")
    }
}
