import Testing

@testable import Planning

/// Whose rights a role has.
@Suite struct PrivilegesTests {
    /// boss ← clerk ← app; `app` is a member of clerk without its rights, `heir` with them.
    private func sample(version: Int = 150_000) -> Catalog {
        var catalog = Catalog()
        catalog.server.version = version
        catalog.server.userOID = 3
        catalog.roles[1] = Role(oid: 1, name: "boss")
        catalog.roles[2] = Role(oid: 2, name: "clerk", memberOf: [1])
        catalog.roles[3] = Role(oid: 3, name: "app", memberOf: [2], inheritsFrom: [])
        catalog.roles[4] = Role(oid: 4, name: "heir", memberOf: [2])
        catalog.roles[5] = Role(oid: 5, name: "pg_database_owner")
        return catalog
    }

    private func usage(_ role: OID) -> [Grant] {
        [Grant(grantee: role, grantor: 9, privilege: "USAGE", grantable: false)]
    }

    @Test func rightsReachHeirsOnly() {
        let privileges = Privileges(catalog: sample())
        #expect(privileges.holds(4, "USAGE", in: usage(1), owner: 9))
        #expect(!privileges.holds(3, "USAGE", in: usage(1), owner: 9))
        #expect(!privileges.holds(3, "USAGE", in: [], owner: 2))
        #expect(privileges.holds(4, "USAGE", in: [], owner: 2))
        #expect(privileges.holds(3, "USAGE", in: usage(0), owner: 9))
        #expect(privileges.isMember(3, of: 1) && !privileges.inherits(3, from: 1))
    }

    @Test func theDatabaseOwnerIsAMemberWithoutBeingListed() {
        var catalog = sample()
        catalog.server.databaseOwner = 2
        let privileges = Privileges(catalog: catalog)
        #expect(privileges.holds(2, "CREATE", in: [], owner: 5) && privileges.holds(4, "CREATE", in: [], owner: 5))
        #expect(!privileges.holds(3, "CREATE", in: [], owner: 5) && !privileges.holds(1, "CREATE", in: [], owner: 5))
    }

    @Test func defaultPrivilegesNeedMoreSinceSixteen() {
        #expect(Privileges(catalog: sample()).userMayAlterDefaults(of: 2))
        #expect(!Privileges(catalog: sample(version: 160_000)).userMayAlterDefaults(of: 2))
        #expect(!Privileges(catalog: sample()).userActs(as: 2))
    }
}
