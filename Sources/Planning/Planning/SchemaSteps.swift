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

    /// nil: the connected role.
    func owner(of schema: String) -> OID? { context.newSchemaOwners[schema] }
}
