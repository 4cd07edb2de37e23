import Planning
import PostgresDriver

/// Whether a database is still the one that a run was planned for, but for what the run's own steps did to it.
struct ResumeCheck {
    let run: Run
    let connection: Connection

    /// nil where nothing speaks against going on.
    func diagnostic() async throws -> Diagnostic? {
        let catalog = try await CatalogReader.read(connection)
        let lines = try await Ledger(connection).catalogLines(before: run.id)
        let changes =
            lines.map {
                RunDrift(touched: touched, catalog: catalog, components: run.plan.components ?? [])
                    .differences(before: $0, after: catalog.canonicalLines())
            }
            ?? pinChanges(catalog)
        guard !changes.isEmpty else { return nil }
        let shown = changes.prefix(3).map { $0.count > 300 ? $0.prefix(299) + "…" : $0 }.joined(separator: "; ")
        let rest = changes.count > 3 ? "; and \(changes.count - 3) more" : ""
        return Diagnostic(
            .error, "catalog-changed",
            "the database was changed by others since run \(run.id) began, so its plan may no longer hold: \(shown)\(rest)",
            object: "run \(run.id)",
            nextStep: "undo what is done (strata rollback), then plan again; or take that change back, and go on")
    }

    private var touched: [Step] {
        run.plan.steps.filter { run.stepStates[$0.number] == .done || run.stepStates[$0.number] == .running }
    }

    /// For runs whose catalog was not kept: at least each object that a step is about has to be where it was left.
    private func pinChanges(_ catalog: Catalog) -> [String] {
        let done = Set(touched.map(\.number))
        var places: [OID: ObjectPin] = [:]
        for step in run.plan.steps where !(step.kind == .dropShim && done.contains(step.number)) {
            for pin in step.expects where places[pin.oid] == nil { places[pin.oid] = pin }
        }
        for step in run.plan.steps where done.contains(step.number) {
            for pin in step.undoExpects { places[pin.oid] = pin }
        }
        return places.values.sorted { $0.oid < $1.oid }.compactMap { CatalogChange.change($0, catalog: catalog) }
    }
}
