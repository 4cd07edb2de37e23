internal import SQLSyntax

/// Whether those who need what moved may reach it, and whether append-only tables are.
struct AccessChecks {
    let context: VerificationContext
    private var catalog: Catalog { context.catalog }
    private var lookup: CatalogLookup { context.lookup }

    func add(to verification: inout Verification) {
        let found = owners() + callersOfShims()
        for check in found { verification.add(check) }
        if found.isEmpty {
            verification.add(
                .init(
                    .passed, .access, "reachable", SQL.identifier(catalog.server.database),
                    "owners have USAGE of the schemas of \(counted(context.tables.count, "table")), callers of the shims too"
                ))
        }
        for check in appendOnly() { verification.add(check) }
    }

    // MARK: USAGE

    /// Referential checks run with the rights of the table's owner, whoever writes.
    private func owners() -> [Verification.Check] {
        struct Missing: Hashable {
            var schema: OID
            var owner: OID
        }
        var tables: [Missing: [Relation]] = [:]
        for table in context.tables {
            guard let schema = catalog.schemas[table.schema],
                !context.privileges.holds(table.owner, "USAGE", in: schema.grants, owner: schema.owner)
            else { continue }
            tables[Missing(schema: schema.oid, owner: table.owner), default: []].append(table)
        }
        return tables.map { missing, tables in
            let schema = SQL.identifier(lookup.schemaName(missing.schema))
            let first = tables.map { context.name(of: $0) }.sorted()[0]
            return .init(
                .difference, .access, "usage-missing", "schema \(schema)",
                "\(context.roleName(missing.owner)) owns \(counted(tables.count, "table")) there (\(first)) but has no USAGE: "
                    + "referential checks fail with \"permission denied for schema\"",
                nextStep: "GRANT USAGE ON SCHEMA \(schema) TO \(context.grantee(missing.owner))")
        }
    }

    /// A shim asks with its caller's rights (security_invoker): who may use it must have USAGE behind it.
    private func callersOfShims() -> [Verification.Check] {
        lookup.shims.sorted { $0.display < $1.display }.flatMap { shim -> [Verification.Check] in
            guard shim.reference.kind == .relation, let view = catalog.relations[shim.reference.oid],
                view.options.contains("security_invoker=true"), let name = QualifiedName.parse(shim.target),
                let schemaName = name.schema, let schema = lookup.schema(named: schemaName),
                let oldSchema = lookup.schema(named: shim.schema),
                let target = lookup.relation(schema: schemaName, name: name.name)
            else { return [] }
            let rights = ["SELECT", "INSERT", "UPDATE", "DELETE"]
            let grantees = Set(view.grants.filter { rights.contains($0.privilege) }.map(\.grantee))
                .intersection(target.grants.filter { rights.contains($0.privilege) }.map(\.grantee))
            return grantees.sorted().filter { role in
                role != target.owner
                    && context.privileges.holds(role, "USAGE", in: oldSchema.grants, owner: oldSchema.owner)
                    && !context.privileges.holds(role, "USAGE", in: schema.grants, owner: schema.owner)
            }.map { role in
                .init(
                    .difference, .access, "usage-missing", shim.display,
                    "\(context.roleName(role)) may use this shim and \(shim.target), but not schema \(SQL.identifier(schemaName)): "
                        + "its statements fail",
                    nextStep: "GRANT USAGE ON SCHEMA \(SQL.identifier(schemaName)) TO \(context.grantee(role))")
            }
        }
    }

    // MARK: Append-only

    private func appendOnly() -> [Verification.Check] {
        (context.layout?.schemas ?? []).flatMap { schema in
            schema.appendOnly.compactMap { lookup.relation(schema: schema.name, name: $0.value) }.flatMap { table in
                let family = [table] + lookup.descendants(of: table.oid).compactMap { catalog.relations[$0] }
                let found = triggers(of: table) + family.flatMap(grants)
                return found.isEmpty
                    ? [
                        .init(
                            .passed, .appendOnly, "append-only", context.name(of: table),
                            "triggers refuse changes, and nobody but the owner holds the rights for them")
                    ] : found
            }
        }
    }

    private func triggers(of table: Relation) -> [Verification.Check] {
        var needed = [(table, AppendOnlySteps.rowTrigger)]
        if table.kind != .foreignTable { needed.append((table, AppendOnlySteps.truncateTrigger)) }
        for oid in lookup.descendants(of: table.oid) {
            guard let partition = catalog.relations[oid], partition.kind != .foreignTable else { continue }
            needed.append((partition, AppendOnlySteps.truncateTrigger))
            if !partition.isPartition { needed.append((partition, AppendOnlySteps.rowTrigger)) }
        }
        return needed.compactMap { relation, name in
            let trigger = lookup.triggers(of: relation.oid).first { $0.name == name }
            if let trigger, trigger.enabled == "O" || trigger.enabled == "A" { return nil }
            let object = context.name(of: relation)
            return .init(
                .difference, .appendOnly, trigger == nil ? "trigger-missing" : "trigger-disabled", object,
                "the layout says append_only, but trigger \(name) is \(trigger == nil ? "missing" : "disabled"): rows can be changed",
                nextStep: trigger == nil ? "strata apply makes it" : "ALTER TABLE \(object) ENABLE TRIGGER \(name)")
        }
    }

    private func grants(on table: Relation) -> [Verification.Check] {
        let object = context.name(of: table)
        let columns = table.columnGrants.filter { AppendOnlySteps.refused.contains($0.grant.privilege) }.map {
            ($0.grant, " (\(SQL.identifier($0.column)))")
        }
        let whole = table.grants.filter { AppendOnlySteps.refused.contains($0.privilege) }.map { ($0, "") }
        return (whole + columns).filter { grant, _ in
            grant.grantee != table.owner && catalog.roles[grant.grantee]?.isSuperuser != true
        }.map { grant, column in
            .init(
                .difference, .appendOnly, "may-change", object,
                "the layout says append_only, but \(context.roleName(grant.grantee)) holds \(grant.privilege)\(column)",
                nextStep: "REVOKE \(grant.privilege)\(column) ON \(object) FROM \(context.grantee(grant.grantee))")
        }
    }
}
