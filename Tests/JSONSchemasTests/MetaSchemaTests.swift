import JSONSchemas
import Testing

/// Schemas are checked by code, for its messages; the meta-schemas say the same in another way.
@Suite("Compiler and meta-schemas agree")
struct MetaSchemaTests {
    private static let keywords = [
        "type", "enum", "multipleOf", "maximum", "exclusiveMinimum", "maxLength", "minItems", "uniqueItems", "required",
        "properties", "items", "prefixItems", "contains", "allOf", "anyOf", "not", "if", "then", "additionalProperties",
        "propertyNames", "patternProperties", "dependentRequired", "dependentSchemas", "minContains", "title",
        "default",
        "examples", "$comment", "readOnly", "deprecated", "unevaluatedItems", "contentMediaType", "$defs",
        "definitions",
        "dependencies", "pattern", "format", "additionalItems",
    ]

    private func random(_ random: inout SeededGenerator, depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 12 : 8), using: &random) {
        case 0: return nil
        case 1: return .bool(random.chance(50))
        case 2: return .number(JSONNumber(Int.random(in: -1...3, using: &random)))
        case 3: return .number(JSONNumber("1.5") ?? JSONNumber(0))
        case 4, 5: return .string(random.pick(["string", "integer", "a", "email", "("]))
        case 6: return ["string", "null"]
        case 7: return ["a", "a"]
        case 8:
            return .array(
                (0..<Int.random(in: 0...2, using: &random)).map { _ in self.random(&random, depth: depth - 1) })
        default: return schema(&random, depth: depth - 1)
        }
    }

    private func schema(_ random: inout SeededGenerator, depth: Int) -> JSONValue {
        var object = JSONObject()
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            object.append(random.pick(MetaSchemaTests.keywords), self.random(&random, depth: depth))
        }
        return .object(object)
    }

    @Test("on random schemas", arguments: SchemaDialect.allCases)
    func agree(_ dialect: SchemaDialect) throws {
        let metaSchema = try JSONSchema.compile(["$ref": .string(dialect.uri)])
        var random = SeededGenerator(seed: 11)
        var refused = 0
        for _ in 0..<3_000 {
            let schema = schema(&random, depth: 3)
            let isObeyed = metaSchema.isValid(schema)
            let isCompiled = (try? JSONSchema.compile(schema, dialect: dialect, formats: .annotate)) != nil
            #expect(isObeyed == isCompiled, "\(schema)")
            if !isObeyed { refused += 1 }
        }
        #expect((500...2_500).contains(refused))
    }
}
