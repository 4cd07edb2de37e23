internal import SQLSyntax

/// The moves themselves, each with what has to happen in the same transaction, so that at no moment a name is missing.
struct MoveSteps {
    let context: PlanningContext
    private var catalog: Catalog { context.catalog }

    func add(to draft: inout PlanDraft) {
        for group in MoveOrder(context: context).groups() { draft.add(group.flatMap(steps)) }
        for move in context.moves { if let hazard = reusedName(of: move) { draft.add(hazard) } }
    }

    private func steps(for turn: MoveOrder.Turn) -> [Step] {
        let move = turn.move
        let companions = (context.followersByTable[move.oid] ?? []).filter {
            MoveOrder.travelsWithItsTable($0, context)
        }
        switch turn.kind {
        case .whole: return before(move) + ([move] + companions).map(moveStep) + after(move)
        case .aside: return foreignSchemaName(for: move) + aside([move] + companions, makesSchema: turn.handlesSchema)
        case .back:
            let steps = back([move] + companions, dropsSchema: turn.handlesSchema)
            return FormerShims(context: context).makeWay(for: move) + steps + after(move)
        }
    }

    private func before(_ move: Move) -> [Step] {
        foreignSchemaName(for: move) + FormerShims(context: context).makeWay(for: move)
    }

    private func after(_ move: Move) -> [Step] {
        let shim = context.layout.compatibility == .views ? ShimSQL(context: context).step(for: move) : nil
        return (shim.map { [$0] } ?? []) + FormerShims(context: context).follow(move)
    }

    // MARK: Changing places

    /// A schema that exists within one transaction only.
    private var asideSchema: String {
        var name = "strata_aside"
        while context.lookup.schema(named: name) != nil { name += "_" }
        return name
    }

    private func aside(_ moves: [Move], makesSchema: Bool) -> [Step] {
        let schema = SQL.identifier(asideSchema)
        return moves.enumerated().map { position, move in
            var half = move
            half.to = asideSchema
            var step = moveStep(for: half)
            step.undoExpects = []
            step.reason = "\(reason(for: move)); it steps aside for what takes its names"
            if makesSchema, position == 0 {
                step.statements.insert("CREATE SCHEMA \(schema)", at: 0)
                step.undo.append("DROP SCHEMA \(schema)")
            }
            return step
        }
    }

    private func back(_ moves: [Move], dropsSchema: Bool) -> [Step] {
        let schema = SQL.identifier(asideSchema)
        return moves.enumerated().map { position, move in
            var half = move
            half.from = asideSchema
            var step = moveStep(for: half)
            step.object = moveStep(for: move).object
            step.expects = []
            step.locks = []
            step.reason = reason(for: move)
            if dropsSchema, position == moves.count - 1 {
                step.statements.append("DROP SCHEMA \(schema)")
                step.undo.insert("CREATE SCHEMA \(schema)", at: 0)
            }
            return step
        }
    }

    /// Nothing can be left under a name that something else takes.
    private func reusedName(of move: Move) -> Hazard? {
        guard move.reference != nil, let successor = context.names.successor(of: move) else { return nil }
        let consequence =
            context.names.isReused(move)
            ? "statements that use the old name reach that one, without an error"
            : "statements that use the old name fail"
        return Hazard(
            .oldNameFails, object: move.oldName,
            message: "it moves to \(move.to), and \(successor.oldName) takes its name: \(consequence)",
            remedy: "change them to \(move.newName) first, or give one of the two another name")
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
    private func foreignSchemaName(for move: Move) -> [Step] {
        guard case .relation(.foreignTable) = move.object, let relation = catalog.relations[move.oid],
            let server = relation.foreignServer.flatMap({ catalog.foreignServers[$0] }),
            server.wrapper == "postgres_fdw",
            !relation.foreignOptions.contains(where: { $0.hasPrefix("schema_name=") })
        else { return [] }
        let step = Step(
            kind: .setForeignOptions, object: move.oldName,
            statements: ["ALTER FOREIGN TABLE \(move.oldName) OPTIONS (ADD schema_name \(SQL.literal(move.from)))"],
            undo: ["ALTER FOREIGN TABLE \(move.oldName) OPTIONS (DROP schema_name)"],
            locks: [Lock("ACCESS EXCLUSIVE", move.oldName, oid: move.oid)],
            reason: "its remote schema was taken from the local one, \(move.from), and must not change")
        return [step]
    }
}
