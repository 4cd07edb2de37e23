/// A mistake in a keyword's value: where within it, and what.
struct KeywordMistake {
    var path: [String] = []
    var message: String
}

extension KeywordForm {
    /// What is wrong with a value. Schemas within are not looked into.
    func mistakes(in value: JSONValue, dialect: SchemaDialect) -> [KeywordMistake] {
        switch (self, value) {
        case (.any, _), (.text, .string), (.boolean, .bool), (.number, .number), (.values, .array), (.schema, _):
            return []
        case (.text, _): return wanted("a string")
        case (.boolean, _): return wanted("true or false")
        case (.number, _): return wanted("a number")
        case (.values, _): return wanted("an array")
        case (.positiveNumber, .number(let number)) where number.sign > 0: return []
        case (.positiveNumber, _): return wanted("a number above 0")
        case (.count, .number(let number)) where number.isInteger && number.sign >= 0: return []
        case (.count, _): return wanted("a whole number, 0 or more")
        case (.strings, .array(let values)): return strings(values)
        case (.strings, _): return wanted("an array of strings")
        case (.types, _): return types(value)
        case (.schemas, .array(let values)): return values.isEmpty ? wanted("an array with at least one schema") : []
        case (.schemas, _): return wanted("an array of schemas")
        case (.schemaOrSchemas, .array(let values)):
            return values.isEmpty ? wanted("a schema, or an array with at least one") : []
        case (.schemaOrSchemas, _): return []
        case (.schemaMap, .object): return []
        case (.schemaMap, _): return wanted("an object of schemas")
        case (.stringsMap, .object(let object)), (.dependencies, .object(let object)): return stringLists(object)
        case (.stringsMap, _): return wanted("an object of arrays of strings")
        case (.dependencies, _): return wanted("an object of schemas and arrays of strings")
        case (.pattern, .string(let text)): return pattern(text).map { [KeywordMistake(message: $0)] } ?? []
        case (.pattern, _): return wanted("a regular expression")
        case (.patternMap, .object(let object)): return patterns(object)
        case (.patternMap, _): return wanted("an object of schemas with regular expressions as keys")
        case (.reference, .string(let text)) where URIText.isReference(text): return []
        case (.reference, _): return wanted("a URI reference")
        case (.identifier, _): return identifier(value, dialect)
        case (.anchor, .string(let text)) where KeywordForm.isAnchor(text): return []
        case (.anchor, _): return wanted("a name of letters, digits, -, _ and ., which begins with a letter or _")
        case (.vocabularies, _): return vocabularies(value)
        }
    }

    private func wanted(_ what: String) -> [KeywordMistake] { [KeywordMistake(message: "has to be \(what)")] }

    private func strings(_ values: [JSONValue], _ path: [String] = []) -> [KeywordMistake] {
        var seen: Set<JSONValue> = []
        return values.enumerated().compactMap { index, value in
            guard case .string = value else {
                return KeywordMistake(path: path + [String(index)], message: "has to be a string")
            }
            guard seen.insert(value).inserted else {
                return KeywordMistake(
                    path: path + [String(index)], message: "\(JSONWriter.shortened(value)) is there twice")
            }
            return nil
        }
    }

    private func stringLists(_ object: JSONObject) -> [KeywordMistake] {
        object.members.flatMap { member -> [KeywordMistake] in
            if case .array(let values) = member.value { return strings(values, [member.key]) }
            if case .dependencies = self { return [] }
            return [KeywordMistake(path: [member.key], message: "has to be an array of strings")]
        }
    }

    private func types(_ value: JSONValue) -> [KeywordMistake] {
        let names = TypeSet.names.joined(separator: ", ")
        func mistake(_ value: JSONValue) -> String? {
            guard case .string(let name) = value else { return "has to be the name of a type: \(names)" }
            return TypeSet(name: name) == nil ? "\(JSONWriter.shortened(value)) is no type; there are \(names)" : nil
        }
        guard case .array(let values) = value else { return mistake(value).map { [KeywordMistake(message: $0)] } ?? [] }
        guard !values.isEmpty else { return wanted("at least one type") }
        let unknown = values.enumerated().compactMap { index, value in
            mistake(value).map { KeywordMistake(path: [String(index)], message: $0) }
        }
        return unknown.isEmpty ? strings(values) : unknown
    }

    private func pattern(_ text: String) -> String? {
        do throws(Pattern.Failure) {
            _ = try Pattern(text)
            return nil
        } catch {
            return "is no regular expression that is taken: \(error.message)"
        }
    }

    private func patterns(_ object: JSONObject) -> [KeywordMistake] {
        object.members.compactMap { member in
            pattern(member.key).map { KeywordMistake(path: [member.key], message: "the key \($0)") }
        }
    }

    private func identifier(_ value: JSONValue, _ dialect: SchemaDialect) -> [KeywordMistake] {
        guard case .string(let text) = value, URIText.isReference(text) else { return wanted("a URI reference") }
        guard let fragment = URIReference(text).fragment, !fragment.isEmpty else { return [] }
        guard dialect == .draft7 else {
            return wanted("a URI without a fragment; a name within the schema is an $anchor")
        }
        guard !fragment.hasPrefix("/") else { return wanted("a URI whose fragment is a name") }
        return []
    }

    private static func isAnchor(_ text: String) -> Bool {
        guard let first = text.utf8.first else { return false }
        func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) || byte == 0x5F }
        return isLetter(first)
            && text.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x2E }
    }

    private func vocabularies(_ value: JSONValue) -> [KeywordMistake] {
        guard case .object(let object) = value else { return wanted("an object of URIs with true or false") }
        return object.members.compactMap { member in
            guard case .bool = member.value, URIText.isURI(member.key) else {
                return KeywordMistake(path: [member.key], message: "has to be a URI with true or false")
            }
            return nil
        }
    }
}
