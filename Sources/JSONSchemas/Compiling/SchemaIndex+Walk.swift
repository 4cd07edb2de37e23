extension SchemaIndex {
    /// What is around a schema.
    struct Around {
        var document: Int
        var base: URIReference
        var resource: Int
        var rules: SchemaRules
        var isRoot = false
    }

    /// Takes in a schema and those within it.
    @discardableResult
    func walk(_ value: JSONValue, _ pointer: JSONPointer, _ outer: Around) -> Int {
        let site = Site(document: outer.document, pointer: pointer)
        if let known = sites[site] { return known }
        let index = entries.count
        sites[site] = index
        entries.append(
            Entry(
                document: outer.document, pointer: pointer, value: value, base: outer.base, resource: outer.resource,
                rules: outer.rules))
        guard pointer.tokens.count <= SchemaIndex.deepest else {
            mistake(outer.document, pointer, "lies too deep, below more than \(SchemaIndex.deepest) keys")
            return index
        }
        guard case .object(let object) = value else {
            if !value.isSchema { mistake(outer.document, pointer, "a schema has to be an object, true or false") }
            return index
        }
        var around = outer
        readDialect(object, pointer, index, &around)
        // In draft 7 nothing counts beside a reference, not even $id.
        let isReference = around.rules.dialect == .draft7 && object.contains("$ref")
        if !isReference { readNames(object, pointer, index, &around) }
        entries[index].base = around.base
        entries[index].resource = around.resource
        entries[index].rules = around.rules
        around.isRoot = false
        for member in object.members {
            read(member, of: object, pointer.appending(member.key), isReference: isReference, around)
        }
        return index
    }

    private func readNames(_ object: JSONObject, _ pointer: JSONPointer, _ index: Int, _ around: inout Around) {
        if case .string(let id) = object["$id"] { readIdentifier(id, pointer, index, &around) }
        guard around.rules.dialect == .draft202012 else { return }
        for (keyword, isDynamic) in [("$anchor", false), ("$dynamicAnchor", true)] {
            guard case .string(let name) = object[keyword] else { continue }
            readAnchor(name, keyword, pointer, index, around, isDynamic: isDynamic)
        }
    }

    private func readAnchor(
        _ name: String, _ keyword: String, _ pointer: JSONPointer, _ index: Int, _ around: Around, isDynamic: Bool
    ) {
        let key = JSONKey(name)
        let resource = resources[around.resource]
        let known = [resource.anchors[key], resource.dynamicAnchors[key]].compactMap { $0 }
        if known.contains(where: { $0 != index }) {
            mistake(around.document, pointer.appending(keyword), "another schema of this resource is named \(name)")
        } else if isDynamic {
            resources[around.resource].dynamicAnchors[key] = index
        } else {
            resources[around.resource].anchors[key] = index
        }
    }

    private func readIdentifier(_ id: String, _ pointer: JSONPointer, _ index: Int, _ around: inout Around) {
        guard URIText.isReference(id) else { return }
        var reference = URIReference(id)
        let name = reference.fragment.flatMap { $0.isEmpty ? nil : $0 }
        reference.fragment = nil
        if !reference.document.isEmpty {
            around.base = reference.resolved(against: around.base)
            let uri = around.base.document
            if pointer.tokens.isEmpty {
                documents[around.document].uri = uri
            } else {
                resources.append(Resource(document: around.document, pointer: pointer))
                around.resource = resources.count - 1
            }
            if let known = resourceByURI[uri], known != around.resource {
                mistake(around.document, pointer.appending("$id"), "another schema has the URI \(uri)")
            } else {
                resourceByURI[uri] = around.resource
            }
        }
        // Draft 7 names schemas so; later drafts have $anchor.
        if around.rules.dialect == .draft7, let name {
            readAnchor(name, "$id", pointer, index, around, isDynamic: false)
        }
    }

    private func read(
        _ member: JSONObject.Member, of object: JSONObject, _ pointer: JSONPointer, isReference: Bool, _ around: Around
    ) {
        let name = member.key
        if isReference, name != "$ref", name != "definitions", name != "$schema" {
            ignore(pointer, .besideReference, around)
            return
        }
        guard let keyword = SchemaKeyword.named(name, in: around.rules) else {
            ignore(pointer, .unknown, around)
            return
        }
        for mistake in keyword.form.mistakes(in: member.value, dialect: around.rules.dialect) {
            self.mistake(around.document, JSONPointer(tokens: pointer.tokens + mistake.path), mistake.message)
        }
        if let reason = SchemaIndex.reasonToIgnore(name, object, around.rules) { ignore(pointer, reason, around) }
        walkWithin(member.value, keyword.form, pointer, around)
    }

    private func ignore(_ pointer: JSONPointer, _ reason: IgnoredKeyword.Reason, _ around: Around) {
        // What the specifications themselves contain is nobody's slip.
        guard MetaSchemas.documents[documents[around.document].uri] == nil else { return }
        ignored.append(IgnoredKeyword(document: documents[around.document].uri, pointer: pointer, reason: reason))
    }

    private static func reasonToIgnore(
        _ name: String, _ object: JSONObject, _ rules: SchemaRules
    ) -> IgnoredKeyword.Reason? {
        switch name {
        case "contentEncoding", "contentMediaType", "contentSchema": return .annotation
        case "format": return rules.assertsFormats ? nil : .annotation
        case "then", "else": return object.contains("if") ? nil : .withoutPartner
        case "if": return object.contains("then") || object.contains("else") ? nil : .withoutPartner
        case "minContains", "maxContains": return object.contains("contains") ? nil : .withoutPartner
        case "additionalItems":
            if case .array = object["items"] { return nil }
            return .withoutPartner
        default: return nil
        }
    }

    private func walkWithin(_ value: JSONValue, _ form: KeywordForm, _ pointer: JSONPointer, _ around: Around) {
        switch (form, value) {
        case (.schema, _): walk(value, pointer, around)
        case (.schemas, .array(let values)), (.schemaOrSchemas, .array(let values)):
            for (index, value) in values.enumerated() { walk(value, pointer.appending(index), around) }
        case (.schemaOrSchemas, _): walk(value, pointer, around)
        case (.schemaMap, .object(let object)), (.patternMap, .object(let object)):
            for member in object.members { walk(member.value, pointer.appending(member.key), around) }
        case (.dependencies, .object(let object)):
            for member in object.members {
                if case .array = member.value { continue }
                walk(member.value, pointer.appending(member.key), around)
            }
        default: break
        }
    }
}
