internal import SQLSyntax

/// Creates the schemas of the layout that are missing.
struct SchemaSteps {
    let context: PlanningContext

    func add(to draft: inout PlanDraft) {
        var steps: [Step] = []
        for schema in context.layout.schemas where context.lookup.schema(named: schema.name) == nil {
            let name = SQL.identifier(schema.name)
            let owner = self.owner(of: schema.name)
            let authorization = owner.map { " AUTHORIZATION \(context.grantee($0))" } ?? ""
            steps.append(
                Step(
                    kind: .createSchema, object: "schema \(name)",
                    statements: ["CREATE SCHEMA \(name)\(authorization)"],
                    undo: ["DROP SCHEMA \(name)"],
                    reason: "the layout places objects in it"))
        }
        draft.add(steps)
    }

    /// The schema belongs to whoever owns all tables that come into it, so that their migrations go on working;
    /// otherwise to the connected role (nil).
    func owner(of schema: String) -> OID? {
        let owners = Set(context.moves.filter { $0.to == schema && $0.isTable }.compactMap { context.catalog.relations[$0.oid]?.owner })
        guard owners.count == 1, let owner = owners.first, owner != context.catalog.server.userOID else { return nil }
        guard context.catalog.server.isSuperuser || context.catalog.roles[owner]?.userIsMember == true else { return nil }
        return owner
    }
}
