internal import SQLSyntax

extension CanonicalLineWriter {
    mutating func writeSurroundings(_ body: (CanonicalLine) -> Void) {
        for publication in catalog.publications {
            line.start("publication", SQL.identifier(publication.name))
            line.add("all_tables", if: publication.allTables)
            line.add("tables", publication.tables.map { relation($0) }.sorted())
            line.add("schemas", publication.schemas.map { schema($0) }.sorted())
            line.add("definition", publication.definition)
            body(line)
        }
        for subscription in catalog.subscriptions {
            line.start("subscription", SQL.identifier(subscription.name))
            line.add("enabled", if: subscription.isEnabled)
            line.add("tables", subscription.tables.map { relation($0) }.sorted())
            body(line)
        }
        for entry in catalog.extensions.values {
            line.start("extension", SQL.identifier(entry.name))
            line.add("version", entry.version)
            line.add("schema", schema(entry.schema))
            body(line)
        }
        for server in catalog.foreignServers.values {
            line.start("server", SQL.identifier(server.name))
            line.add("wrapper", server.wrapper)
            line.add("host", unlessEmpty: server.host ?? "")
            line.add("port", unlessEmpty: server.port ?? "")
            line.add("database", unlessEmpty: server.remoteDatabase ?? "")
            body(line)
        }
        for object in catalog.otherObjects {
            line.start(object.kind, "\(schema(object.schema)).\(object.name)")
            line.add("extension", if: object.isExtensionMember)
            body(line)
        }
        for command in catalog.scheduledCommands {
            line.start("scheduled command", String(command.id))
            line.add("name", command.name)
            line.add("command", command.command)
            body(line)
        }
        writeSettings(body)
    }

    /// Settings for this database; and the search_path, of roles that have to do with it, in all databases. A cluster has
    /// other roles, and changes to them are no change here.
    private mutating func writeSettings(_ body: (CanonicalLine) -> Void) {
        let concerned = catalog.settings.isEmpty ? [] : concernedRoles()
        for setting in catalog.settings {
            let isHere = setting.database != 0
            guard isHere || setting.name == "search_path" && (setting.role == 0 || concerned.contains(setting.role))
            else {
                continue
            }
            let scope = setting.database == 0 ? "all databases" : "this database"
            let who = setting.role == 0 ? "all roles" : role(setting.role)
            line.start("setting", "\(setting.name) of \(who) in \(scope)")
            // Applications keep secrets in settings with a prefix of their own (`app.jwt_secret`).
            let isCustom = setting.name.contains(".")
            line.add("value", isCustom ? "hash " + StableHash(Array(setting.value.utf8)).hexadecimal : setting.value)
            body(line)
        }
    }

    /// Roles that own something or hold a privilege here, and their members.
    private func concernedRoles() -> Set<OID> {
        var roles: Set<OID> = []
        func note(_ owner: OID, _ grants: [Grant]) {
            roles.insert(owner)
            for grant in grants { roles.insert(grant.grantee) }
        }
        for schema in catalog.schemas.values { note(schema.owner, schema.grants) }
        for relation in catalog.relations.values {
            note(relation.owner, relation.grants)
            for grant in relation.columnGrants { roles.insert(grant.grant.grantee) }
        }
        for function in catalog.functions.values { note(function.owner, function.grants) }
        for type in catalog.types.values { note(type.owner, type.grants) }
        var found = true
        while found {
            found = false
            for role in catalog.roles.values where !roles.isDisjoint(with: role.memberOf) {
                if roles.insert(role.oid).inserted { found = true }
            }
        }
        return roles
    }

    mutating func writeComments(_ body: (CanonicalLine) -> Void) {
        let names = parts(Set(catalog.comments.map(\.object)))
        for comment in catalog.comments {
            guard let name = name(comment.object, names) else { continue }
            var subject = name
            if comment.subobject != 0 {
                let column = catalog.columns[comment.object.oid]?.first { Int32($0.number) == comment.subobject }
                subject += "." + (column.map { SQL.identifier($0.name) } ?? String(comment.subobject))
            }
            line.start("comment on \(comment.object.kind.rawValue)", subject)
            line.add("text", comment.text)
            body(line)
        }
    }

    /// nil for objects of kinds that a catalog does not list.
    private func name(_ object: ObjectReference, _ parts: [ObjectReference: String]) -> String? {
        switch object.kind {
        case .schema: schema(object.oid)
        case .relation: catalog.relations[object.oid].map { qualified($0.schema, $0.name) }
        case .index: index(object.oid)
        case .type: catalog.types[object.oid].map { qualified($0.schema, $0.name) }
        case .function: catalog.functions[object.oid].map { function($0.oid) }
        case .extension: catalog.extensions[object.oid]?.name
        default: parts[object]
        }
    }

    /// Names of the commented objects that are kept in lists.
    private func parts(_ wanted: Set<ObjectReference>) -> [ObjectReference: String] {
        var names: [ObjectReference: String] = [:]
        func note(_ kind: ObjectReference.Kind, _ oid: OID, _ name: () -> String) {
            let reference = ObjectReference(kind, oid)
            if wanted.contains(reference) { names[reference] = name() }
        }
        for constraint in catalog.constraints {
            note(.constraint, constraint.oid) {
                (constraint.relation == 0 ? type(constraint.domain) : relation(constraint.relation))
                    + "." + SQL.identifier(constraint.name)
            }
        }
        for trigger in catalog.triggers {
            note(.trigger, trigger.oid) { "\(relation(trigger.relation)).\(SQL.identifier(trigger.name))" }
        }
        for policy in catalog.policies {
            note(.policy, policy.oid) { "\(relation(policy.relation)).\(SQL.identifier(policy.name))" }
        }
        for rule in catalog.rules {
            note(.rule, rule.oid) { "\(relation(rule.relation)).\(SQL.identifier(rule.name))" }
        }
        for entry in catalog.extendedStatistics { note(.statistics, entry.oid) { qualified(entry.schema, entry.name) } }
        for entry in catalog.publications { note(.publication, entry.oid) { SQL.identifier(entry.name) } }
        return names
    }
}
