extension LayoutReader {
    mutating func roles(_ node: LayoutNode) -> [RoleLayout] {
        var roles: [RoleLayout] = []
        for entry in entries(of: node, "`roles`", "roles by name") ?? [] {
            guard let name = name(entry, .role), let fields = fields(of: entry.value, as: .role) else { continue }
            var role = RoleLayout(name: name, place: entry.keyPlace)
            if let node = fields["read"] { role.read = names(node, .schema, "read") }
            if let node = fields["write"] { role.write = names(node, .schema, "write") }
            for schema in role.read + role.write { unlistedSchema(schema.value, schema.place) }
            let written = Set(role.write.map(\.value))
            for schema in role.read where written.contains(schema.value) {
                let message = "role \(name) may already read \(schema.value): it is in `write`"
                warning("redundant-read", message, schema.place, "remove it from `read`")
            }
            roles.append(role)
        }
        return roles
    }
}
