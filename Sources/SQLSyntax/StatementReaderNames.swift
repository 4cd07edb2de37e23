extension StatementWalk {
    /// `index` is the `relname` of a range variable, which stands in a list, below a join, or is a statement's own field.
    mutating func addRelation(_ index: Int) {
        let variable = Int(tree.entries[index].parent)
        guard variable >= range.lowerBound, let name = node(index).string else { return }
        let schema = node(variable)["schemaname"]?.string
        let relation = QualifiedName(schema: schema, name: name)
        let holder = Int(tree.entries[variable].parent)
        guard holder >= 0 else { return }
        if tree.key(variable, is: "RangeVar") {
            addWrapped(relation, variable, holder)
        } else {
            addField(relation, variable, holder)
        }
    }

    /// `{"RangeVar":…}`: `holder` is that wrapper, an element of a list or a field of a node.
    private mutating func addWrapped(_ relation: QualifiedName, _ variable: Int, _ holder: Int) {
        let list = Int(tree.entries[holder].parent)
        let field = tree.entries[holder].keyLength > 0 ? holder : list
        if tree.key(field, is: "fromClause") || tree.key(field, is: "larg") || tree.key(field, is: "rarg")
            || tree.key(field, is: "usingClause") || tree.key(field, is: "sourceRelation")
            || tree.key(field, is: "relation")
        {
            candidates.append((variable, relation))
        } else if !tree.key(field, is: "lockedRels") && !tree.key(field, is: "constraints") {
            shape.writes.append(relation)
        }
    }

    /// `"relation":{…}` and the like: `owner` is the node that has the field.
    private mutating func addField(_ relation: QualifiedName, _ variable: Int, _ owner: Int) {
        if tree.key(owner, is: "TableLikeClause") {
            candidates.append((-1, relation))
            return
        }
        if tree.key(owner, is: "CopyStmt"), !(node(owner)["is_from"]?.bool ?? false) {
            candidates.append((-1, relation))
            return
        }
        let isInto = tree.key(owner, is: "intoClause") || tree.key(owner, is: "into")
        if isTemporary(variable, relation, isCreated: isInto || isCreation(owner)) {
            createsTemporary = true
            return
        }
        shape.writes.append(relation)
        if isInto && tree.key(owner, is: "intoClause") { shape.definesRelation = true }
        if tree.key(owner, is: "UpdateStmt") || tree.key(owner, is: "DeleteStmt") || tree.key(owner, is: "MergeStmt") {
            // Its own name is never a common table expression's.
            candidates.append((-1, relation))
        }
    }

    private func isCreation(_ owner: Int) -> Bool {
        tree.key(owner, is: "CreateStmt") || tree.key(owner, is: "ViewStmt") || tree.key(owner, is: "CreateSeqStmt")
            || tree.key(owner, is: "CompositeTypeStmt")
    }

    private func isTemporary(_ variable: Int, _ relation: QualifiedName, isCreated: Bool) -> Bool {
        if let persistence = node(variable)["relpersistence"], tree.value(persistence.index, is: "t") { return true }
        return isCreated && Self.isTemporary(schema: relation.schema)
    }

    /// `pg_temp`, or a session's own `pg_temp_3`.
    static func isTemporary(schema: String?) -> Bool {
        guard let schema else { return false }
        return schema == "pg_temp" || schema.hasPrefix("pg_temp_")
    }

    mutating func addType(_ index: Int) {
        let type = Int(tree.entries[index].parent)
        guard type >= 0, let names = node(type)["names"] else { return }
        let found = tree.lastNames(names.index)
        if let schema = found.schema, tree.value(schema, is: "pg_catalog") { return }
        guard let name = tree.qualifiedName(names.index), !(node(type)["pct_type"]?.bool ?? false) else { return }
        guard name.schema != nil || !BuiltInNames.types.contains(name.name) else { return }
        shape.types.append(name)
    }

    mutating func addOperator(_ list: Int) {
        let (schema, name) = tree.lastNames(list)
        guard let name else { return }
        if let schema {
            guard !tree.value(schema, is: "pg_catalog"), let found = tree.qualifiedName(list) else { return }
            shape.operators.append(found)
            return
        }
        let entry = tree.entries[name]
        guard !BuiltInOperators.contains(json: tree.json, Int(entry.valueStart)..<Int(entry.valueEnd)),
            let found = node(name).string, found.utf8.first.map(Self.isOperatorByte) ?? false
        else { return }
        shape.operators.append(QualifiedName(name: found))
    }

    /// BETWEEN stands in the place of an operator's name and is none.
    private static func isOperatorByte(_ byte: UInt8) -> Bool {
        !(0x41...0x5A).contains(byte) && !(0x61...0x7A).contains(byte)
    }

    /// `index` is the `funcname` of a call, or of something that only names a function.
    mutating func addFunction(_ index: Int) {
        let call = Int(tree.entries[index].parent)
        guard call >= 0, tree.key(call, is: "FuncCall") || tree.key(call, is: "funccall"),
            let name = tree.qualifiedName(index)
        else { return }
        shape.functions.append(name)
        guard name.schema == nil || name.schema == "pg_catalog", let arguments = node(call)["args"] else { return }
        if name.name == "set_config" {
            addSetting(arguments.children)
        } else {
            addConstant(of: name.name, arguments)
        }
    }

    private mutating func addSetting(_ arguments: [SyntaxNode]) {
        let named = arguments.first { $0["NamedArgExpr"]?["name"]?.string == "setting_name" }?["NamedArgExpr"]?["arg"]
        guard let setting = constant(named ?? arguments.first), !setting.isEmpty, shape.configuredSettings.count < 64
        else {
            shape.configuresUnknownSetting = true
            return
        }
        let name = setting.lowercased()
        if !shape.configuredSettings.contains(name) { shape.configuredSettings.append(name) }
    }

    /// Constants that PostgreSQL's own functions look up as a relation's name.
    private mutating func addConstant(of function: String, _ arguments: SyntaxNode) {
        let values = arguments.children
        guard let position = RelationNameArguments.position(function: function, count: values.count),
            // A cast is met by itself.
            values[position]["TypeCast"] == nil || !isRelationCast(values[position]["TypeCast"])
        else { return }
        addRelationConstant(constant(values[position]))
    }

    mutating func addCastConstant(_ index: Int) {
        let cast = node(index)
        guard isRelationCast(cast) else { return }
        addRelationConstant(constant(cast["arg"]))
    }

    private func isRelationCast(_ cast: SyntaxNode?) -> Bool {
        guard let names = cast?["typeName"]?["names"], let name = tree.lastNames(names.index).name else { return false }
        return tree.value(name, is: "regclass")
    }

    private mutating func addRelationConstant(_ text: String?) {
        // A number is an OID, which is not bound by name.
        guard let text, !text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let name = QualifiedName.parse(text),
            name.schema != "pg_catalog"
        else { return }
        candidates.append((-1, name))
    }

    /// The string constant an expression is, also inside a cast.
    private func constant(_ expression: SyntaxNode?) -> String? {
        guard let expression else { return nil }
        guard let node = expression["TypeCast"]?["arg"]?["A_Const"] ?? expression["A_Const"], let text = node["sval"]
        else { return nil }
        return text["sval"]?.string ?? ""
    }
}
