/// Questions about grants, with role membership followed.
struct Privileges {
    let catalog: Catalog
    /// Roles whose rights a role uses without SET ROLE, itself included.
    private let inherited: [OID: Set<OID>]
    /// Roles that a role can become, itself included.
    private let reachable: [OID: Set<OID>]

    init(catalog: Catalog) {
        self.catalog = catalog
        // From 14 on the database's owner is a member of this role without being listed.
        let owners = catalog.roles.values.first { $0.name == "pg_database_owner" }?.oid
        func implied(_ role: OID) -> [OID] { role == catalog.server.databaseOwner ? owners.map { [$0] } ?? [] : [] }
        inherited = Self.closures(catalog) { $0.inheritsFrom + implied($0.oid) }
        reachable = Self.closures(catalog) { $0.memberOf + implied($0.oid) }
    }

    private static func closures(_ catalog: Catalog, _ parents: (Role) -> [OID]) -> [OID: Set<OID>] {
        catalog.roles.mapValues { role in
            var reached: Set<OID> = [role.oid]
            var open = parents(role)
            while let next = open.popLast() {
                if reached.insert(next).inserted, let parent = catalog.roles[next] { open += parents(parent) }
            }
            return reached
        }
    }

    /// Whether the role holds the privilege: itself, through PUBLIC, through a role whose rights it inherits, or as
    /// superuser. What it would have to SET ROLE for does not count.
    func holds(_ role: OID, _ privilege: String, in grants: [Grant], owner: OID) -> Bool {
        if catalog.roles[role]?.isSuperuser == true { return true }
        let identities = inherited[role] ?? [role]
        if role != 0, identities.contains(owner) { return true }
        return grants.contains { $0.privilege == privilege && ($0.grantee == 0 || identities.contains($0.grantee)) }
    }

    /// Whether the role may become the other one.
    func isMember(_ role: OID, of other: OID) -> Bool { reachable[role]?.contains(other) ?? (role == other) }

    /// Whether the role has the other one's rights as it is, without SET ROLE.
    func inherits(_ role: OID, from other: OID) -> Bool { inherited[role]?.contains(other) ?? (role == other) }

    /// Whether the connected role acts with the rights of the other one.
    func userActs(as role: OID) -> Bool {
        catalog.server.isSuperuser || inherits(catalog.server.userOID, from: role)
    }

    /// ALTER DEFAULT PRIVILEGES FOR ROLE asks for membership, and since 16 for inherited rights.
    func userMayAlterDefaults(of role: OID) -> Bool {
        if catalog.server.version >= 160_000 { return userActs(as: role) }
        return catalog.server.isSuperuser || catalog.roles[role]?.userIsMember == true
    }
}
