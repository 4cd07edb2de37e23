extension SchemaIndex {
    /// `$schema`, at the root of a document or of a resource within it.
    func readDialect(_ object: JSONObject, _ pointer: JSONPointer, _ index: Int, _ around: inout Around) {
        guard case .string(let text) = object["$schema"] else { return }
        let place = pointer.appending("$schema")
        var metaSchemas: Set<String> = []
        switch rules(of: text, &metaSchemas) {
        case .failure(let failure): mistake(around.document, place, failure.message)
        case .success(let rules):
            guard around.isRoot || object.contains("$id") else {
                if rules.dialect != around.rules.dialect {
                    mistake(around.document, place, "a schema without $id has the dialect of what is around it")
                }
                return
            }
            around.rules = rules
            if let own = rules.metaSchema { owingMetaSchema.append((index, own)) }
            if documents.count == 1, around.isRoot {
                defaultRules = SchemaRules(rules.dialect, assertsFormats: formats == .assert)
            }
        }
    }

    private func rules(of text: String, _ seen: inout Set<String>) -> Result<SchemaRules, Unresolved> {
        let reference = URIReference(text)
        let uri = reference.document
        guard reference.scheme != nil, (reference.fragment ?? "").isEmpty else {
            return .failure(Unresolved("has to be the URI of a dialect, such as \(SchemaDialect.draft202012.uri)"))
        }
        if let dialect = SchemaDialect(rawValue: uri) {
            return .success(SchemaRules(dialect, assertsFormats: formats == .assert))
        }
        if let known = knownRules[uri] { return .success(known) }
        let known = SchemaDialect.allCases.map(\.uri).joined(separator: " and ")
        guard let metaSchema = document(uri)?.value, seen.insert(uri).inserted else {
            return .failure(
                Unresolved("the dialect \(text) is not known; there are \(known), and meta-schemas that are given"))
        }
        guard case .string(let own) = metaSchema["$schema"] else {
            return .failure(Unresolved("the meta-schema \(text) does not say its own $schema"))
        }
        return rules(of: own, &seen).flatMap { rules in
            let found = SchemaIndex.rules(rules, of: metaSchema, uri)
            if case .success(let rules) = found { knownRules[uri] = rules }
            return found
        }
    }

    /// The rules of schemas that name a meta-schema which is itself of the dialect `base`.
    private static func rules(
        _ base: SchemaRules, of metaSchema: JSONValue, _ uri: String
    ) -> Result<SchemaRules, Unresolved> {
        var rules = base
        rules.metaSchema = uri
        guard base.dialect == .draft202012, case .object(let vocabularies) = metaSchema["$vocabulary"] else {
            return .success(rules)
        }
        rules.vocabularies = [.core]
        for member in vocabularies.members {
            if let vocabulary = SchemaVocabulary(uri: member.key) {
                rules.vocabularies.insert(vocabulary)
            } else if member.value != .bool(false) {
                return .failure(
                    Unresolved("the meta-schema \(uri) requires the vocabulary \(member.key), which is not known"))
            }
        }
        if rules.vocabularies.contains(.formatAssertion) { rules.assertsFormats = true }
        return .success(rules)
    }
}
