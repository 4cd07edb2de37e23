package import Planning
package import PostgresDriver

/// What `contract` finds out before it asks: what there is to drop, who still needs it, and how well that is known.
package struct ContractLook: Sendable {
    package var plan: Plan
    package var catalog: Catalog
    package var looked: ShimObservations.Looked

    /// Reads the catalog and the counts, and records these. Needs the ledger.
    ///
    /// Throws `DiagnosticsError` where something is built on a shim, or where a shim could not be brought back.
    package static func take(_ connection: Connection, window: Duration) async throws -> ContractLook {
        let catalog = try await CatalogReader.read(connection)
        let use = try await StatementUseReader.read(connection)
        let looked = try await ShimObservations(connection).look(use, window: window)
        var plan = try Pipeline.contract(catalog, observations: looked.before, use: use)
        let labelled = try await labelled(plan, connection)
        guard labelled.isEmpty else { throw DiagnosticsError(labelled) }
        plan.hazards += looked.hazards(objects: plan.steps.count)
        return ContractLook(plan: plan, catalog: catalog, looked: looked)
    }

    /// Security labels are in no catalog that Strata reads.
    private static func labelled(_ plan: Plan, _ connection: Connection) async throws -> [Diagnostic] {
        let oids = plan.steps.flatMap(\.expects).map(\.oid)
        guard !oids.isEmpty else { return [] }
        let found = try await connection.query(
            """
            SELECT DISTINCT objoid FROM pg_catalog.pg_seclabel WHERE objoid = ANY ($1) AND classoid IN
                ('pg_catalog.pg_class'::regclass, 'pg_catalog.pg_type'::regclass, 'pg_catalog.pg_proc'::regclass)
            """, [.oidArray(oids)]
        ).map { try $0.uint32("objoid") }
        return plan.steps.filter { step in step.expects.contains { found.contains($0.oid) } }.map { step in
            Diagnostic(
                .error, "shim-not-restorable",
                "\(step.object) could not be brought back by strata rollback: it has a security label",
                object: step.object, nextStep: "drop it yourself if it is never to come back")
        }
    }
}

extension Applier {
    /// Refuses what nobody accepted: too little evidence, use, doubts.
    package func check(_ look: ContractLook, accepted: Set<Hazard.Code>) throws {
        if let diagnostic = look.looked.tooYoung(accepted: accepted) { throw EngineFailure(.hazards, diagnostic) }
        try check(look.plan, against: look.catalog, accepted: accepted, kind: .contract)
    }
}
