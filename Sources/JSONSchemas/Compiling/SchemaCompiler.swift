/// Makes nodes of the schemas in an index.
struct SchemaCompiler {
    let index: SchemaIndex
    var nodes: [SchemaNode] = []

    init(_ index: SchemaIndex) { self.index = index }

    /// All nodes; references may take further documents into the index on the way.
    mutating func compileAll() {
        while nodes.count < index.entries.count { nodes.append(SchemaNode(compile(index.entries[nodes.count]))) }
    }

    private func compile(_ entry: SchemaIndex.Entry) -> SchemaNode.Parts {
        var node = SchemaNode.Parts(
            document: index.documents[entry.document].uri, pointer: entry.pointer, resource: entry.resource)
        guard case .object(let object) = entry.value else {
            node.verdict = entry.value == .bool(true)
            return node
        }
        let source = Source(index: index, entry: entry, object: object)
        if entry.rules.dialect == .draft7, object.contains("$ref") {
            if let target = source.reference("$ref") { node.applicators = [.reference(target)] }
            return node
        }
        readValues(source, &node)
        readNumbers(source, &node)
        readStrings(source, &node)
        readArrays(source, &node)
        readObjects(source, &node)
        readApplicators(source, &node)
        if !node.demandsAnything { node.verdict = true }
        return node
    }

    private func readValues(_ source: Source, _ node: inout SchemaNode.Parts) {
        if let type = source["type"] {
            var types: TypeSet = []
            for name in type.strings { types.formUnion(TypeSet(name: name) ?? []) }
            node.types = types
        }
        if case .array(let values) = source["enum"] { node.allowed = AllowedValues(values) }
        node.constant = source["const"]
    }

    private func readNumbers(_ source: Source, _ node: inout SchemaNode.Parts) {
        var rules = NumberRules()
        rules.minimum = source.number("minimum")
        rules.exclusiveMinimum = source.number("exclusiveMinimum")
        rules.maximum = source.number("maximum")
        rules.exclusiveMaximum = source.number("exclusiveMaximum")
        rules.divisor = source.number("multipleOf")
        let all = [rules.minimum, rules.exclusiveMinimum, rules.maximum, rules.exclusiveMaximum, rules.divisor]
        if all.contains(where: { $0 != nil }) { node.number = rules }
    }

    private func readStrings(_ source: Source, _ node: inout SchemaNode.Parts) {
        var rules = StringRules()
        rules.minimum = source.count("minLength") ?? 0
        rules.maximum = source.count("maxLength") ?? .max
        if case .string(let text) = source["pattern"] { rules.pattern = try? Pattern(text) }
        if case .string(let name) = source["format"], source.entry.rules.assertsFormats {
            rules.format = SchemaFormat(rawValue: name)
            if rules.format == nil {
                let known = SchemaFormat.allCases.map(\.rawValue).joined(separator: ", ")
                source.mistake(
                    "format", "the format \(JSONWriter.shortened(.string(name))) cannot be checked; those are \(known)")
            }
        }
        if rules.minimum > 0 || rules.maximum < .max || rules.pattern != nil || rules.format != nil {
            node.string = rules
        }
    }

    private func readArrays(_ source: Source, _ node: inout SchemaNode.Parts) {
        var rules = ArrayRules()
        rules.minimum = source.count("minItems") ?? 0
        rules.maximum = source.count("maxItems") ?? .max
        rules.isUnique = source["uniqueItems"] == .bool(true)
        rules.prefix = source.schemas("prefixItems")
        if case .array = source["items"] {
            rules.prefix = source.schemas("items")
            rules.rest = source.schema("additionalItems")
        } else {
            rules.rest = source.schema("items")
        }
        if let schema = source.schema("contains") {
            rules.contains = ArrayRules.Contains(
                schema: schema, minimum: source.count("minContains") ?? 1, maximum: source.count("maxContains") ?? .max,
                marks: source.entry.rules.dialect == .draft202012)
        }
        let isNeeded =
            rules.minimum > 0 || rules.maximum < .max || rules.isUnique || !rules.prefix.isEmpty || rules.rest != nil
            || rules.contains != nil
        if isNeeded { node.array = rules }
    }

    private func readObjects(_ source: Source, _ node: inout SchemaNode.Parts) {
        var rules = ObjectRules()
        rules.minimum = source.count("minProperties") ?? 0
        rules.maximum = source.count("maxProperties") ?? .max
        rules.required = source["required"]?.strings ?? []
        for (key, schema) in source.schemaMap("properties") { rules.properties[JSONKey(key)] = schema }
        for (key, schema) in source.schemaMap("patternProperties") {
            guard let pattern = try? Pattern(key) else { continue }
            rules.patterns.append(ObjectRules.Patterned(pattern: pattern, schema: schema))
        }
        rules.additional = source.schema("additionalProperties")
        rules.names = source.schema("propertyNames")
        for keyword in ["dependentRequired", "dependencies"] {
            guard case .object(let object) = source[keyword] else { continue }
            for member in object.members {
                guard case .array = member.value else { continue }
                let required = member.value.strings
                rules.dependencies.append(
                    ObjectRules.Dependency(key: member.key, required: required, keyword: keyword))
            }
        }
        let isNeeded =
            rules.minimum > 0 || rules.maximum < .max || !rules.required.isEmpty || !rules.dependencies.isEmpty
            || rules.looksAtMembers
        if isNeeded { node.object = rules }
    }

    private func readApplicators(_ source: Source, _ node: inout SchemaNode.Parts) {
        if let target = source.reference("$ref") { node.applicators.append(.reference(target)) }
        if let target = source.dynamicReference() { node.applicators.append(target) }
        if source["allOf"] != nil { node.applicators.append(.allOf(source.schemas("allOf"))) }
        if source["anyOf"] != nil { node.applicators.append(.anyOf(source.schemas("anyOf"))) }
        if source["oneOf"] != nil { node.applicators.append(.oneOf(source.schemas("oneOf"))) }
        if let schema = source.schema("not") { node.applicators.append(.not(schema)) }
        // Alone it decides nothing, but what it looked at counts as evaluated.
        if let condition = source.schema("if") {
            let then = source.schema("then")
            node.applicators.append(.condition(condition, then: then, otherwise: source.schema("else")))
        }
        let dependent = source.schemaMap("dependentSchemas") + source.schemaMap("dependencies")
        if !dependent.isEmpty { node.applicators.append(.dependent(dependent)) }
        node.unevaluatedItems = source.schema("unevaluatedItems")
        node.unevaluatedProperties = source.schema("unevaluatedProperties")
    }
}

extension JSONValue {
    /// The string, or those of an array.
    var strings: [String] {
        switch self {
        case .string(let text): return [text]
        case .array(let values):
            return values.compactMap { value in
                guard case .string(let text) = value else { return nil }
                return text
            }
        default: return []
        }
    }
}
