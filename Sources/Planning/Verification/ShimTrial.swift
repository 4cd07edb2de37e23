internal import SQLSyntax

/// The statements that show whether a shim works, made from the catalog alone. They are to run in a transaction that is
/// rolled back; none of them draws from a sequence, fires a trigger or waits for a row.
package struct ShimTrial: Sendable {
    package enum Form: String, Sendable {
        /// One real row is updated, deleted and inserted again.
        case row
        /// The same statements on no row.
        case noRows
        /// EXPLAIN: the server rewrites and checks the statements, and does not run them.
        case planned
        /// The statement is parsed and its names are looked up.
        case resolved
    }

    package struct Write: Sendable {
        package var operation: String
        /// With a real row; sets `strata.verify` to `row`, or to `none` where there is none that is free.
        package var row: String?
        package var noRows: String
    }

    package var shim: Shim
    package var form: Form
    /// Why it is not done with a real row; empty where it is.
    package var reason: String
    /// Reads one row where `form` is `row` or `noRows`; never writes.
    package var select: String
    package var writes: [Write]
    /// Columns of the table that the shim does not show.
    package var hiddenColumns: [String] = []

    package static let setting = "strata.verify"
    /// Raised by a trial statement that touched another number of rows than one.
    package static let wrongCount = "ST003"
}

/// Decides in which form a shim is tried.
package struct ShimTrials: Sendable {
    let context: VerificationContext
    private var catalog: Catalog { context.catalog }
    private var lookup: CatalogLookup { context.lookup }

    package init(_ context: VerificationContext) { self.context = context }

    /// In the order of their names. A shim whose comment names something that is not there is tried all the same.
    package func all() -> [ShimTrial] { lookup.shims.sorted { $0.display < $1.display }.map(trial) }

    private func trial(_ shim: Shim) -> ShimTrial {
        switch shim.reference.kind {
        case .type:
            return ShimTrial(
                shim: shim, form: .resolved, reason: "", select: "SELECT CAST(NULL AS \(shim.display))", writes: [])
        case .function: return call(shim)
        default: return view(shim)
        }
    }

    private func call(_ shim: Shim) -> ShimTrial {
        let function = catalog.functions[shim.reference.oid]
        let types = function?.inputTypes ?? []
        // SELECT calls no procedure, and nothing has a type such as anyelement to be cast to.
        if function?.kind == .procedure || function?.isPolymorphic == true {
            let signature = SQL.literal("\(shim.display)(\(types.joined(separator: ", ")))")
            return ShimTrial(
                shim: shim, form: .resolved, reason: "", select: "SELECT CAST(\(signature) AS regprocedure)", writes: []
            )
        }
        let arguments = types.enumerated().map { position, type in
            let isLast = position == types.count - 1
            return "\(function?.isVariadic == true && isLast ? "VARIADIC " : "")$\(position + 1)::\(type)"
        }.joined(separator: ", ")
        return ShimTrial(
            shim: shim, form: .resolved, reason: "", select: "SELECT \(shim.display)(\(arguments))", writes: [])
    }

    // MARK: Views

    /// What the view stands for, as its comment says.
    package func target(of shim: Shim) -> Relation? {
        guard let name = QualifiedName.parse(shim.target), let schema = name.schema else { return nil }
        return lookup.relation(schema: schema, name: name.name)
    }

    private func view(_ shim: Shim) -> ShimTrial {
        let read = "SELECT one IS NULL AS nothing FROM (SELECT * FROM \(shim.display) LIMIT 1) AS one"
        guard let target = target(of: shim) else {
            return ShimTrial(
                shim: shim, form: .planned, reason: "\(shim.target) is not there under this name", select: read,
                writes: [])
        }
        let shown = catalog.columns[shim.reference.oid] ?? []
        let names = Set(shown.map(\.name))
        var trial = ShimTrial(shim: shim, form: .row, reason: "", select: read, writes: [])
        trial.hiddenColumns = (catalog.columns[target.oid] ?? []).map(\.name).filter { !names.contains($0) }
        (trial.form, trial.reason) = form(target, shown: shown)
        guard target.kind.isTable else { return trial }
        trial.writes = ShimStatements(shim: shim, target: target, context: context, shown: names)
            .writes(withRow: trial.form == .row)
        return trial
    }

    private func form(_ target: Relation, shown: [Column]) -> (ShimTrial.Form, String) {
        switch target.kind {
        case .foreignTable: return (.planned, "its rows are on another server")
        case .view, .materialisedView, .sequence, .compositeType: return (.noRows, "it stands for a view")
        case .table, .partitionedTable: break
        }
        if catalog.server.isInRecovery { return (.planned, "the server is a standby") }
        if let reason = firesSomething(target) { return (.planned, reason) }
        if let reason = noRowReason(target, shown: shown) { return (.noRows, reason) }
        return (.row, "")
    }

    /// Statement triggers and rules act even on no row, unless the session can switch them off.
    private func firesSomething(_ target: Relation) -> String? {
        let canSwitchOff = catalog.server.isSuperuser
        func acts(_ enabled: String) -> Bool { enabled == "A" || enabled == "R" || (enabled == "O" && !canSwitchOff) }
        if lookup.rules(of: target.oid).contains(where: { acts($0.enabled) }) { return "the table has rules" }
        let fires = lookup.triggers(of: target.oid).contains {
            acts($0.enabled) && $0.definition.contains("FOR EACH STATEMENT")
                && $0.name != AppendOnlySteps.truncateTrigger
        }
        return fires ? "the table has statement triggers" : nil
    }

    private func noRowReason(_ target: Relation, shown: [Column]) -> String? {
        if !catalog.server.isSuperuser { return "only a superuser can keep triggers from firing" }
        if target.kind == .partitionedTable { return "the table is partitioned" }
        if context.isAppendOnly(target) { return "the table is append-only" }
        if !lookup.children(of: target.oid).isEmpty { return "other tables inherit from it" }
        if lookup.triggers(of: target.oid).contains(where: { $0.enabled == "A" || $0.enabled == "R" }) {
            return "the table has triggers that always fire"
        }
        let columns = catalog.columns[target.oid] ?? []
        if Set(columns.map(\.name)) != Set(shown.map(\.name)) { return "the table's columns are not the shim's" }
        return ShimStatements.key(of: target, context: context) == nil ? "the table has no unique key" : nil
    }
}
