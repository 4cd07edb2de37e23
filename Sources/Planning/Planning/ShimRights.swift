internal import SQLSyntax

/// The statements that give a new object exactly the rights that another one had, grantors and grant options included.
struct ShimRights {
    let catalog: Catalog
    /// As GRANT … ON takes it: `public.orders`, `FUNCTION public.total(integer)`.
    let object: String
    let owner: OID

    private struct Right {
        /// `SELECT`, `UPDATE (note)`.
        var privilege: String
        var grant: Grant
    }

    /// All that an owner holds of a view.
    static func onView(_ version: Int) -> [String] {
        ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]
            + (version >= 170_000 ? ["MAINTAIN"] : [])
    }

    /// - Parameters:
    ///   - whole: what the owner holds when nobody took anything away.
    ///   - defaults: the letter of pg_default_acl for objects of this kind.
    func statements(
        _ grants: [Grant], columns: [ColumnGrant] = [], whole: [String], defaults: String
    ) -> [String] {
        var statements = givenAtFirst(defaults).map { "REVOKE ALL ON \(object) FROM \(role($0))" }
        let own = grants.filter { $0.grantee == owner && $0.grantor == owner }
        let isUntouched = Set(own.map(\.privilege)) == Set(whole) && own.allSatisfy { !$0.grantable }
        if !isUntouched { statements.append("REVOKE ALL ON \(object) FROM \(role(owner))") }
        let wanted = grants.filter { !(isUntouched && $0.grantee == owner && $0.grantor == owner) }.sorted()
        var rights = wanted.map { Right(privilege: $0.privilege, grant: $0) }
        rights += columns.sorted { ($0.column, $0.grant) < ($1.column, $1.grant) }.map {
            Right(privilege: "\($0.grant.privilege) (\(SQL.identifier($0.column)))", grant: $0.grant)
        }
        return statements + inOrder(rights)
    }

    /// Who holds rights on a new object of the connected role without having been given any: PUBLIC by PostgreSQL's own
    /// defaults, others by ALTER DEFAULT PRIVILEGES.
    private func givenAtFirst(_ letter: String) -> [OID] {
        let creator = catalog.server.userOID
        let altered = catalog.defaultPrivileges.filter { $0.role == creator && $0.objectType == letter }
        let builtIn: Set<OID> = letter == "r" ? [] : [0]
        return Set(altered.flatMap(\.grants).map(\.grantee)).union(builtIn).subtracting([owner, creator]).sorted()
    }

    /// The owner's grants first, then those of whoever holds a grant option by then.
    private func inOrder(_ rights: [Right]) -> [String] {
        var open = rights
        var able: Set<OID> = [owner]
        var statements: [String] = []
        while !open.isEmpty {
            var now = open.filter { able.contains($0.grant.grantor) }
            if now.isEmpty { now = open }
            open = now.count == open.count ? [] : open.filter { !able.contains($0.grant.grantor) }
            for right in now {
                statements += statement(right)
                if right.grant.grantable { able.insert(right.grant.grantee) }
            }
        }
        return statements
    }

    private func statement(_ right: Right) -> [String] {
        let option = right.grant.grantable ? " WITH GRANT OPTION" : ""
        let text = "GRANT \(right.privilege) ON \(object) TO \(role(right.grant.grantee))\(option)"
        guard right.grant.grantor != owner else { return [text] }
        return ["SET LOCAL ROLE \(role(right.grant.grantor))", text, "RESET ROLE"]
    }

    private func role(_ oid: OID) -> String {
        oid == 0 ? "PUBLIC" : SQL.identifier(catalog.roles[oid]?.name ?? "role \(oid)")
    }
}
