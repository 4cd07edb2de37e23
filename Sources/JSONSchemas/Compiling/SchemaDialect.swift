/// The drafts of JSON Schema that are known.
package enum SchemaDialect: String, Sendable, CaseIterable {
    case draft7 = "http://json-schema.org/draft-07/schema"
    case draft202012 = "https://json-schema.org/draft/2020-12/schema"

    /// The URI of its meta-schema, which `$schema` names.
    package var uri: String { rawValue }
}

/// Groups of keywords of draft 2020-12. Draft 7 has no such groups: all of its keywords always count.
enum SchemaVocabulary: String, CaseIterable, Sendable {
    case core
    case applicator
    case unevaluated
    case validation
    case metaData = "meta-data"
    case formatAnnotation = "format-annotation"
    case formatAssertion = "format-assertion"
    case content

    init?(uri: String) {
        guard let found = SchemaVocabulary.allCases.first(where: { $0.uri == uri }) else { return nil }
        self = found
    }

    var uri: String { "https://json-schema.org/draft/2020-12/vocab/\(rawValue)" }
}

/// By which rules a schema is read: its dialect, or one of its own meta-schema.
struct SchemaRules: Sendable {
    var dialect: SchemaDialect
    var vocabularies: Set<SchemaVocabulary>
    var assertsFormats: Bool
    /// The meta-schema that is not built in and that the schema has to obey.
    var metaSchema: String?

    init(_ dialect: SchemaDialect, assertsFormats: Bool) {
        self.dialect = dialect
        self.assertsFormats = assertsFormats
        vocabularies = Set(SchemaVocabulary.allCases).subtracting([.formatAssertion])
    }
}
