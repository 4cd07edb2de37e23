import Planning
package import PostgresDriver

/// Takes a split back before its switch: both sides are as they were.
package struct SplitCancel: Sendable {
    let schema: String
    let mainDatabase: String
    let source: ConnectionSettings
    let target: ConnectionSettings

    package init(_ schema: String, mainDatabase: String, source: ConnectionSettings, target: ConnectionSettings) {
        self.schema = schema
        self.mainDatabase = mainDatabase
        self.source = source
        self.target = target
    }

    /// - Returns: what had been made on the target and is in use now: it stays.
    package func run() async throws -> (record: SplitRecord, kept: [String]) {
        try await SplitSite.exclusively(source, target) { site in try await run(site) }
    }

    private func run(_ site: SplitSite) async throws -> (record: SplitRecord, kept: [String]) {
        let ledger = SplitLedger(site.source)
        guard var record = try await ledger.open(schema) else {
            throw EngineFailure(
                .failed,
                Diagnostic(
                    .error, "no-split", "no split of schema \(schema) is under way",
                    nextStep: "strata split status shows those that are"))
        }
        let address = try await TargetSite.identity(of: site.target)
        guard record.target == address else {
            throw EngineFailure(
                .failed,
                Diagnostic(
                    .error, "other-target",
                    "split \(record.id) took schema \(schema) to another database than the layout's \(record.database) leads to now",
                    nextStep: "let the layout lead there again, and cancel then"))
        }
        guard !record.isSwitched else {
            throw EngineFailure(
                .failed,
                Diagnostic(
                    .error, "is-there", "schema \(schema) lives on database \(record.database)",
                    nextStep: "strata reverse \(schema) brings it back; then it can be cancelled"))
        }
        if [.following, .switching].contains(record.state) {
            record = try await SwitchSettlement(site: site, mainName: mainDatabase).settle(record)
        }
        try await ledger.setState(.cancelling, of: record.id)
        try await SplitStreams(record: record, source: site.source, target: site.target).remove()
        let names = try await OldNames(source: site.source, target: site.target, database: record.database)
            .remove(schema: schema)
        try await DefinitionGuard(site.target).clear(schema)
        try await CarriedDefinitions(record).drop(site.target)
        let kept = try await names.kept + TargetSite(record: record, source: site.source, target: site.target).remove()
        try await ledger.prepare()
        try await WriteGuard(schema, site.source).uninstall()
        try await RouteStore(site.source).forget(schema)
        try await DefinitionGuard(site.source).clear(schema)
        try await CarriedDefinitions(record).drop(site.source)
        try await ledger.setState(.cancelled, of: record.id)
        return (record, kept)
    }
}
