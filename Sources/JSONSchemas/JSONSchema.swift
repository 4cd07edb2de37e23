/// Whether `format` is checked, or only says something to people.
package enum SchemaFormatMode: Sendable {
    case assert
    case annotate
}

/// A schema, compiled: it does not change, and may be used by many threads at once.
package struct JSONSchema: Sendable {
    package let dialect: SchemaDialect
    /// Keywords that have no effect, in the order they were found: perhaps slips of the pen.
    package let ignored: [IgnoredKeyword]
    let program: SchemaProgram

    /// Checks a schema and compiles it. Nothing is fetched: what it refers to is in it, among `documents` (by URI), or one
    /// of the meta-schemas of both drafts. `dialect` is that of a schema without `$schema`; `uri` is where the schema
    /// comes from, against which its references are resolved where it has no `$id`.
    package static func compile(
        _ schema: JSONValue, dialect: SchemaDialect = .draft202012, uri: String = "",
        documents: [String: JSONValue] = [:], formats: SchemaFormatMode = .assert
    ) throws(SchemaErrors) -> JSONSchema {
        let index = SchemaIndex(dialect: dialect, formats: formats, given: documents)
        index.add(schema, uri: URIReference(uri).document)
        var compiler = SchemaCompiler(index)
        compiler.compileAll()
        if index.mistakes.isEmpty {
            for node in ReferenceCycles(compiler.nodes).found {
                let entry = index.entries[node]
                index.mistake(entry.document, entry.pointer, "leads back to itself at the same value, without end")
            }
        }
        if index.mistakes.isEmpty { checkMetaSchemas(index, documents) }
        guard index.mistakes.isEmpty else { throw SchemaErrors(mistakes: index.mistakes) }
        return JSONSchema(
            dialect: index.entries[0].rules.dialect, ignored: index.ignored,
            program: SchemaProgram(
                nodes: compiler.nodes, dynamicAnchors: index.resources.map(\.dynamicAnchors), source: schema, uri: uri,
                documents: documents, formats: formats))
    }

    /// Every mistake of a value, in the order of the schema, up to `limit`; none if it is valid.
    package func validate(_ value: JSONValue, limit: Int = 100) -> [SchemaViolation] {
        SchemaEvaluation(program, limit: max(limit, 1)).violations(of: value)
    }

    /// Whether a value is valid; quicker than `validate`, because it ends at the first mistake.
    package func isValid(_ value: JSONValue) -> Bool { SchemaEvaluation(program, limit: 0).isValid(value) }

    /// Schemas may name a meta-schema that is given, and have to obey it then.
    private static func checkMetaSchemas(_ index: SchemaIndex, _ documents: [String: JSONValue]) {
        for (entry, uri) in index.owingMetaSchema {
            let entry = index.entries[entry]
            guard let found = index.document(uri), found.value != entry.value else { continue }
            do throws(SchemaErrors) {
                let metaSchema = try compile(found.value, uri: uri, documents: documents, formats: index.formats)
                for violation in metaSchema.validate(entry.value, limit: 20) {
                    let pointer = JSONPointer(tokens: entry.pointer.tokens + violation.instance.tokens)
                    index.mistake(entry.document, pointer, "\(violation.message) (the meta-schema \(uri))")
                }
            } catch {
                let message = "the meta-schema \(uri) has mistakes: \(error.mistakes.first?.description ?? "")"
                index.mistake(entry.document, entry.pointer.appending("$schema"), message)
            }
        }
    }
}

/// What is shared by all uses of a compiled schema. Node 0 is the schema itself.
final class SchemaProgram: Sendable {
    let nodes: [SchemaNode]
    /// By resource.
    let dynamicAnchors: [[JSONKey: Int]]
    /// What it was compiled from, and how.
    let source: JSONValue
    let uri: String
    let documents: [String: JSONValue]
    let formats: SchemaFormatMode
    /// Whether a reference depends on the way to it.
    let isDynamic: Bool

    init(
        nodes: [SchemaNode], dynamicAnchors: [[JSONKey: Int]], source: JSONValue, uri: String,
        documents: [String: JSONValue], formats: SchemaFormatMode
    ) {
        self.nodes = nodes
        self.dynamicAnchors = dynamicAnchors
        self.source = source
        self.uri = uri
        self.documents = documents
        self.formats = formats
        isDynamic = nodes.contains { node in
            node.applicators.contains { applicator in
                if case .dynamicReference = applicator { true } else { false }
            }
        }
    }
}
