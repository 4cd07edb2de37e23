/// The checks that need no statement: everything that a catalog, a layout and the baselines of runs can tell.
package enum CatalogVerification {
    /// - Parameter sequences: where the sequences of `sequencesToRead` stand; those that are missing were never used or
    ///   are not readable. nil where they could not be read at all.
    package static func verify(_ context: VerificationContext, sequences: [OID: Int64]?) -> Verification {
        var verification = Verification(
            database: context.catalog.server.database, server: context.catalog.server.major)
        PlacementChecks(context: context).add(to: &verification)
        BaselineChecks(context: context, sequences: sequences).add(to: &verification)
        ConstraintChecks(context: context).add(to: &verification)
        FunctionChecks(context: context).add(to: &verification)
        AccessChecks(context: context).add(to: &verification)
        return verification
    }

    /// The sequences whose values a baseline knows.
    package static func sequencesToRead(_ context: VerificationContext) -> [OID] {
        context.known.filter { !$0.entry.sequenceValues.isEmpty }.flatMap { known in
            context.catalog.relations[known.entry.oid]?.kind == .sequence
                ? [known.entry.oid] : context.lookup.sequences(ownedBy: known.entry.oid)
        }.sorted()
    }
}
