/// What a keyword's value has to look like.
enum KeywordForm: Sendable {
    case schema
    case schemas
    case schemaMap
    /// Keys are regular expressions.
    case patternMap
    case schemaOrSchemas
    case dependencies
    case any
    case text
    case boolean
    case number
    case positiveNumber
    case count
    case strings
    case stringsMap
    case types
    case values
    case pattern
    case reference
    case identifier
    case anchor
    case vocabularies
}

/// A keyword of a dialect.
struct SchemaKeyword: Sendable {
    var form: KeywordForm
    var vocabulary: SchemaVocabulary

    static func named(_ name: String, in rules: SchemaRules) -> SchemaKeyword? {
        switch rules.dialect {
        case .draft7: return draft7[name]
        case .draft202012:
            guard let keyword = draft202012[name] else { return nil }
            if keyword.vocabulary == .formatAnnotation {
                let hasFormat = !rules.vocabularies.isDisjoint(with: [.formatAnnotation, .formatAssertion])
                return hasFormat ? keyword : nil
            }
            return rules.vocabularies.contains(keyword.vocabulary) ? keyword : nil
        }
    }

    private static func table(_ groups: [(SchemaVocabulary, [(String, KeywordForm)])]) -> [String: SchemaKeyword] {
        var table: [String: SchemaKeyword] = [:]
        for (vocabulary, keywords) in groups {
            for (name, form) in keywords { table[name] = SchemaKeyword(form: form, vocabulary: vocabulary) }
        }
        return table
    }

    private static let metaData: [(String, KeywordForm)] = [
        ("title", .text), ("description", .text), ("default", .any), ("readOnly", .boolean), ("writeOnly", .boolean),
        ("examples", .values),
    ]

    private static let commonValidation: [(String, KeywordForm)] = [
        ("type", .types), ("enum", .values), ("const", .any), ("multipleOf", .positiveNumber), ("maximum", .number),
        ("exclusiveMaximum", .number), ("minimum", .number), ("exclusiveMinimum", .number), ("maxLength", .count),
        ("minLength", .count), ("pattern", .pattern), ("maxItems", .count), ("minItems", .count),
        ("uniqueItems", .boolean), ("maxProperties", .count), ("minProperties", .count), ("required", .strings),
    ]

    private static let commonApplicators: [(String, KeywordForm)] = [
        ("allOf", .schemas), ("anyOf", .schemas), ("oneOf", .schemas), ("not", .schema), ("if", .schema),
        ("then", .schema), ("else", .schema), ("contains", .schema), ("properties", .schemaMap),
        ("patternProperties", .patternMap), ("additionalProperties", .schema), ("propertyNames", .schema),
        // Left from draft 7 in the meta-schema of 2020-12; checked in both, rather than let pass in silence.
        ("dependencies", .dependencies),
    ]

    static let draft202012 = table([
        (
            .core,
            [
                ("$schema", .text), ("$id", .identifier), ("$anchor", .anchor), ("$dynamicAnchor", .anchor),
                ("$ref", .reference), ("$dynamicRef", .reference), ("$defs", .schemaMap), ("definitions", .schemaMap),
                ("$comment", .text), ("$vocabulary", .vocabularies),
            ]
        ),
        (
            .applicator,
            commonApplicators + [("prefixItems", .schemas), ("items", .schema), ("dependentSchemas", .schemaMap)]
        ),
        (.unevaluated, [("unevaluatedItems", .schema), ("unevaluatedProperties", .schema)]),
        (
            .validation,
            commonValidation + [("maxContains", .count), ("minContains", .count), ("dependentRequired", .stringsMap)]
        ),
        (.metaData, metaData + [("deprecated", .boolean)]),
        (.formatAnnotation, [("format", .text)]),
        (.content, [("contentEncoding", .text), ("contentMediaType", .text), ("contentSchema", .schema)]),
    ])

    static let draft7 = table([
        (
            .core,
            [
                ("$schema", .text), ("$id", .identifier), ("$ref", .reference), ("$comment", .text),
                ("definitions", .schemaMap),
            ]
        ),
        (.applicator, commonApplicators + [("items", .schemaOrSchemas), ("additionalItems", .schema)]),
        (.validation, commonValidation),
        (.metaData, metaData),
        (.formatAnnotation, [("format", .text)]),
        (.content, [("contentEncoding", .text), ("contentMediaType", .text)]),
    ])
}
