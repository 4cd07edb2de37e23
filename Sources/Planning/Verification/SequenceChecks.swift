internal import SQLSyntax

/// Whether sequences stand where they stood before the run, or further on: a lower value hands out numbers twice.
struct SequenceChecks {
    let context: VerificationContext
    /// Where sequences stand now; nil where that could not be read.
    let sequences: [OID: Int64]?
    private var catalog: Catalog { context.catalog }

    /// `relation` is the table that owns them, or the sequence itself.
    func checks(_ known: VerificationContext.Known, _ relation: Relation) -> [Verification.Check] {
        let present = relation.kind == .sequence ? [relation.oid] : context.lookup.sequences(ownedBy: relation.oid)
        let byName = Dictionary(present.compactMap { oid in catalog.relations[oid].map { ($0.name, oid) } }) {
            first, _ in first
        }
        return known.entry.sequenceValues.sorted { $0.key < $1.key }.compactMap { name, before in
            let oid = relation.kind == .sequence ? relation.oid : byName[name]
            guard let oid, let sequence = catalog.relations[oid] else {
                return .init(
                    .difference, .objects, "sequence-lost", context.name(of: relation),
                    "it no longer owns the sequence \(SQL.identifier(name)), which stood at \(grouped(before))",
                    nextStep: "ALTER SEQUENCE … OWNED BY, or make it again beyond that value")
            }
            return sequences.flatMap { check(sequence, before: before, values: $0, run: known.run) }
        }
    }

    private func check(_ sequence: Relation, before: Int64, values: [OID: Int64], run: Int) -> Verification.Check? {
        guard let detail = catalog.sequences[sequence.oid], !detail.cycles else { return nil }
        let name = context.name(of: sequence)
        guard let now = values[sequence.oid] else {
            guard isReadable(sequence) else {
                return .init(
                    .skipped, .objects, "sequence-not-readable", name, "this role may not read where it stands")
            }
            return behind(name, "it starts anew", before, run)
        }
        let isBehind = detail.increment > 0 ? now < before : now > before
        return isBehind ? behind(name, "it stands at \(grouped(now))", before, run) : nil
    }

    private func isReadable(_ sequence: Relation) -> Bool {
        let user = catalog.server.userOID
        return ["SELECT", "USAGE"].contains {
            context.privileges.holds(user, $0, in: sequence.grants, owner: sequence.owner)
        }
    }

    private func behind(_ name: String, _ now: String, _ before: Int64, _ run: Int) -> Verification.Check {
        .init(
            .difference, .objects, "sequence-behind", name,
            "\(now), before run \(run) at \(grouped(before)): numbers would be handed out twice",
            nextStep: "SELECT setval(\(SQL.literal(name)), \(before))")
    }
}
