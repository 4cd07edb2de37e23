import Planning
import Testing

/// Hand-made catalogs with what the planner looks at, and plans for them.
struct PlannerFixture {
    var maker: CatalogMaker
    private var nextOID: OID = 900_000

    init(schemas: [String] = ["public", "a", "b"]) { maker = CatalogMaker(schemas: schemas) }

    private mutating func newOID() -> OID {
        nextOID += 1
        return nextOID
    }

    @discardableResult
    mutating func table(
        _ name: String, in schema: String = "public", kind: Relation.Kind = .table, parent: OID? = nil,
        isPartition: Bool = false
    ) -> OID {
        maker.table(name, in: schema, kind: kind, parent: parent, isPartition: isPartition)
    }

    @discardableResult
    mutating func index(_ name: String, on table: OID) -> OID {
        let oid = newOID()
        maker.catalog.indexes[oid] = Index(
            oid: oid, schema: maker.catalog.relations[table]?.schema ?? 0, name: name, table: table, keys: [1])
        return oid
    }

    @discardableResult
    mutating func sequence(_ name: String, ownedBy table: OID) -> OID {
        let schema = maker.catalog.schemas[maker.catalog.relations[table]?.schema ?? 0]?.name ?? "public"
        let oid = maker.table(name, [], in: schema, kind: .sequence)
        maker.catalog.sequences[oid] = SequenceDetail(oid: oid, ownerTable: table, ownerColumn: 1)
        return oid
    }

    mutating func statistics(_ name: String, on table: OID, in schema: String) {
        maker.catalog.extendedStatistics.append(
            ExtendedStatistics(oid: newOID(), schema: maker.schema(schema), name: name, table: table, owner: 10))
    }

    /// What an earlier run left.
    @discardableResult
    mutating func shim(_ name: String, in schema: String, for target: String, of relation: OID) -> OID {
        let oid = maker.view(name, of: [relation], in: schema)
        maker.catalog.relations[oid]?.definition = " SELECT id\n   FROM \(target);"
        maker.catalog.relations[oid]?.options = ["security_invoker=true"]
        maker.catalog.comments.append(
            Comment(object: ObjectReference(.relation, oid), subobject: 0, text: "strata:shim \(target)"))
        return oid
    }

    mutating func grant(_ privilege: String, on table: OID, to role: OID, grantable: Bool = false) {
        maker.catalog.relations[table]?.grants.append(
            Grant(grantee: role, grantor: 10, privilege: privilege, grantable: grantable))
    }

    // MARK: Plans

    func plan(_ schemas: String, _ rest: String = "") throws -> Plan {
        let text = "strata: 1\nschemas:\n" + schemas.split(separator: "\n").map { "  \($0)\n" }.joined() + rest
        let (layout, _) = try Pipeline.decode(text, file: "layout.yaml", environment: [:])
        return try Pipeline.plan(layout, maker.catalog)
    }

    /// What the planner complains about; a plan is a failure.
    func complaints(
        _ schemas: String, _ rest: String = "", sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> [Diagnostic] {
        do {
            let plan = try plan(schemas, rest)
            Issue.record("no complaint, but \(plan.statements)", sourceLocation: sourceLocation)
            return []
        } catch let error as DiagnosticsError { return error.diagnostics }
    }
}

extension Plan {
    /// All statements in order, without those that mark, comment on and give rights to compatibility objects.
    var statements: [String] {
        steps.flatMap(\.statements).filter { !$0.hasPrefix("COMMENT ") && !$0.hasPrefix("GRANT ") }
    }

    /// The group of the step that does something to an object.
    func group(_ kind: Step.Kind, _ object: String) -> Int? {
        steps.first { $0.kind == kind && $0.object == object }?.group
    }
}
