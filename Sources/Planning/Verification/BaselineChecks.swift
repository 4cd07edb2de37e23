internal import SQLSyntax

/// Whether moved objects are the ones they were before their run, with all that belonged to them.
struct BaselineChecks {
    let context: VerificationContext
    /// Where sequences stand now; nil where that could not be read.
    let sequences: [OID: Int64]?
    private var catalog: Catalog { context.catalog }
    private var lookup: CatalogLookup { context.lookup }

    func add(to verification: inout Verification) {
        verification.figures.runs = context.plans.count { $0.state == .applied }
        verification.figures.compared = context.known.count
        for known in context.known {
            var found = check(known)
            if !found.contains(where: { $0.outcome == .difference }) { found.append(passed(known)) }
            for check in found { verification.add(check) }
        }
        if context.known.isEmpty {
            verification.add(
                .init(
                    .skipped, .objects, "no-run", SQL.identifier(catalog.server.database),
                    "no run of Strata moved anything here: there is no baseline to compare with"))
        }
        for check in missingShims() { verification.add(check) }
    }

    // MARK: One object

    private func check(_ known: VerificationContext.Known) -> [Verification.Check] {
        guard let now = Now(known.entry, context) else { return [gone(known)] }
        var found = place(known, now)
        if let relation = catalog.relations[known.entry.oid], known.entry.catalog == .relation {
            let facts = RelationFacts(relation, catalog: catalog, lookup: lookup)
            found += file(known, relation) + counts(known, facts, now)
            found += SequenceChecks(context: context, sequences: sequences).checks(known, relation)
        }
        return found + grants(known, now)
    }

    private func passed(_ known: VerificationContext.Known) -> Verification.Check {
        let now = Now(known.entry, context)
        var message = "the same \(known.entry.kind) as before run \(known.run)"
        if known.entry.catalog == .relation, known.entry.constraints + known.entry.indexes > 0 {
            message +=
                ", with its \(counted(known.entry.constraints, "constraint")) and "
                + "\(counted(known.entry.indexes, "index", "indexes"))"
        }
        return .init(.passed, .objects, "same-object", now?.display ?? known.entry.newName, message)
    }

    private func gone(_ known: VerificationContext.Known) -> Verification.Check {
        let entry = known.entry
        let schema = known.expectedSchema ?? entry.newSchema
        let name = display(schema, entry.name)
        let twin = entry.catalog == .relation && lookup.relation(schema: schema, name: entry.name) != nil
        return .init(
            .difference, .objects, "object-gone", name,
            "the \(entry.kind) of run \(known.run) (OID \(entry.oid)) is no longer there"
                + (twin ? ": another one of that name was made since" : ""),
            nextStep: "find out who dropped it; its rows are in the last backup")
    }

    /// Where the layout lists the object, the layout's checks say whether it is in the right schema.
    private func place(_ known: VerificationContext.Known, _ now: Now) -> [Verification.Check] {
        var found: [Verification.Check] = []
        if let expected = known.expectedSchema, now.schema != expected,
            context.placement?.placed[known.reference] == nil
        {
            found.append(
                .init(
                    .difference, .objects, "object-elsewhere", now.display,
                    "it is in schema \(now.schema); run \(known.run) left it in \(expected)",
                    nextStep: "list it in the layout where it belongs, then strata plan"))
        }
        if now.name != known.entry.name {
            found.append(
                .init(
                    .difference, .objects, "object-renamed", now.display,
                    "its name was \(SQL.identifier(known.entry.name)) when run \(known.run) moved it",
                    nextStep: "name it in the layout as it is called now, then strata plan"))
        }
        return found
    }

    /// REFRESH writes a materialised view's file anew each time.
    private func file(_ known: VerificationContext.Known, _ relation: Relation) -> [Verification.Check] {
        guard known.entry.fileNode != 0, relation.fileNode != known.entry.fileNode, relation.kind != .materialisedView
        else { return [] }
        return [
            .init(
                .warning, .objects, "rewritten", context.name(of: relation),
                "rewritten since run \(known.run) (VACUUM FULL, CLUSTER, TRUNCATE, ALTER TABLE …), not by Strata")
        ]
    }

    private func counts(
        _ known: VerificationContext.Known, _ facts: RelationFacts, _ now: Now
    ) -> [Verification.Check] {
        let entry = known.entry
        // Those that loose keys took the place of were given up knowingly.
        let constraints = entry.constraints - (context.looseConstraints[entry.oid] ?? 0)
        let validBefore = constraints - entry.unvalidatedConstraints
        let figures: [(code: String, one: String, many: String, before: Int, now: Int)] = [
            ("constraint-lost", "constraint", "constraints", constraints, facts.constraints),
            (
                "constraint-not-validated", "valid constraint", "valid constraints", validBefore,
                facts.constraints < constraints ? validBefore : facts.constraints - facts.unvalidatedConstraints
            ),
            ("index-lost", "index", "indexes", entry.indexes, facts.indexes),
            ("trigger-lost", "trigger", "triggers", entry.triggers, facts.triggers),
            ("policy-lost", "policy", "policies", entry.policies, facts.policies),
            ("comment-lost", "comment", "comments", entry.comments, facts.comments),
            ("column-lost", "column", "columns", entry.columns, facts.columns),
            ("partition-lost", "partition", "partitions", entry.partitions, facts.partitions),
        ]
        return figures.filter { $0.now < $0.before }.map { figure in
            .init(
                .difference, .objects, figure.code, now.display,
                "\(counted(figure.now, figure.one, figure.many)); before run \(known.run) there "
                    + "\(figure.before == 1 ? "was" : "were") \(figure.before)",
                nextStep: "compare with the plan of run \(known.run), and make again what is missing")
        }
    }

    // MARK: Grants

    private func grants(_ known: VerificationContext.Known, _ now: Now) -> [Verification.Check] {
        let relation = known.entry.catalog == .relation ? catalog.relations[known.entry.oid] : nil
        let expectedRevokes = relation.map(context.isAppendOnly) == true ? AppendOnlySteps.refused : []
        let held = Set(now.grants(context))
        let lost = known.entry.grants.filter { grant in
            !held.contains(grant) && !held.contains(grant + "*")
                && !expectedRevokes.contains(BaselineGrant(grant)?.privilege ?? "")
        }
        guard let first = lost.first else { return [] }
        let shown = lost.prefix(6).joined(separator: ", ") + (lost.count > 6 ? " and \(lost.count - 6) more" : "")
        return [
            .init(
                .difference, .objects, "grant-lost", now.display,
                "\(counted(lost.count, "grant")) of before run \(known.run) \(lost.count == 1 ? "is" : "are") gone: \(shown)",
                nextStep: BaselineGrant(first)?.statement(on: known.entry, name: now.display))
        ]
    }

    // MARK: Shims that Strata left

    private func missingShims() -> [Verification.Check] {
        let dropped = Set(
            context.plans.filter { $0.state != .undone }.flatMap(\.plan.steps).filter { $0.kind == .dropShim }.map(
                \.object))
        var found: [Verification.Check] = []
        for applied in context.plans where applied.state == .applied {
            for entry in applied.plan.baseline where entry.shim && !dropped.contains(entry.oldName) {
                guard Now(entry, context) != nil, !isTaken(entry) else { continue }
                found.append(
                    .init(
                        .difference, .shims, "shim-gone", entry.oldName,
                        "run \(applied.run) left a compatibility object under this name; it is gone, and no strata contract took it",
                        nextStep:
                            "make it again if statements still use the name; strata plan --format sql shows its form"))
            }
        }
        return found
    }

    private func isTaken(_ entry: BaselineEntry) -> Bool {
        switch entry.catalog {
        case .function: !lookup.functions(schema: entry.schema, name: entry.name).isEmpty
        case .type:
            lookup.type(schema: entry.schema, name: entry.name) != nil
                || lookup.relation(schema: entry.schema, name: entry.name) != nil
        default: lookup.relation(schema: entry.schema, name: entry.name) != nil
        }
    }
}

/// An object of a baseline as it is now.
private struct Now {
    var schema: String
    var name: String
    /// For people and for statements: functions with their arguments.
    var display: String
    private var plain: [Grant] = []
    private var columns: [ColumnGrant] = []

    init?(_ entry: BaselineEntry, _ context: VerificationContext) {
        let (catalog, lookup) = (context.catalog, context.lookup)
        var arguments = ""
        switch entry.catalog {
        case .relation:
            guard let relation = catalog.relations[entry.oid] else { return nil }
            (schema, name) = (lookup.schemaName(relation.schema), relation.name)
            (plain, columns) = (relation.grants, relation.columnGrants)
        case .type:
            guard let type = catalog.types[entry.oid] else { return nil }
            (schema, name, plain) = (lookup.schemaName(type.schema), type.name, type.grants)
        case .function:
            guard let function = catalog.functions[entry.oid] else { return nil }
            (schema, name, plain) = (lookup.schemaName(function.schema), function.name, function.grants)
            arguments = "(\(function.identityArguments))"
        case .statistics:
            guard let statistics = context.statistics[entry.oid] else { return nil }
            (schema, name) = (lookup.schemaName(statistics.schema), statistics.name)
        }
        display = SQL.qualified(schema, name) + arguments
    }

    /// In the form of a baseline: `role=SELECT`, `role=UPDATE*`, `role=SELECT(column)`.
    func grants(_ context: VerificationContext) -> [String] {
        plain.map { "\(context.roleName($0.grantee))=\($0.privilege)\($0.grantable ? "*" : "")" }
            + columns.map { "\(context.roleName($0.grant.grantee))=\($0.grant.privilege)(\($0.column))" }
    }
}

/// A grant as a baseline writes it: `role=SELECT`, `role=UPDATE*`, `role=SELECT(column)`.
private struct BaselineGrant {
    var role: String
    var privilege: String
    var column: String?
    var grantable: Bool

    init?(_ text: String) {
        // Names may hold any character; the privileges of columns are known words.
        let marks = ["=SELECT(", "=INSERT(", "=UPDATE(", "=REFERENCES("]
        if text.hasSuffix(")"), let mark = marks.first(where: { text.contains($0) }),
            let range = text.firstRange(of: mark)
        {
            role = String(text[..<range.lowerBound])
            privilege = String(mark.dropFirst().dropLast())
            column = String(text[range.upperBound...].dropLast())
            grantable = false
            return
        }
        guard let split = text.lastIndex(of: "=") else { return nil }
        role = String(text[..<split])
        grantable = text.hasSuffix("*")
        privilege = String(text[text.index(after: split)...].filter { $0 != "*" })
    }

    func statement(on entry: BaselineEntry, name: String) -> String {
        let kind =
            switch (entry.catalog, entry.kind) {
            case (.relation, "sequence"): "SEQUENCE "
            case (.type, _): "TYPE "
            case (.function, _): "ROUTINE "
            default: ""
            }
        let columns = column.map { " (\(SQL.identifier($0)))" } ?? ""
        let grantee = role == "PUBLIC" ? role : SQL.identifier(role)
        return "GRANT \(privilege)\(columns) ON \(kind)\(name) TO \(grantee)" + (grantable ? " WITH GRANT OPTION" : "")
    }
}
