/// What a definition names in lists of strings, which have no range variables: `DROP TABLE a.b`, `CREATE FUNCTION s.f`.
struct DefinedNames {
    private let node: SyntaxNode
    private(set) var relations: [QualifiedName] = []
    private(set) var schemas: [String] = []

    init(_ node: SyntaxNode) { self.node = node }

    mutating func run() {
        for field in [node["schemaname"], node["newschema"], node["local_schema"]] { add(schema: field?.string) }
        for list in [
            node["funcname"], node["domainname"], node["typeName"], node["defnames"], node["opclassname"],
            node["opfamilyname"], node["conversion_name"],
        ] {
            add(schemaOf: list)
        }
        let type = (node["removeType"] ?? node["objtype"] ?? node["objectType"] ?? node["renameType"])?.string ?? ""
        if type == "OBJECT_SCHEMA" { add(schema: node["subname"]?.string) }
        for object in (node["objects"]?.children ?? []) + [node["object"], node["func"]].compactMap({ $0 }) {
            add(object: object, type)
        }
        for option in node["options"]?.children ?? [] where node.isKey("AlterDefaultPrivilegesStmt") {
            guard option["DefElem"]?["defname"]?.string == "schemas" else { continue }
            for schema in option["DefElem"]?["arg"]?["List"]?["items"]?.strings ?? [] { add(schema: schema) }
        }
        schemas = StatementWalk.unique(schemas)
    }

    private mutating func add(schema: String?) {
        if let schema { schemas.append(schema) }
    }

    private mutating func add(schemaOf list: SyntaxNode?) {
        guard let list, !list.range.isEmpty else { return }
        add(schema: list.tree.qualifiedName(list.index)?.schema)
    }

    private mutating func add(object: SyntaxNode, _ type: String) {
        if let items = object["List"]?["items"] {
            add(list: items.strings, type)
        } else if let name = object["String"]?["sval"]?.string {
            let isSchema = type == "OBJECT_SCHEMA" || node["targtype"]?.string == "ACL_TARGET_ALL_IN_SCHEMA"
            if isSchema { add(schema: name) }
        } else {
            // A function is a node of its own or a field of one, `func`.
            add(schemaOf: object["ObjectWithArgs"]?["objname"] ?? object["objname"] ?? object["TypeName"]?["names"])
        }
    }

    private mutating func add(list: [String], _ type: String) {
        let dropped: Int
        switch type {
        case "OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_SEQUENCE", "OBJECT_INDEX", "OBJECT_FOREIGN_TABLE":
            dropped = 0
        case "OBJECT_COLUMN", "OBJECT_TRIGGER", "OBJECT_RULE", "OBJECT_POLICY", "OBJECT_TABCONSTRAINT": dropped = 1
        default:
            // Collations, statistics, text search objects and the like: at least the schema is known.
            return add(schema: list.count > 1 ? list[list.count - 2] : nil)
        }
        let parts = list.dropLast(dropped)
        guard let name = parts.last else { return }
        relations.append(QualifiedName(schema: parts.dropLast().last, name: name))
    }
}
