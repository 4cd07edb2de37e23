/// Roles that may read, or read and write, everything in a schema, now and later: what `roles:` can say. Rights on single
/// tables, on columns, or given to PUBLIC are no business of a layout and stay as they are.
struct LayoutRights {
    struct Rights: Equatable {
        var role: String
        var write: [String] = []
        var read: [String] = []
    }

    let catalog: Catalog
    let sections: [LayoutContents.Section]

    /// Sorted by role; schemas in the order of the layout.
    func rights() -> [Rights] {
        // Only roles that were granted something by name are looked at.
        let granted = grantees()
        var found: [Rights] = []
        for role in catalog.roles.values.sorted(by: { $0.name < $1.name }) where !role.isSuperuser {
            guard let sections = granted[role.oid], isSayable(role.name) else { continue }
            var rights = Rights(role: role.name)
            for position in sections.sorted() {
                let section = self.sections[position]
                if holds(role.oid, RoleSteps.writing, section) {
                    rights.write.append(section.name)
                } else if holds(role.oid, RoleSteps.reading, section) {
                    rights.read.append(section.name)
                }
            }
            if !rights.write.isEmpty || !rights.read.isEmpty { found.append(rights) }
        }
        return found
    }

    private func isSayable(_ name: String) -> Bool {
        var reader = LayoutReader(file: "", environment: [:])
        return reader.checked(name, .role, SourcePlace(file: "", line: 1, column: 1))
    }

    private func grantees() -> [OID: Set<Int>] {
        var grantees: [OID: Set<Int>] = [:]
        for (position, section) in sections.enumerated() {
            for oid in section.relations {
                guard let relation = catalog.relations[oid], relation.kind != .sequence else { continue }
                for grant in relation.grants where grant.grantee != 0 && grant.grantee != relation.owner {
                    grantees[grant.grantee, default: []].insert(position)
                }
            }
        }
        return grantees
    }

    private func holds(_ role: OID, _ wanted: [String], _ section: LayoutContents.Section) -> Bool {
        let relations = section.relations.compactMap { catalog.relations[$0] }
        let isWriting = wanted == RoleSteps.writing
        let hasTables = relations.allSatisfy { relation in
            if relation.kind == .sequence { return !isWriting || has(role, "USAGE", relation) }
            return needed(of: relation, wanted, section).allSatisfy { has(role, $0, relation) }
        }
        guard hasTables else { return false }
        let makers = Set(relations.filter(\.kind.isTable).map(\.owner))
        return section.sources.allSatisfy { source in
            guard let schema = catalog.schemas[source] else { return false }
            return hasUsage(role, schema)
                && makers.union([schema.owner]).allSatisfy { hasLater(role, $0, source, wanted) }
        }
    }

    private func needed(of relation: Relation, _ wanted: [String], _ section: LayoutContents.Section) -> [String] {
        if relation.kind == .materialisedView { return RoleSteps.reading }
        // Its partitions and children too.
        let isAppendOnly =
            section.appendOnly.contains(relation.name)
            || catalog.triggers.contains {
                $0.relation == relation.oid && $0.name == AppendOnlySteps.truncateTrigger
            }
        return isAppendOnly ? wanted.filter { $0 != "UPDATE" && $0 != "DELETE" } : wanted
    }

    private func has(_ role: OID, _ privilege: String, _ relation: Relation) -> Bool {
        relation.owner == role || relation.grants.contains { $0.grantee == role && $0.privilege == privilege }
    }

    private func hasUsage(_ role: OID, _ schema: Schema) -> Bool {
        schema.owner == role || schema.grants.contains { $0.grantee == role && $0.privilege == "USAGE" }
    }

    /// Default privileges of one maker of tables; of makers that the connected user may not act for nothing can be said.
    private func hasLater(_ role: OID, _ maker: OID, _ schema: OID, _ wanted: [String]) -> Bool {
        if maker == role { return true }
        guard catalog.server.isSuperuser || catalog.roles[maker]?.userIsMember == true else { return true }
        func held(_ letter: String) -> Set<String> {
            Set(
                catalog.defaultPrivileges.filter { $0.role == maker && $0.schema == schema && $0.objectType == letter }
                    .flatMap(\.grants).filter { $0.grantee == role }.map(\.privilege))
        }
        guard held("r").isSuperset(of: wanted) else { return false }
        return wanted != RoleSteps.writing || held("S").contains("USAGE")
    }
}
