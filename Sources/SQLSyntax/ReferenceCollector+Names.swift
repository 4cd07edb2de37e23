extension ReferenceCollector {
    mutating func addType(_ index: Int) {
        guard let node = node(index).parent, let names = node["names"]?.strings, let name = names.last else { return }
        let schema = names.count > 1 ? names[names.count - 2] : nil
        guard schema != "pg_catalog", schema != nil || !BuiltInNames.types.contains(name) else { return }
        var form = TypeReference.Form.named
        var reference = TypeReference(schema: schema, name: name, form: form, place: place(node.location))
        if node["pct_type"]?.bool ?? false, names.count > 1 {
            form = .columnType(column: name)
            reference.schema = names.count > 2 ? names[names.count - 3] : nil
            reference.name = names[names.count - 2]
            reference.form = form
        }
        result.types.append(reference)
    }

    mutating func addCollation(_ index: Int) {
        guard let parent = node(index).parent, let name = node(index).strings.last else { return }
        let names = node(index).strings
        let schema = names.count > 1 ? names[names.count - 2] : nil
        guard schema != "pg_catalog" else { return }
        result.collations.append(CollationReference(schema: schema, name: name, place: place(parent.location)))
    }

    mutating func addFunction(_ index: Int) {
        guard let call = node(index).parent, let name = node(index).strings.last else { return }
        let names = node(index).strings
        let schema = names.count > 1 ? names[names.count - 2] : nil
        let isDefinition = call.isKey("CreateFunctionStmt")
        guard !isDefinition else { return }
        let arguments = call["args"]?.children ?? []
        result.functions.append(
            FunctionReference(
                schema: schema,
                name: name,
                argumentCount: call.isKey("CreateTrigStmt") ? 0 : arguments.count,
                place: place(call.location)
            )
        )
        guard schema == nil || schema == "pg_catalog", !call.isKey("CreateTrigStmt") else { return }
        checkBuiltInCall(name, arguments, at: call.location)
    }

    private mutating func checkBuiltInCall(_ name: String, _ arguments: [SyntaxNode], at offset: Int) {
        if name == "set_config", literal(arguments.first)?.value == "search_path" { result.setsSearchPath = true }
        if name == "nextval" || name == "setval" { result.writes = true }
        if TextSearchArguments.first.contains(name), arguments.count > 1 {
            addTextSearch(literal(arguments[0]))
        }
        guard let position = RelationNameArguments.position(function: name, count: arguments.count) else { return }
        guard let literal = literal(arguments[position]) else {
            if name == "pg_get_serial_sequence" { use(.serialSequence, nil, at: offset) }
            return
        }
        claimedLiterals.insert(literal.node.index)
        addNameLiteral(literal, usage: name)
        if name == "pg_get_serial_sequence", let relation = QualifiedName.parse(literal.value) {
            use(.serialSequence, relation, at: literal.node.location)
        }
    }

    private mutating func addNameLiteral(_ literal: (value: String, node: SyntaxNode), usage: String) {
        // A number is an OID, which is not bound by name.
        guard !literal.value.allSatisfy(\.isNumber), let name = QualifiedName.parse(literal.value) else { return }
        guard name.schema != "pg_catalog" else { return }
        result.regclassLiterals.append(
            NameLiteral(
                schema: name.schema, name: name.name, usage: usage, place: place(literal.node.location)
            )
        )
    }

    private mutating func addTextSearch(_ literal: (value: String, node: SyntaxNode)?) {
        guard let literal, !literal.value.allSatisfy(\.isNumber), let name = QualifiedName.parse(literal.value),
            name.schema != "pg_catalog"
        else { return }
        let found = TextSearchLiteral(schema: name.schema, name: name.name, place: place(literal.node.location))
        if !result.textSearchLiterals.contains(found) { result.textSearchLiterals.append(found) }
    }

    /// Casts of constants to the types that look names up.
    mutating func checkCast(_ index: Int) {
        let cast = node(index)
        guard let type = cast["typeName"]?["names"]?.strings.last,
            let literal = literal(cast["arg"]),
            !claimedLiterals.contains(literal.node.index)
        else { return }
        switch type {
        case "regclass": addNameLiteral(literal, usage: "regclass")
        case "regconfig", "regdictionary": addTextSearch(literal)
        case "regproc", "regprocedure":
            let text = literal.value.prefix { $0 != "(" }
            guard let name = QualifiedName.parse(String(text)), name.schema != "pg_catalog" else { return }
            result.functions.append(
                FunctionReference(
                    schema: name.schema, name: name.name, argumentCount: 0, place: place(literal.node.location)
                )
            )
        case "regtype":
            guard let name = QualifiedName.parse(literal.value), name.schema != "pg_catalog",
                name.schema != nil || !BuiltInNames.types.contains(name.name)
            else { return }
            result.types.append(
                TypeReference(
                    schema: name.schema, name: name.name, form: .named, place: place(literal.node.location)
                )
            )
        default: break
        }
    }

    /// The string constant an expression is, also inside one cast to text or another type.
    func literal(_ expression: SyntaxNode?) -> (value: String, node: SyntaxNode)? {
        guard let expression else { return nil }
        let node = expression["TypeCast"]?["arg"]?["A_Const"] ?? expression["A_Const"]
        guard let node, let text = node["sval"] else { return nil }
        return (text["sval"]?.string ?? "", node)
    }
}

/// Functions whose first argument, where there are several, may be a text search configuration or dictionary.
enum TextSearchArguments {
    static let first: Set<String> = [
        "to_tsvector", "to_tsquery", "plainto_tsquery", "phraseto_tsquery", "websearch_to_tsquery", "ts_headline",
        "json_to_tsvector", "jsonb_to_tsvector", "ts_lexize",
    ]
}

/// Which argument of PostgreSQL's own functions is looked up as a relation's name.
enum RelationNameArguments {
    private static let first: Set<String> = [
        "nextval", "currval", "setval", "pg_get_serial_sequence", "to_regclass", "pg_relation_size", "pg_table_size",
        "pg_total_relation_size", "pg_indexes_size", "pg_relation_filenode", "pg_relation_filepath",
        "pg_sequence_last_value", "pg_partition_root", "pg_partition_tree", "pg_partition_ancestors",
        "pg_relation_is_publishable", "pg_relation_is_updatable", "pg_column_is_updatable", "row_security_active",
        "table_to_xml", "table_to_xmlschema", "table_to_xml_and_xmlschema", "pg_extension_config_dump",
        "brin_summarize_new_values", "brin_summarize_range", "brin_desummarize_range", "gin_clean_pending_list",
        "pg_index_has_property", "pg_index_column_has_property", "pg_get_replica_identity_index", "pg_prewarm",
        "pgstattuple", "pgstatindex",
    ]

    /// nil when the function takes no relation's name or too few arguments.
    static func position(function: String, count: Int) -> Int? {
        let position: Int
        switch function {
        case "has_table_privilege", "has_sequence_privilege", "has_any_column_privilege": position = count - 2
        case "has_column_privilege": position = count - 3
        default: position = first.contains(function) ? 0 : -1
        }
        return (0..<count).contains(position) ? position : nil
    }
}
