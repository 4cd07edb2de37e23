internal import SQLSyntax

/// Whether everything that the layout lists is where it says: a plan for the layout would be empty.
struct PlacementChecks {
    let context: VerificationContext

    func add(to verification: inout Verification) {
        guard let layout = context.layout, let placement = context.placement else {
            let database = SQL.identifier(context.catalog.server.database)
            verification.add(
                .init(
                    .skipped, .placement, "no-layout", database,
                    "no layout was given: where objects have to be is not checked"))
            return
        }
        verification.figures.placed = placement.placed.count
        verification.unplaced = placement.unplaced.map(\.display)
        let differences = self.differences(layout, placement)
        for difference in differences { verification.add(difference) }
        for component in context.components where component.parts.isEmpty && component.installed == component.version {
            verification.add(
                .init(
                    .passed, .placement, "component", "schema \(SQL.identifier(component.schema))",
                    "the \(component.title) is of version \(component.version), and every part as this release makes it"
                ))
        }
        if differences.isEmpty {
            verification.add(
                .init(
                    .passed, .placement, "placed", SQL.identifier(context.catalog.server.database),
                    "\(counted(placement.placed.count, "object is", "objects are")) where the layout says"))
        }
    }

    private func differences(_ layout: Layout, _ placement: Placement) -> [Verification.Check] {
        var catalog = context.catalog
        // A standby can be verified although nothing can be planned on it.
        catalog.server.isInRecovery = false
        do throws(DiagnosticsError) {
            return try Planner.plan(layout: layout, catalog: catalog, components: context.components).steps
                .filter(isOfInterest).map(notApplied)
        } catch {
            return error.diagnostics.filter { $0.severity == .error }.map(complaint) + placement.moves.map(notMoved)
        }
    }

    /// Shims come with their moves; append-only tables have checks of their own.
    private func isOfInterest(_ step: Step) -> Bool { step.kind != .createShim && step.kind != .appendOnly }

    private func notApplied(_ step: Step) -> Verification.Check {
        .init(
            .difference, .placement, "not-applied", step.object, "not applied yet: \(PlanText.title(of: step))",
            nextStep: "strata plan shows it, strata apply does it")
    }

    private func notMoved(_ move: Move) -> Verification.Check {
        .init(
            .difference, .placement, "not-applied", move.oldName, "not applied yet: move \(move.oldName) to \(move.to)",
            nextStep: "strata plan shows what stands in the way")
    }

    private func complaint(_ diagnostic: Diagnostic) -> Verification.Check {
        .init(
            .difference, .placement, diagnostic.code, diagnostic.object, diagnostic.message,
            nextStep: diagnostic.nextStep)
    }
}
