internal import SQLSyntax

/// How often statements had used a shim when somebody last looked.
package struct ShimObservation: Sendable, Equatable {
    package var queryID: Int64
    package var role: OID
    package var calls: Int64

    package init(queryID: Int64, role: OID, calls: Int64) {
        self.queryID = queryID
        self.role = role
        self.calls = calls
    }
}

/// Removing shims that nobody uses any more.
package struct ContractPlanner {
    /// `observations` are the counts at the beginning of the time that is looked at; empty where nobody looked before.
    package static func plan(
        catalog: Catalog, observations: [ShimObservation], use: StatementUse
    ) throws(DiagnosticsError) -> Plan {
        let planner = ContractPlanner(
            catalog: catalog, lookup: CatalogLookup(catalog), observations: observations, use: use)
        return try planner.plan()
    }

    let catalog: Catalog
    let lookup: CatalogLookup
    let observations: [ShimObservation]
    let use: StatementUse

    private func plan() throws(DiagnosticsError) -> Plan {
        var draft = PlanDraft()
        var complaints: [Diagnostic] = []
        let shims = lookup.shims.sorted { $0.display < $1.display }
        let restore = ShimRestore(catalog: catalog, lookup: lookup)
        for shim in shims {
            complaints += dependents(on: shim) + restore.obstacles(to: shim)
            draft.add(step(for: shim, undo: restore.statements(for: shim)))
        }
        guard complaints.isEmpty else { throw DiagnosticsError(complaints) }
        for hazard in hazards(of: shims) + bodies(naming: shims) { draft.add(hazard) }
        var plan = Plan(server: catalog.server, fingerprint: catalog.fingerprint, layoutFingerprint: "")
        plan.steps = draft.steps
        plan.hazards = draft.hazards.uniqued()
        plan.notes = draft.notes
        return plan
    }

    // MARK: Steps

    func step(for shim: Shim, undo: [String]) -> Step {
        Step(
            kind: .dropShim, object: shim.display, statements: [drop(shim)], undo: undo,
            locks: shim.reference.kind == .relation
                ? [Lock("ACCESS EXCLUSIVE", shim.display, oid: shim.reference.oid)] : [],
            reason: "compatibility for \(shim.target)",
            expects: [ObjectPin(shim.pinCatalog, oid: shim.reference.oid, schema: shim.schema, name: shim.name)])
    }

    private func drop(_ shim: Shim) -> String {
        switch shim.reference.kind {
        case .type: "DROP DOMAIN \(shim.display)"
        case .function:
            catalog.functions[shim.reference.oid].map {
                "DROP \(FunctionShim.keyword($0)) \(shim.display)(\($0.identityArguments))"
            } ?? "DROP FUNCTION \(shim.display)()"
        default: "DROP VIEW \(shim.display)"
        }
    }

    // MARK: Who still needs it

    func dependents(on shim: Shim) -> [Diagnostic] {
        parts(of: shim).flatMap { lookup.dependents(on: $0) }.compactMap { dependency -> String? in
            guard dependency.type == "n", holder(of: dependency.dependent) != shim.reference else { return nil }
            return describe(dependency.dependent)
        }.uniqued().map { user in
            Diagnostic(
                .error, "shim-needed", "\(user) is built on the compatibility object \(shim.display)",
                object: shim.display,
                nextStep: "define \(user) on \(shim.target) instead, then run strata contract again")
        }
    }

    /// The shim, and the types that come and go with it.
    private func parts(of shim: Shim) -> [ObjectReference] {
        var parts = [shim.reference]
        if shim.reference.kind == .relation, let row = catalog.relations[shim.reference.oid]?.rowType, row != 0 {
            parts.append(ObjectReference(.type, row))
        }
        if shim.reference.kind == .type, let array = catalog.types[shim.reference.oid]?.arrayType, array != 0 {
            parts.append(ObjectReference(.type, array))
        }
        return parts
    }

    /// What a rule, trigger or default goes away with: a shim's own are no reason to keep it, undo makes them again.
    private func holder(of object: ObjectReference) -> ObjectReference? {
        switch object.kind {
        case .rule: lookup.relation(ofRule: object.oid).map { ObjectReference(.relation, $0.oid) }
        case .trigger:
            catalog.triggers.first { $0.oid == object.oid }.map { ObjectReference(.relation, $0.relation) }
        case .columnDefault: ObjectReference(.relation, object.oid)
        default: object
        }
    }

    private func describe(_ object: ObjectReference) -> String {
        switch object.kind {
        case .relation: relation(object.oid) ?? "a relation"
        case .rule:
            lookup.relation(ofRule: object.oid).flatMap { relation($0.oid) }.map { "a rule of \($0)" } ?? "a rule"
        case .function:
            catalog.functions[object.oid].map { "function \(display(lookup.schemaName($0.schema), $0.name))" }
                ?? "a function"
        case .columnDefault: relation(object.oid).map { "a column default of \($0)" } ?? "a column default"
        case .policy: catalog.policies.first { $0.oid == object.oid }.map { "policy \($0.name)" } ?? "a policy"
        case .constraint:
            catalog.constraints.first { $0.oid == object.oid }.map { "constraint \($0.name)" } ?? "a constraint"
        case .trigger: catalog.triggers.first { $0.oid == object.oid }.map { "trigger \($0.name)" } ?? "a trigger"
        case .type:
            catalog.types[object.oid].map { "type \(display(lookup.schemaName($0.schema), $0.name))" } ?? "a type"
        default: "another object (\(object.kind.rawValue))"
        }
    }

    private func relation(_ oid: OID) -> String? {
        catalog.relations[oid].map {
            "\($0.kind.keyword.lowercased()) \(display(lookup.schemaName($0.schema), $0.name))"
        }
    }

    private func hazards(of shims: [Shim]) -> [Hazard] {
        guard !shims.isEmpty else { return [] }
        guard use.isKnown else {
            return [
                Hazard(
                    .useUnknown, object: "\(shims.count) compatibility objects",
                    message: "pg_stat_statements is not installed: whether statements still use them is unknown",
                    remedy: "CREATE EXTENSION pg_stat_statements, wait for a usual day, then look again")
            ]
        }
        var before: [ShimObservation.Key: Int64] = [:]
        for observation in observations { before[observation.key] = observation.calls }
        let names = Set(shims.map(\.name))
        return use.statements.compactMap { statement in
            // Fewer than before: the counts were reset meanwhile, and all of them are new.
            let seen = before[ShimObservation.Key(queryID: statement.queryID, role: statement.role)] ?? 0
            let calls = statement.calls >= seen ? statement.calls - seen : statement.calls
            guard calls > 0, Words.anyWord(of: statement.text, { names.contains($0) }),
                let shim = used(by: statement, shims)
            else { return nil }
            return Hazard(
                .shimInUse, object: shim.display,
                message:
                    "\(counted(Int(calls), "call")) by \(catalog.roles[statement.role]?.name ?? "a role") used it since counting began",
                remedy: "change the statement to \(shim.target)",
                excerpt: excerpt(statement.text))
        }
    }

    private func used(by statement: StatementUse.Statement, _ shims: [Shim]) -> Shim? {
        guard let parsed = try? SQLParser.parse(statement.text) else { return nil }
        let role = catalog.roles[statement.role]?.name ?? ""
        let path = lookup.searchPath(ofRole: statement.role).map { $0 == "$user" ? role : $0 }
        for part in parsed {
            let references = StatementReferences.collect(in: part)
            if references.isUtility, part.kind != "CallStmt" { continue }
            if let shim = find(references, path: path, shims) { return shim }
        }
        return nil
    }

    private func find(_ references: StatementReferences, path: [String], _ shims: [Shim]) -> Shim? {
        let resolution = NameResolution(catalog: catalog, lookup: lookup)
        func match(
            _ schema: String?, _ name: String, _ space: NameResolution.Space, _ kind: ObjectReference.Kind
        ) -> Shim? {
            let found = schema ?? resolution.schema(of: name, in: space, path: path)
            return shims.first { $0.reference.kind == kind && $0.schema == found && $0.name == name }
        }
        for relation in references.relations {
            if let shim = match(relation.schema, relation.name, .relation, .relation) { return shim }
        }
        for literal in references.regclassLiterals {
            if let shim = match(literal.schema, literal.name, .relation, .relation) { return shim }
        }
        for type in references.types {
            if let shim = match(type.schema, type.name, .type, .type) ?? match(type.schema, type.name, .type, .relation)
            {
                return shim
            }
        }
        for function in references.functions {
            if let shim = match(function.schema, function.name, .function, .function) { return shim }
        }
        return nil
    }

    /// Functions whose bodies still lean on a shim would fail after it is gone.
    private func bodies(naming shims: [Shim]) -> [Hazard] {
        let names = Set(shims.map(\.name))
        return catalog.functions.values.sorted { $0.oid < $1.oid }.compactMap { function in
            guard !function.bindsByOID, !lookup.isShim(.function, function.oid),
                catalog.extensionMembers[ObjectReference(.function, function.oid)] == nil,
                Words.anyWord(of: function.source, { names.contains($0) })
            else { return nil }
            let analysis = FunctionBody.analyse(
                language: function.language, definition: function.definition, source: function.source)
            let setting = function.searchPathSetting.flatMap(SearchPath.parse)?.schemas
            let path = (setting ?? lookup.searchPath(ofRole: 0)).filter { $0 != "$user" }
            guard let shim = find(analysis.references, path: path, shims) else { return nil }
            let name = "\(display(lookup.schemaName(function.schema), function.name))(\(function.identityArguments))"
            let line = analysis.references.relations.first { $0.name == shim.name }?.line
            return Hazard(
                .bindsByName, object: name, message: "its body names \(shim.display), which would be gone",
                remedy: "write \(shim.target) there first", line: line,
                excerpt: line.flatMap { analysis.text(ofLine: $0) }.map(excerpt))
        }
    }

    /// On one line that fits a terminal of 80 columns with what the plan puts before it.
    private func excerpt(_ text: String) -> String {
        let line = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return line.count > 72 ? line.prefix(71) + "…" : line
    }
}

extension ShimObservation {
    package struct Key: Hashable, Sendable {
        package var queryID: Int64
        package var role: OID

        package init(queryID: Int64, role: OID) {
            self.queryID = queryID
            self.role = role
        }
    }
    package var key: Key { Key(queryID: queryID, role: role) }
}

/// A compatibility object that Strata left under an old name.
package struct Shim: Sendable, Equatable {
    package var reference: ObjectReference
    package var schema: String
    package var name: String
    /// The new name, as SQL.
    package var target: String

    package init(reference: ObjectReference, schema: String, name: String, target: String) {
        self.reference = reference
        self.schema = schema
        self.name = name
        self.target = target
    }

    package var display: String { SQL.qualified(schema, name) }
    var pinCatalog: ObjectPin.Catalog {
        switch reference.kind {
        case .type: .type
        case .function: .function
        default: .relation
        }
    }
}
