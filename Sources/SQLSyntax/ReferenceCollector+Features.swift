extension ReferenceCollector {
    private static let systemColumns: Set<String> = ["xmin", "xmax", "cmin", "cmax", "ctid", "tableoid"]
    /// Functions of PostgreSQL that take a row of any type, a view's too.
    private static let anyRowFunctions: Set<String> = [
        "count", "to_json", "to_jsonb", "row_to_json", "json_agg", "jsonb_agg", "array_agg", "json_build_object",
        "jsonb_build_object", "json_build_array", "jsonb_build_array", "json_object_agg", "jsonb_object_agg",
        "coalesce", "hstore", "md5", "jsonb_strip_nulls", "json_strip_nulls",
    ]

    mutating func checkConflictTarget(_ index: Int) {
        guard let infer = node(index).parent, infer.isKey("infer") else { return }
        use(.onConflictOnConstraint, scopes.firstRelation(at: index), at: infer.location)
    }

    mutating func checkColumn(_ index: Int) {
        let column = node(index)
        let fields = column["fields"]?.children ?? []
        let names = column["fields"]?.strings ?? []
        if fields.count == names.count, let name = names.last, Self.systemColumns.contains(name) {
            checkSystemColumn(names, index, at: column.location)
        } else if let label = names.first, names.count == 1, isCallArgument(index) {
            guard let relation = scopes.relation(labelled: label, at: index)?.name else { return }
            use(.rowType, relation, at: column.location)
        }
    }

    private mutating func checkSystemColumn(_ names: [String], _ index: Int, at offset: Int) {
        guard names.count == 1 else {
            let label = names[names.count - 2]
            // NEW and OLD are rows of the table the trigger is on, whatever its schema.
            if label == "new" || label == "old" { return }
            let known = scopes.relation(labelled: label, at: index)
            if let known, known.name == nil { return }
            use(.systemColumn, known?.name ?? QualifiedName(name: label), at: offset)
            return
        }
        guard scopes.relationCount(at: index) > 0 else { return }
        use(.systemColumn, scopes.soleRelation(at: index), at: offset)
    }

    /// Whether a column reference is an argument of a function that may want the table's row type.
    private func isCallArgument(_ index: Int) -> Bool {
        guard let list = node(index).parent?.parent, list.isKey("args"), let call = list.parent,
            call.isKey("FuncCall"), let name = call["funcname"]?.strings.last
        else { return false }
        return !Self.anyRowFunctions.contains(name)
    }

    /// GROUP BY on some columns while others of the same table are selected as they are. That needs the table's
    /// primary key, which a view does not have. The syntax gives a suspicion only: the keys are not known here.
    mutating func checkGrouping(_ index: Int) {
        guard let query = node(index).parent else { return }
        let targets = query["targetList"]?.children ?? []
        var grouped: [SyntaxNode] = []
        for item in node(index).children {
            if item["GroupingSet"] != nil { return }
            grouped.append(resolved(item, targets))
        }
        let columns = grouped.compactMap { GroupedColumn($0["ColumnRef"]) }
        guard !columns.isEmpty else { return }
        let covered = grouped.filter { $0["ColumnRef"] == nil }
        for target in targets {
            guard let value = target["ResTarget"]?["val"] else { continue }
            for column in plainColumns(in: value, outside: covered) {
                guard !columns.contains(where: { $0.covers(column) }) else { continue }
                let label = column.qualifier
                let relation =
                    label.map { scopes.relation(labelled: $0, at: index)?.name } ?? scopes.soleRelation(at: index)
                guard relation != nil || label == nil else { continue }
                use(.functionalDependency, relation, at: column.location)
                return
            }
        }
    }

    /// The expression that `GROUP BY 2` or `GROUP BY alias` stands for.
    private func resolved(_ item: SyntaxNode, _ targets: [SyntaxNode]) -> SyntaxNode {
        if let constant = item["A_Const"]?["ival"] {
            let position = constant["ival"]?.int ?? 0
            guard (1...max(targets.count, 1)).contains(position), !targets.isEmpty else { return item }
            return targets[position - 1]["ResTarget"]?["val"] ?? item
        }
        guard let names = item["ColumnRef"]?["fields"]?.strings, names.count == 1 else { return item }
        let named = targets.first { $0["ResTarget"]?["name"]?.string == names[0] }
        return named?["ResTarget"]?["val"] ?? item
    }

    /// Column references outside of aggregates, subqueries and expressions that are grouped by themselves.
    private func plainColumns(in value: SyntaxNode, outside covered: [SyntaxNode]) -> [GroupedColumn] {
        var columns: [GroupedColumn] = []
        var index = value.index
        while index < value.range.upperBound {
            let current = node(index)
            if isAggregate(current) || current.isKey("SubLink") || covered.contains(where: { same($0, current) }) {
                index = current.range.upperBound
                continue
            }
            if current.isKey("ColumnRef"), let column = GroupedColumn(current) { columns.append(column) }
            index += 1
        }
        return columns
    }

    private func isAggregate(_ node: SyntaxNode) -> Bool {
        guard node.isKey("FuncCall") else { return false }
        if node["agg_star"] != nil || node["agg_filter"] != nil || node["agg_order"] != nil { return true }
        return node["funcname"]?.strings.last.map(BuiltInNames.aggregates.contains) ?? false
    }

    /// Whether two expressions are written alike, wherever they stand.
    private func same(_ left: SyntaxNode, _ right: SyntaxNode) -> Bool {
        guard left.range.count == right.range.count else { return false }
        return zip(left.range, right.range).dropFirst().allSatisfy { first, second in
            guard !tree.key(first, is: "location") else { return tree.key(second, is: "location") }
            let (one, other) = (tree.entries[first], tree.entries[second])
            guard one.kind == other.kind, node(first).key == node(second).key else { return false }
            if one.kind == .object || one.kind == .array { return true }
            return tree.json[Int(one.valueStart)..<Int(one.valueEnd)]
                .elementsEqual(tree.json[Int(other.valueStart)..<Int(other.valueEnd)])
        }
    }
}

/// A column as GROUP BY or the select list names it; `*` has no name.
private struct GroupedColumn {
    let qualifier: String?
    let name: String?
    let location: Int

    init?(_ node: SyntaxNode?) {
        guard let node, let fields = node["fields"]?.children, !fields.isEmpty else { return nil }
        let names = fields.map { $0["String"]?["sval"]?.string }
        name = names[names.count - 1]
        qualifier = names.count > 1 ? names[names.count - 2] : nil
        location = node.location
    }

    func covers(_ other: GroupedColumn) -> Bool {
        guard let name, name == other.name else { return false }
        return qualifier == nil || other.qualifier == nil || qualifier == other.qualifier
    }
}
