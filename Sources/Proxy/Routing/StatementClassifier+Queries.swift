import SQLSyntax

/// Statements that touch rows, and definitions.
extension StatementClassifier {
    mutating func addQuery(_ shape: StatementShape) {
        if shape.locksRows { walk.demandPrimary(.locksRows) }
        switch shape.kind {
        case .copyFrom: walk.add(.copyIn)
        case .copyTo(isProgram: true): walk.demandPrimary(.systemState("COPY TO a file or program"))
        case .declareCursor(let isHeld):
            walk.add(isHeld ? .heldCursor : .cursor)
            if isHeld { walk.demandPrimary(.session("DECLARE WITH HOLD")) }
        case .prepare: walk.add(.prepared)
        case .call: walk.demandPrimary(.volatileFunction((shape.functions.first?.description ?? "a procedure") + "()"))
        default: break
        }
        addWrites(shape)
        for name in shape.reads { addRead(name) }
        // EXPLAIN executes nothing; what is planned has to be there all the same.
        if shape.kind != .explain { addCalls(shape) }
        addTypes(shape)
        addSettings(shape)
        if shape.definesRelation { addDefined() }
        if shape.kind == .select, shape.reads.isEmpty, clues.looksAtNode,
            shape.functions.contains(where: { $0.name == "current_setting" })
        {
            walk.demandPrimary(.systemState("current_setting()"))
        }
    }

    private mutating func addRead(_ name: QualifiedName) {
        switch catalog.relation(name, path) {
        case .relations(let oids): for oid in oids { walk.read(oid) }
        case .temporary: walk.demandPrimary(.temporaryTable(name.description))
        case .missing: walk.demandPrimary(unknown(name))
        }
    }

    private mutating func addWrites(_ shape: StatementShape) {
        switch shape.kind {
        case .write, .copyFrom: walk.demandPrimary(.writes(shape.writes.map(\.description).joined(separator: ", ")))
        default:
            guard !shape.writes.isEmpty else { return }
            walk.demandPrimary(.writes(shape.writes.map(\.description).joined(separator: ", ")))
        }
        // Below a WITH, an UPDATE of a table that only INSERT names is not told apart: it is then in `reads`.
        for name in shape.writes { addWrite(name, changes: clues.insertsMayChange || shape.reads.contains(name)) }
        if shape.kind == .write, clues.truncatesReferencing { addReferencing(shape.writes) }
    }

    private mutating func addWrite(_ name: QualifiedName, changes: Bool) {
        switch catalog.relation(name, path) {
        case .relations(let oids):
            for oid in oids { changes ? walk.change(oid) : walk.insert(into: oid) }
        // Only this session sees it.
        case .temporary: break
        case .missing: walk.touch(Touches(writesAnything: true))
        }
    }

    /// TRUNCATE … CASCADE empties every table with a foreign key to these, and so on.
    private mutating func addReferencing(_ names: [QualifiedName]) {
        var pending: [UInt32] = names.flatMap { name -> [UInt32] in
            if case .relations(let oids) = catalog.relation(name, path) { oids } else { [] }
        }
        var seen = Set(pending)
        while let oid = pending.popLast() {
            for table in catalog.referencing[oid] ?? [] where seen.insert(table).inserted {
                walk.change(table)
                pending.append(table)
            }
        }
    }

    private mutating func addCalls(_ shape: StatementShape) {
        for name in shape.functions {
            let found = catalog.functions(name, path)
            if found.isEmpty { unknownCall(name.description + "()") }
            for oid in found { walk.call(oid) }
        }
        for name in shape.operators where name.schema != "pg_catalog" {
            let found = catalog.operatorFunctions(name, path)
            if found.isEmpty { unknownCall("operator " + name.name) }
            for oid in found { walk.call(oid) }
        }
        for oid in catalog.ambientFunctions { walk.call(oid) }
    }

    private mutating func unknownCall(_ name: String) {
        if catalog.isKnown {
            walk.unknownFunction(name)
        } else {
            walk.demandPrimary(.catalogUnknown)
            walk.touch(.anything)
            walk.add(.sequenceState)
        }
    }

    private mutating func addTypes(_ shape: StatementShape) {
        for name in shape.types {
            let found = catalog.types(name, path)
            for type in found {
                walk.depend(on: type.oid)
                if let function = type.inputFunction { walk.call(function) }
            }
            guard found.isEmpty else { continue }
            // A table's row type has the table's name.
            switch catalog.relation(name, path) {
            case .relations(let oids): for oid in oids { walk.depend(on: oid) }
            case .temporary: walk.demandPrimary(.temporaryTable(name.description))
            case .missing: walk.demandPrimary(unknown(name))
            }
        }
    }

    private mutating func addSettings(_ shape: StatementShape) {
        guard shape.configuresUnknownSetting || !shape.configuredSettings.isEmpty else { return }
        walk.add(.settings)
        if shape.configuresUnknownSetting { walk.add(.keepsServer) }
        noteUnlisted(shape.configuredSettings)
    }

    private func unknown(_ name: QualifiedName) -> RouteReason {
        catalog.isKnown ? .unknownRelation(name.description) : .catalogUnknown
    }

    mutating func addDefinition(_ shape: StatementShape) {
        switch shape.kind {
        case .createTemporary:
            walk.demandPrimary(.session("CREATE TEMPORARY"))
            walk.add(.temporary)
            for name in shape.reads { addRead(name) }
        case .lockTable: return walk.demandPrimary(.locksRows)
        case .maintenance:
            walk.demandPrimary(.definition)
            return walk.add(.primaryOnly)
        default:
            walk.demandPrimary(.definition)
            addDefined()
        }
        addCalls(shape)
        addSettings(shape)
    }

    /// Definitions are looked at by every statement: nothing is read on a replica before it has them, too.
    private mutating func addDefined() {
        walk.touch(Touches(effects: .catalog, writesAnything: true))
        for function in catalog.eventTriggerFunctions { walk.call(function) }
    }
}
