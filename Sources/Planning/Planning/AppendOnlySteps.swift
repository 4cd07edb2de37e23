internal import SQLSyntax

/// `append_only:` – nobody updates, deletes or truncates: rights are revoked, and triggers stop the owner too.
struct AppendOnlySteps {
    let context: PlanningContext
    private var catalog: Catalog { context.catalog }

    static let refused = ["UPDATE", "DELETE", "TRUNCATE"]
    static let rowTrigger = "strata_append_only"
    static let truncateTrigger = "strata_append_only_truncate"
    /// Made by the ledger's set-up; a trigger function needs no rights of those who fire it.
    static let function = "\(Catalog.ledgerSchema).refuse_change()"

    func add(to draft: inout PlanDraft) {
        var seen: Set<OID> = []
        for schema in context.layout.schemas {
            for entry in schema.appendOnly {
                guard let table = table(entry.value, in: schema.name) else { continue }
                let family = [table] + context.lookup.descendants(of: table.oid).compactMap { catalog.relations[$0] }
                let fresh = family.filter { seen.insert($0.oid).inserted }
                draft.add(fresh.flatMap { [triggerStep($0), revokeStep($0)].compactMap { $0 } })
                for member in fresh where !member.isPartition { cascades(into: member).forEach { draft.add($0) } }
            }
        }
    }

    private func table(_ name: String, in schema: String) -> Relation? {
        context.lookup.relations(named: name).first { $0.kind.isTable && context.finalSchema(of: $0) == schema }
    }

    private func hasTrigger(_ name: String, on relation: OID) -> Bool {
        context.lookup.triggers(of: relation).contains { $0.name == name }
    }

    /// Partitions get their row triggers from their parent; inheritance children, and all TRUNCATE triggers, have to be
    /// seen to one by one. A foreign table cannot have a TRUNCATE trigger before 16.
    private func triggerStep(_ table: Relation) -> Step? {
        let name = finalName(of: table)
        var statements: [String] = []
        var undo: [String] = []
        if !table.isPartition, !hasTrigger(Self.rowTrigger, on: table.oid) {
            statements.append(
                "CREATE TRIGGER \(Self.rowTrigger) BEFORE UPDATE OR DELETE ON \(name) "
                    + "FOR EACH ROW EXECUTE FUNCTION \(Self.function)")
            undo.append("DROP TRIGGER \(Self.rowTrigger) ON \(name)")
        }
        if !hasTrigger(Self.truncateTrigger, on: table.oid), table.kind != .foreignTable {
            statements.append(
                "CREATE TRIGGER \(Self.truncateTrigger) BEFORE TRUNCATE ON \(name) "
                    + "FOR EACH STATEMENT EXECUTE FUNCTION \(Self.function)")
            undo.append("DROP TRIGGER \(Self.truncateTrigger) ON \(name)")
        }
        guard !statements.isEmpty else { return nil }
        return Step(
            kind: .appendOnly, object: name, statements: statements, undo: undo.reversed(),
            locks: [Lock("SHARE ROW EXCLUSIVE", name, oid: table.oid)], reason: reason(table))
    }

    private func reason(_ table: Relation) -> String {
        if table.isPartition { return "TRUNCATE triggers are not inherited by partitions" }
        return table.parents.isEmpty
            ? "the layout says append_only: changes are refused, the owner's too"
            : "its rows are rows of an append-only table, and triggers are not inherited by it"
    }

    private func finalName(of table: Relation) -> String { display(context.finalSchema(of: table), table.name) }

    /// The owner keeps its rights: referential checks lock rows with them, which needs UPDATE.
    private func revokeStep(_ table: Relation) -> Step? {
        let name = finalName(of: table)
        let held = table.grants.filter { Self.refused.contains($0.privilege) && $0.grantee != table.owner }
        let columns = table.columnGrants.filter { $0.grant.privilege == "UPDATE" && $0.grant.grantee != table.owner }
        let pairs = (held + columns.map(\.grant)).map { Revoked(grantee: $0.grantee, privilege: $0.privilege) }
            .uniqued()
        guard !pairs.isEmpty else { return nil }
        // Who was given the right by somebody else than the owner loses it with the giver.
        let statements = pairs.map { "REVOKE \($0.privilege) ON \(name) FROM \(context.grantee($0.grantee)) CASCADE" }
        let undo =
            restoring(held, on: name, owner: table.owner)
            + columns.map { entry in
                let option = entry.grant.grantable ? " WITH GRANT OPTION" : ""
                return
                    "GRANT UPDATE (\(SQL.identifier(entry.column))) ON \(name) TO \(context.grantee(entry.grant.grantee))\(option)"
            }
        return Step(
            kind: .appendOnly, object: name, statements: statements, undo: undo,
            reason: "the layout says append_only: nobody needs the right to change rows")
    }

    private struct Revoked: Hashable {
        var grantee: OID
        var privilege: String
    }

    /// By the same grantors: the owner's grants first, then those that others passed on.
    private func restoring(_ grants: [Grant], on name: String, owner: OID) -> [String] {
        var statements: [String] = []
        for grant in grants.filter({ $0.grantor == owner }) + grants.filter({ $0.grantor != owner }) {
            let option = grant.grantable ? " WITH GRANT OPTION" : ""
            let text = "GRANT \(grant.privilege) ON \(name) TO \(context.grantee(grant.grantee))\(option)"
            statements +=
                grant.grantor == owner
                ? [text] : ["SET LOCAL ROLE \(context.grantee(grant.grantor))", text, "RESET ROLE"]
        }
        return statements
    }

    private func cascades(into table: Relation) -> [Hazard] {
        context.lookup.constraints(of: table.oid).filter {
            $0.kind == .foreignKey && (["c", "n", "d"].contains($0.onDelete) || ["c", "n", "d"].contains($0.onUpdate))
        }.compactMap { key in
            guard let parent = catalog.relations[key.referenced] else { return nil }
            let action = ["c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"]
            let words =
                action[key.onDelete].map { "ON DELETE \($0)" } ?? "ON UPDATE \(action[key.onUpdate] ?? "CASCADE")"
            return Hazard(
                .appendOnlyCascade, object: finalName(of: table),
                message: "foreign key \(key.name) says \(words): deleting or changing a row of "
                    + "\(display(context.finalSchema(of: parent), parent.name)) that it refers to will be refused",
                remedy: "replace the key by one without an action, or leave the table out of append_only")
        }
    }
}
