/// From a layout and a catalog to a plan: pure, and the same for the same input.
package struct Planner {
    package static func plan(
        layout: Layout, catalog: Catalog, use: StatementUse = .unknown, components: [Component] = []
    ) throws(DiagnosticsError) -> Plan {
        let lookup = CatalogLookup(catalog)
        let placement = PlacementResolver.resolve(layout: layout, catalog: catalog, lookup: lookup)
        let context = PlanningContext(layout: layout, catalog: catalog, lookup: lookup, use: use, placement: placement)
        let privileges = Privileges(catalog: catalog)
        let roles = RoleSteps(context: context, privileges: privileges)

        var complaints = placement.diagnostics.filter { $0.severity == .error }
        complaints += TargetChecks(context: context).diagnostics() + roles.diagnostics()
        if catalog.server.isInRecovery { complaints.append(standby(catalog)) }
        if !layout.looseKeys.isEmpty { complaints += LooseKeys(cut: DatabaseCut(context)).diagnostics() }

        let componentSteps = ComponentSteps(components: components)
        complaints += componentSteps.complaints

        var draft = PlanDraft()
        for note in placement.diagnostics where note.severity != .error { draft.add(note) }
        SchemaSteps(context: context).add(to: &draft)
        let bindings = FunctionBindings(context: context)
        let findings = bindings.findings()
        UsageSteps(context: context, privileges: privileges)
            .add(to: &draft, extraUsage: definers(of: findings))
        for finding in findings {
            if let step = bindings.step(for: finding) { draft.add(step) }
            for hazard in finding.hazards { draft.add(hazard) }
            for note in finding.notes { draft.add(note) }
        }
        // The path is widened before the first table leaves it.
        SearchPathSteps(context: context).add(to: &draft)
        MoveSteps(context: context).add(to: &draft)
        roles.add(to: &draft)
        AppendOnlySteps(context: context).add(to: &draft)
        complaints += IndexSteps(context: context).add(to: &draft)
        SurroundingHazards(context: context).add(to: &draft)
        OldNameHazards(context: context).add(to: &draft)
        UseHazards(context: context).add(to: &draft)
        componentSteps.add(to: &draft)
        complaints += OwnershipChecks(context: context, privileges: privileges).diagnostics(draft, roles)

        guard complaints.isEmpty else { throw DiagnosticsError(complaints) }
        var plan = finish(draft, context: context)
        plan.components = componentSteps.planned
        return plan
    }

    private static func finish(_ draft: PlanDraft, context: PlanningContext) -> Plan {
        var plan = Plan(
            server: context.catalog.server, fingerprint: context.catalog.fingerprint,
            layoutFingerprint: context.layout.fingerprint)
        plan.steps = draft.steps
        plan.hazards = draft.hazards.uniqued()
        plan.notes = draft.notes.uniqued()
        plan.unplaced = context.placement.unplaced.map(\.display)
        plan.baseline = Baseline(context: context).entries()
        let splits = SplitReports(context).all()
        if !splits.isEmpty { plan.splits = splits }
        return plan
    }

    /// SECURITY DEFINER functions look names up with their owner's rights.
    private static func definers(of findings: [FunctionBindings.Finding]) -> [String: Set<OID>] {
        var owners: [String: Set<OID>] = [:]
        for finding in findings where finding.function.isSecurityDefiner {
            for schema in finding.path ?? [] { owners[schema, default: []].insert(finding.function.owner) }
        }
        return owners
    }

    private static func standby(_ catalog: Catalog) -> Diagnostic {
        Diagnostic(
            .error, "is-standby", "database \(catalog.server.database) is on a standby: it cannot be changed",
            nextStep: "connect to the primary; a URL may list several hosts with target_session_attrs=read-write")
    }
}
