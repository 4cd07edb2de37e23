/// What `roles:` of the layout gives, by schema, and the tables that it leaves out: looked up once for each table.
struct LayoutRoles {
    struct Given {
        var role: OID
        /// Privileges on tables: those for reading, or for writing, which contain them.
        var rights: [String]
    }

    /// Roles in the layout's order, each with the most that it is given in the schema.
    let bySchema: [String: [Given]]
    private let ignored: [String: Set<String>]

    init(layout: Layout, catalog: Catalog) {
        let oids = Dictionary(catalog.roles.values.map { ($0.name, $0.oid) }) { first, _ in first }
        var bySchema: [String: [Given]] = [:]
        for role in layout.roles {
            guard let oid = oids[role.name] else { continue }
            let written = Set(role.write.map(\.value))
            for schema in written { bySchema[schema, default: []].append(Given(role: oid, rights: RoleSteps.writing)) }
            for schema in Set(role.read.map(\.value)).subtracting(written) {
                bySchema[schema, default: []].append(Given(role: oid, rights: RoleSteps.reading))
            }
        }
        self.bySchema = bySchema
        ignored = Dictionary(layout.schemas.map { ($0.name, Set($0.ignore.map(\.value))) }) { first, _ in first }
    }

    func ignores(_ name: String, in schema: String) -> Bool { ignored[schema]?.contains(name) == true }
}
