extension SchemaCompiler {
    /// The keywords of one schema. Those that its dialect does not have are not there; mistakes in their values have been
    /// found before.
    struct Source {
        let index: SchemaIndex
        let entry: SchemaIndex.Entry
        let object: JSONObject

        subscript(keyword: String) -> JSONValue? {
            guard let value = object[keyword], SchemaKeyword.named(keyword, in: entry.rules) != nil else { return nil }
            return value
        }

        func mistake(_ keyword: String, _ message: String) {
            index.mistake(entry.document, entry.pointer.appending(keyword), message)
        }

        func number(_ keyword: String) -> JSONNumber? {
            guard case .number(let number) = self[keyword] else { return nil }
            return number
        }

        func count(_ keyword: String) -> Int? { number(keyword).map { $0.int ?? .max } }

        private func node(_ pointer: JSONPointer) -> Int? {
            index.sites[SchemaIndex.Site(document: entry.document, pointer: pointer)]
        }

        func schema(_ keyword: String) -> Int? {
            self[keyword] == nil ? nil : node(entry.pointer.appending(keyword))
        }

        func schemas(_ keyword: String) -> [Int] {
            guard case .array(let values) = self[keyword] else { return [] }
            return values.indices.compactMap { node(entry.pointer.appending(keyword).appending($0)) }
        }

        func schemaMap(_ keyword: String) -> [(key: String, schema: Int)] {
            guard case .object(let object) = self[keyword] else { return [] }
            return object.members.compactMap { member in
                guard member.value.isSchema else { return nil }
                return node(entry.pointer.appending(keyword).appending(member.key)).map { (member.key, $0) }
            }
        }

        func reference(_ keyword: String) -> Int? {
            guard case .string(let text) = self[keyword], URIText.isReference(text) else { return nil }
            switch index.resolve(text, base: entry.base) {
            case .success(let target): return target
            case .failure(let failure):
                mistake(keyword, "\(text) leads nowhere: \(failure.message)")
                return nil
            }
        }

        /// Dynamic only where it first leads to a `$dynamicAnchor`; otherwise it is as `$ref`.
        func dynamicReference() -> Applicator? {
            guard let target = reference("$dynamicRef"), case .string(let text) = self["$dynamicRef"] else {
                return nil
            }
            guard let name = URIReference(text).fragment.flatMap(URIReference.percentDecoded) else {
                return .reference(target)
            }
            let key = JSONKey(name)
            let resource = index.resources[index.entries[target].resource]
            return resource.dynamicAnchors[key] == target ? .dynamicReference(key, target) : .reference(target)
        }
    }
}
