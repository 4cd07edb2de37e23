/// Questions about grants, with role membership followed.
struct Privileges {
    let catalog: Catalog
    private let memberships: [OID: Set<OID>]

    init(catalog: Catalog) {
        self.catalog = catalog
        var memberships: [OID: Set<OID>] = [:]
        for role in catalog.roles.values {
            var reached: Set<OID> = [role.oid]
            var open = role.memberOf
            while let next = open.popLast() {
                if reached.insert(next).inserted, let parent = catalog.roles[next] { open += parent.memberOf }
            }
            memberships[role.oid] = reached
        }
        self.memberships = memberships
    }

    /// Whether the role holds the privilege: itself, through PUBLIC, through a role it is a member of, or as superuser.
    func holds(_ role: OID, _ privilege: String, in grants: [Grant], owner: OID) -> Bool {
        if catalog.roles[role]?.isSuperuser == true { return true }
        let identities = memberships[role] ?? [role]
        if role != 0, identities.contains(owner) { return true }
        return grants.contains { $0.privilege == privilege && ($0.grantee == 0 || identities.contains($0.grantee)) }
    }

    func isMember(_ role: OID, of other: OID) -> Bool { memberships[role]?.contains(other) ?? (role == other) }
}
