internal import Planning
internal import SQLSyntax

/// From the statements of a text to what they count as. Done when a decision is made, never for each execution.
struct CrossingSteps {
    let cut: SchemaCut
    let catalog: RoutingCatalog

    /// A transaction has hardly more; a text with more is a script.
    private static let limit = 100
    private static let schemaLimit = 32

    /// - Parameter parts: each statement of the text by itself, as it was classified.
    func steps(
        _ sql: String, _ shapes: [StatementShape], _ parts: [StatementClassifier.Classified], _ path: ResolvedPath
    ) -> [CrossingStep] {
        let texts = shapes.count == 1 ? [sql] : ((try? SQLParser.parse(sql)) ?? []).map(\.text)
        guard texts.count == shapes.count, parts.count == shapes.count else { return [] }
        var steps: [CrossingStep] = []
        for index in shapes.indices.prefix(Self.limit) {
            switch shapes[index].kind {
            case .commit, .rollback, .prepareTransaction: steps.append(.ends)
            case .select, .write, .createTemporary, .declareCursor, .copyTo, .copyFrom, .call, .doBlock, .lockTable:
                guard let touch = touch(texts[index], shapes[index], parts[index], path) else { break }
                steps.append(.touch(touch))
            // What runs nothing, or defines something, is no traffic.
            default: break
            }
        }
        return steps
    }

    private func touch(
        _ text: String, _ shape: StatementShape, _ part: StatementClassifier.Classified, _ path: ResolvedPath
    ) -> StatementTouch? {
        if path.isUnknown, isAmbiguous(shape) { return nil }
        var read = part.reads
        if shape.kind == .lockTable {
            for name in shape.writes {
                if case .relations(let oids) = catalog.relation(name, path) { read.formUnion(oids) }
            }
        }
        var schemas: Set<String> = []
        // What a function or a view reads of it is read at its home, where those are.
        let copied = part.locks ? [:] : copied(read.intersection(named(shape, path)).subtracting(part.writes))
        var reads = databases(read.subtracting(copied.keys), &schemas)
        let writes = databases(part.writes, &schemas)
        // A table with a copy is read where the rest is, if that can be; alone, at its home.
        let onlyCopies = reads | writes == 0 ? copied.values.reduce(UInt64.max, &) : 0
        let elsewhere = copied.filter { onlyCopies != 0 || (reads | writes) & ~$0.value != 0 }
        reads |= databases(Set(elsewhere.keys), &schemas)
        guard reads | writes != 0 else { return nil }
        return StatementTouch(
            fingerprint: Self.fingerprint(text), shape: Self.shape(text), reads: reads, writes: writes,
            locks: part.locks, copies: copied.isEmpty ? 0 : onlyCopies,
            schemas: Array(schemas.sorted().prefix(Self.schemaLimit)))
    }

    private func named(_ shape: StatementShape, _ path: ResolvedPath) -> Set<UInt32> {
        guard !cut.copies.isEmpty else { return [] }
        return Set(
            shape.reads.flatMap { name -> [UInt32] in
                if case .relations(let oids) = catalog.relation(name, path) { oids } else { [] }
            })
    }

    /// The tables among these that several databases can answer for, with those databases.
    private func copied(_ relations: Set<UInt32>) -> [UInt32: UInt64] {
        guard !cut.copies.isEmpty else { return [:] }
        var found: [UInt32: UInt64] = [:]
        for oid in relations {
            guard let relation = catalog.relations[oid], let schema = catalog.schemaNames[relation.schema] else {
                continue
            }
            let bits = cut.bits(ofCopied: QualifiedName(schema: schema, name: relation.name))
            if bits != 0 { found[oid] = bits }
        }
        return found
    }

    private func databases(_ relations: Set<UInt32>, _ schemas: inout Set<String>) -> UInt64 {
        relations.reduce(0) { bits, oid in
            guard let schema = schema(of: oid) else { return bits }
            let bit = cut.bit(ofSchema: schema)
            if bit != 0 { schemas.insert(schema) }
            return bits | bit
        }
    }

    /// nil for what is on every database, this session's own, no relation, or an old name: that goes along with its table.
    private func schema(of oid: UInt32) -> String? {
        guard let relation = catalog.relations[oid], !relation.isSystem, relation.persistence != .temporary,
            !catalog.shims.contains(oid)
        else { return nil }
        return catalog.schemaNames[relation.schema]
    }

    /// While the search_path is not known, a name means everything of that name: where those are on several databases, it
    /// says nothing.
    private func isAmbiguous(_ shape: StatementShape) -> Bool {
        (shape.reads + shape.writes).contains { name in
            guard name.schema == nil, case .relations(let oids) = catalog.relation(name, .unknown) else { return false }
            var schemas: Set<String> = []
            return databases(Set(oids), &schemas).nonzeroBitCount > 1
        }
    }

    // MARK: What it is called

    /// Of PostgreSQL's own parse tree: the same whatever the constants are, however many an IN list has, and however it is
    /// spelled.
    static func fingerprint(_ text: String) -> String {
        if let known = try? SQLParser.fingerprint(text), known.count == 16 { return known }
        return Crossing.fingerprint(of: shape(text))
    }

    /// Without constants and comments.
    static func shape(_ text: String) -> String {
        var text = text
        return text.withUTF8 { Crossing.bounded(ConstantRemoval.text(of: $0, limit: Crossing.exampleLimit)) }
    }
}
