extension ReferenceCollector {
    /// The named node around a relation, and the field of it that the relation stands in.
    private func owner(of index: Int) -> (type: String, field: String) {
        var field = ""
        var position = index
        while position >= 0 {
            let entry = tree.entries[position]
            if entry.keyLength > 0 {
                let key = node(position).key
                if !tree.isTyped(position) {
                    // A side of a UNION; without this stop, long unions would be climbed from every leaf.
                    if !field.isEmpty, key == "larg" || key == "rarg" { return ("SelectStmt", field) }
                    if field.isEmpty { field = key }
                } else if key != "RangeVar" {
                    return (key, field)
                }
            }
            position = Int(entry.parent)
        }
        return ("", field)
    }

    mutating func addRelation(_ index: Int) {
        guard let range = node(index).parent, let name = node(index).string else { return }
        let schema = range["schemaname"]?.string
        let owner = owner(of: range.index)
        if owner.type == "ConstraintsSetStmt" {
            result.constraints.append(
                ConstraintReference(schema: schema, name: name, place: place(range.location)))
            return
        }
        guard let access = access(owner), owner.type != "LockingClause" else { return }
        if access == .read, schema == nil, scopes.isCommonTable(name, at: range.index) { return }
        let relation = RelationReference(
            catalog: range["catalogname"]?.string,
            schema: schema,
            name: name,
            access: access,
            place: place(range.location)
        )
        result.relations.append(relation)
        if let feature = feature(owner) {
            use(feature, relation.qualifiedName, at: range.location)
        }
    }

    /// nil for places that repeat an alias.
    private func access(_ owner: (type: String, field: String)) -> RelationAccess? {
        switch (owner.type, owner.field) {
        case ("LockingClause", _): nil
        case ("InsertStmt", "relation"): .insert
        case ("UpdateStmt", "relation"): .update
        case ("DeleteStmt", "relation"): .delete
        case ("MergeStmt", "relation"): .merge
        case ("CopyStmt", _): .copy
        case ("TruncateStmt", _): .truncate
        case ("LockStmt", _): .lock
        case ("SelectStmt", "rel"), ("CreateTableAsStmt", "rel"): .ddl
        case ("SelectStmt", _), ("JoinExpr", _), ("RangeTableSample", _), ("TableLikeClause", _), ("UpdateStmt", _),
            ("DeleteStmt", _), ("InsertStmt", _), ("MergeStmt", _):
            .read
        default: .ddl
        }
    }

    private func feature(_ owner: (type: String, field: String)) -> ShimFeature? {
        switch (owner.type, owner.field) {
        case ("CopyStmt", _): .copy
        case ("TruncateStmt", _): .truncate
        case ("MergeStmt", "relation"): .merge
        case ("RangeTableSample", _): .tableSample
        case ("IndexStmt", _): .createIndex
        case ("Constraint", "pktable"): .foreignKey
        case ("CreateStmt", "inhRelations"), ("CreateForeignTableStmt", "inhRelations"), ("PartitionCmd", _),
            ("AlterTableCmd", _):
            .inherits
        case ("CreateTrigStmt", "relation"): .createTrigger
        case ("VacuumRelation", _), ("ClusterStmt", _), ("ReindexStmt", _): .maintenance
        case ("RefreshMatViewStmt", _): .refresh
        case ("AlterTableStmt", _): objectType("objtype")
        case ("RenameStmt", _): objectType("renameType") ?? objectType("relationType")
        case ("AlterObjectSchemaStmt", _): objectType("objectType")
        case ("CreatePolicyStmt", _), ("AlterPolicyStmt", _), ("CreateStatsStmt", _): .alterTable
        default: nil
        }
    }

    private func objectType(_ field: StaticString) -> ShimFeature? {
        statement.node[field]?.string == "OBJECT_TABLE" ? .alterTable : nil
    }

    /// `DROP TABLE a.b, c` and `COMMENT ON TABLE a.b` name their objects as lists of strings.
    mutating func addNamedObjects(_ node: SyntaxNode) {
        let kind = (node["removeType"] ?? node["objtype"])?.string ?? ""
        let dropped: Int
        switch kind {
        case "OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_SEQUENCE", "OBJECT_INDEX", "OBJECT_FOREIGN_TABLE":
            dropped = 0
        case "OBJECT_COLUMN", "OBJECT_TRIGGER", "OBJECT_RULE", "OBJECT_POLICY", "OBJECT_TABCONSTRAINT": dropped = 1
        default: return
        }
        let lists = node["objects"]?.children ?? [node["object"]].compactMap { $0 }
        for list in lists {
            let parts = Array((list["List"]?["items"]?.strings ?? []).dropLast(dropped))
            guard let name = parts.last else { continue }
            let relation = RelationReference(
                catalog: parts.count > 2 ? parts[0] : nil,
                schema: parts.count > 1 ? parts[parts.count - 2] : nil,
                name: name,
                access: .ddl,
                place: place(0)
            )
            result.relations.append(relation)
            let refusesViews = dropped == 1 && kind != "OBJECT_COLUMN" || kind == "OBJECT_TABLE"
            if refusesViews { use(.alterTable, relation.qualifiedName, at: 0) }
        }
    }
}
