package import Planning
package import PostgresDriver

/// Proves that nothing was lost: compares a database with its layout and with what the runs found before they began, and
/// tries the shims. Reads, and writes only what it rolls back; never waits for a lock longer than the options allow.
package struct Verifier: Sendable {
    let connection: Connection
    let options: VerifyOptions
    let progress: @Sendable (VerifyEvent) -> Void

    package init(
        _ connection: Connection, options: VerifyOptions = VerifyOptions(),
        progress: @escaping @Sendable (VerifyEvent) -> Void = { _ in }
    ) {
        self.connection = connection
        self.options = options
        self.progress = progress
    }

    /// The connection must be idle; `catalog` is what `CatalogReader` has just read from it.
    ///
    /// - Parameters:
    ///   - layout: nil leaves out whether objects are where they have to be.
    ///   - runs: those that still stand, `contract` runs too, oldest first; also an undone one, to see that all is back.
    ///   - components: what Strata keeps in schemas of its own, and what of it is still to be done.
    /// - Throws: `PostgresError` when the connection is lost; `CancellationError`. All else is in the answer.
    package func verify(
        layout: Layout?, catalog: Catalog, runs: [Run], components: [Component] = []
    ) async throws -> Verification {
        var context = VerificationContext(layout: layout, catalog: catalog, plans: runs.map(\.applied))
        context.components = components
        context.looseConstraints = await looseConstraints(context.lookup)
        var unread: Verification.Check?
        var sequences: [OID: Int64]?
        do {
            sequences = try await SequenceValueReader.read(
                connection, sequences: CatalogVerification.sequencesToRead(context), lockTimeout: options.lockTimeout)
        } catch let error as PostgresError where !error.isConnectionLost {
            unread = .init(
                .skipped, .objects, "sequences-not-read", "sequences",
                "where they stand could not be read: \(error.message)")
        }
        var verification = CatalogVerification.verify(context, sequences: sequences)
        if let unread { verification.add(unread) }
        let trials = ShimTrials(context).all()
        progress(.catalogChecked(shims: trials.count, tables: context.tables.count))
        try await ShimRunner(connection: connection, options: options, context: context, progress: progress)
            .run(trials, into: &verification)
        try await ShimRoleRunner(connection: connection, options: options)
            .run(ShimRoleTrials(context).all(), into: &verification)
        try await RowCounter(connection: connection, options: options, context: context, progress: progress)
            .run(into: &verification)
        verification.sort()
        progress(.finished(differences: verification.differences.count))
        return verification
    }
}

extension Verifier {
    /// None where there are no loose keys, or where this role may not see them.
    private func looseConstraints(_ lookup: CatalogLookup) async -> [OID: Int] {
        guard let records = try? await LooseKeyStore(connection).keys() else { return [:] }
        let children = records.filter { $0.state == .loose && $0.key.constraint != nil }.map(\.key.child)
        let tables = children.compactMap { lookup.relation(schema: $0.schema, name: $0.name)?.oid }
        return Dictionary(tables.map { ($0, 1) }, uniquingKeysWith: +)
    }
}

extension Run {
    fileprivate var applied: AppliedPlan {
        let state: AppliedPlan.State =
            switch self.state {
            case .done: .applied
            case .undone: .undone
            case .running, .stopped, .undoing: .unfinished
            }
        return AppliedPlan(run: id, plan: plan, state: state)
    }
}
