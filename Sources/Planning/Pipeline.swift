/// The stages, in order, and the value at each boundary:
///
///     text ─decode─► Layout ─┐
///                            ├─plan─► Plan ─(Engine)─► Run ─verify─► Verification
///     server ─read─► Catalog ┘
///
/// Everything here is pure; reading a server and applying a plan is the Engine's.
package enum Pipeline {
    /// Decodes a layout; diagnostics that are not errors are handed back beside it.
    package static func decode(
        _ text: String, file: String, environment: [String: String]
    ) throws(DiagnosticsError) -> (layout: Layout, warnings: [Diagnostic]) {
        let (layout, diagnostics) = LayoutDecoder.decode(text, file: file, environment: environment)
        guard let layout, !diagnostics.hasErrors else { throw DiagnosticsError(diagnostics) }
        return (layout, diagnostics)
    }

    /// Compares a layout with a catalog.
    package static func plan(
        _ layout: Layout, _ catalog: Catalog, use: StatementUse = .unknown, components: [Component] = []
    ) throws(DiagnosticsError) -> Plan {
        try Planner.plan(layout: layout, catalog: catalog, use: use, components: components)
    }

    /// What is to be done to take the shims away.
    package static func contract(
        _ catalog: Catalog, observations: [ShimObservation], use: StatementUse
    ) throws(DiagnosticsError) -> Plan {
        try ContractPlanner.plan(catalog: catalog, observations: observations, use: use)
    }
}
