internal import SQLSyntax

/// Statements that clients really send, from pg_stat_statements, and which of them the chosen compatibility cannot carry.
struct UseHazards {
    let context: PlanningContext

    func add(to draft: inout PlanDraft) {
        guard !context.moves.isEmpty else { return }
        guard context.use.isKnown else {
            draft.add(
                Diagnostic(
                    .note, "use-unknown",
                    "pg_stat_statements is not installed: which statements clients send is unknown",
                    nextStep: "install it for a while, and plan again, to have those named that a compatibility view "
                        + "cannot carry: CREATE EXTENSION pg_stat_statements"))
            return
        }
        var found: [Hazard] = []
        var definitions = 0
        found += constraintHazards()
        for statement in context.use.statements where context.mentionsMoved(statement.text) {
            let hazards = hazards(of: statement)
            found += hazards.filter { !$0.isAboutDefinition }.map(\.hazard)
            if hazards.contains(where: \.isAboutDefinition) { definitions += 1 }
        }
        for hazard in found.uniqued().prefix(100) { draft.add(hazard) }
        if definitions > 0 {
            draft.add(
                Diagnostic(
                    .note, "definitions-by-old-names",
                    "\(counted(definitions, "statement")) that defined or maintained objects by names that move (ALTER TABLE, "
                        + "REFERENCES, CREATE INDEX, VACUUM, …) \(definitions == 1 ? "was" : "were") seen; a view does not carry such statements",
                    nextStep: "use the new names in later migrations and maintenance scripts"))
        }
    }

    /// SET CONSTRAINTS by a name that no longer finds the same constraints.
    private func constraintHazards() -> [Hazard] {
        let statements = context.use.statements.filter { ConstraintNames.mayBeIn($0.text) }
        guard !statements.isEmpty else { return [] }
        let names = ConstraintNames(context: context)
        return statements.flatMap { statement -> [Hazard] in
            let path = path(of: statement.role)
            let later =
                context.layout.compatibility == .searchPath
                ? path + context.targetSchemas.filter { !path.contains($0) } : path
            let references = ((try? SQLParser.parse(statement.text)) ?? []).flatMap {
                StatementReferences.collect(in: $0).constraints
            }
            return references.compactMap { reference in
                names.broken(reference, path: path, afterwards: later).map { constraint(reference, $0, statement) }
            }
        }
    }

    private func constraint(
        _ reference: ConstraintReference, _ move: Move, _ statement: StatementUse.Statement
    ) -> Hazard {
        Hazard(
            .oldNameFails, object: move.oldName,
            message: "a statement of \(who(statement)) sets the constraint "
                + "\(SQL.qualified(reference.schema, reference.name)), which will be found in \(move.to) only; no view "
                + "stands in for a constraint",
            remedy: "change it to SET CONSTRAINTS \(display(move.to, reference.name)), or to SET CONSTRAINTS ALL",
            excerpt: excerpt(statement))
    }

    private func who(_ statement: StatementUse.Statement) -> String {
        "\(context.roleName(statement.role)) (\(counted(Int(statement.calls), "call")))"
    }

    private func excerpt(_ statement: StatementUse.Statement) -> String {
        String(statement.text.split(whereSeparator: \.isWhitespace).joined(separator: " ").prefix(120))
    }

    private func path(of role: OID) -> [String] {
        context.lookup.searchPath(ofRole: role).map { $0 == "$user" ? context.roleName(role) : $0 }
    }

    private struct Found {
        var hazard: Hazard
        var isAboutDefinition: Bool
    }

    /// Migrations run once: that one ran in the past is no reason to ask for consent.
    private static let definitions: Set<ShimFeature> = [
        .createIndex, .foreignKey, .alterTable, .inherits, .createTrigger, .maintenance,
    ]

    private func hazards(of statement: StatementUse.Statement) -> [Found] {
        guard let parsed = try? SQLParser.parse(statement.text) else { return [] }
        let path = path(of: statement.role)
        var found: [Found] = []
        for part in parsed {
            for name in NameBinder(context: context).bind(StatementReferences.collect(in: part), path: path) {
                guard let move = name.move, let hazard = hazard(name, move: move, statement: statement) else {
                    continue
                }
                let isDefinition = name.feature.map(Self.definitions.contains) ?? false
                found.append(Found(hazard: hazard, isAboutDefinition: isDefinition && hazard.code == .shimInsufficient))
            }
        }
        return found
    }

    private func hazard(_ name: BoundName, move: Move, statement: StatementUse.Statement) -> Hazard? {
        let excerpt = excerpt(statement)
        let who = who(statement)
        if context.layout.compatibility != .views {
            // Unqualified names are found through the new search_path.
            if context.layout.compatibility == .searchPath, name.schema == nil { return nil }
            return Hazard(
                .oldNameFails, object: move.oldName,
                message: "a statement of \(who) names \(name.written) and will fail",
                remedy: "change it to \(move.newName) first, or set compatibility: views", excerpt: excerpt)
        }
        if move.isPartlyShimmedType {
            return Hazard(
                .shimInsufficient, object: move.oldName,
                message:
                    "a statement of \(who) names the type \(name.written); through the domain left there assignments "
                    + "work, and comparisons with a cast to it fail",
                remedy: "cast to \(move.newName), or leave the type where it is", excerpt: excerpt)
        }
        if name.isSequence {
            return Hazard(
                .shimInsufficient, object: move.oldName,
                message: "a statement of \(who) names the sequence \(name.written); a sequence can have no shim",
                remedy: "let the column default draw the value, or name \(move.newName)", excerpt: excerpt)
        }
        guard let feature = name.feature else { return nil }
        return Hazard(
            .shimInsufficient, object: move.oldName, message: "a statement of \(who) will fail. \(feature.explanation)",
            remedy: feature.remedy, excerpt: excerpt)
    }
}
