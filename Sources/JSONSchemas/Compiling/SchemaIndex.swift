/// Every schema that can be reached from one document: by its place, by `$id`, by anchor.
///
/// Documents are walked when something refers to them, so that mistakes in those that nothing refers to do not matter.
final class SchemaIndex {
    /// A schema at its place, with what it has from the schemas around it.
    struct Entry {
        var document: Int
        var pointer: JSONPointer
        var value: JSONValue
        var base: URIReference
        var resource: Int
        var rules: SchemaRules
    }

    /// A schema with a URI of its own, and the names within it.
    struct Resource {
        var document: Int
        var pointer: JSONPointer
        var anchors: [JSONKey: Int] = [:]
        var dynamicAnchors: [JSONKey: Int] = [:]
    }

    struct Document {
        var uri: String
        var value: JSONValue
    }

    struct Site: Hashable {
        var document: Int
        var pointer: JSONPointer
    }

    static let deepest = 128
    static let mistakeLimit = 100

    let formats: SchemaFormatMode
    var defaultRules: SchemaRules
    private let given: [String: JSONValue]
    /// Keys of `given` by the `$id` of the document.
    private let givenByID: [String: String]

    var documents: [Document] = []
    var entries: [Entry] = []
    var resources: [Resource] = []
    var sites: [Site: Int] = [:]
    var resourceByURI: [String: Int] = [:]
    var knownRules: [String: SchemaRules] = [:]
    /// Schemas that have to obey a meta-schema which is not built in.
    var owingMetaSchema: [(entry: Int, uri: String)] = []
    private(set) var mistakes: [SchemaErrors.Mistake] = []
    var ignored: [IgnoredKeyword] = []

    init(dialect: SchemaDialect, formats: SchemaFormatMode, given: [String: JSONValue]) {
        self.formats = formats
        defaultRules = SchemaRules(dialect, assertsFormats: formats == .assert)
        var documents: [String: JSONValue] = [:]
        var byID: [String: String] = [:]
        for (uri, value) in given {
            let key = URIReference(uri).document
            documents[key] = value
            guard case .string(let id) = value["$id"] else { continue }
            byID[URIReference(id).resolved(against: URIReference(key)).document] = key
        }
        self.given = documents
        givenByID = byID
    }

    func mistake(_ document: Int, _ pointer: JSONPointer, _ message: String) {
        guard mistakes.count < SchemaIndex.mistakeLimit else { return }
        let found = SchemaErrors.Mistake(document: documents[document].uri, pointer: pointer, message: message)
        if !mistakes.contains(found) { mistakes.append(found) }
    }

    /// A document by its URI, or that of its `$id`.
    func document(_ uri: String) -> (uri: String, value: JSONValue)? {
        if let value = given[uri] { return (uri, value) }
        if let key = givenByID[uri], let value = given[key] { return (key, value) }
        return MetaSchemas.documents[uri].map { (uri, $0) }
    }

    /// Takes a document in, and everything in it. The entry of its root.
    @discardableResult
    func add(_ value: JSONValue, uri: String) -> Int {
        documents.append(Document(uri: uri, value: value))
        resources.append(Resource(document: documents.count - 1, pointer: JSONPointer()))
        if resourceByURI[uri] == nil { resourceByURI[uri] = resources.count - 1 }
        let around = Around(
            document: documents.count - 1, base: URIReference(uri), resource: resources.count - 1, rules: defaultRules,
            isRoot: true)
        return walk(value, JSONPointer(), around)
    }

    /// What a reference means at a place: an entry, or why there is none.
    func resolve(_ reference: String, base: URIReference) -> Result<Int, Unresolved> {
        let target = URIReference(reference).resolved(against: base)
        let uri = target.document
        if resourceByURI[uri] == nil, let found = document(uri) { add(found.value, uri: found.uri) }
        guard let resource = resourceByURI[uri] else {
            return .failure(Unresolved("there is no document \(uri); documents are not fetched, they have to be given"))
        }
        guard let fragment = URIReference.percentDecoded(target.fragment ?? "") else {
            return .failure(Unresolved("the fragment of \(reference) is not UTF-8"))
        }
        if fragment.isEmpty || fragment.hasPrefix("/") { return entry(in: resource, at: fragment) }
        let key = JSONKey(fragment)
        if let entry = resources[resource].anchors[key] ?? resources[resource].dynamicAnchors[key] {
            return .success(entry)
        }
        return .failure(Unresolved("no schema\(uri.isEmpty ? "" : " of \(uri)") is named \(fragment)"))
    }

    struct Unresolved: Error {
        var message: String
        init(_ message: String) { self.message = message }
    }

    private func entry(in resource: Int, at fragment: String) -> Result<Int, Unresolved> {
        guard let relative = JSONPointer(fragment) else {
            return .failure(Unresolved("\(fragment) is no JSON pointer"))
        }
        let document = resources[resource].document
        let pointer = JSONPointer(tokens: resources[resource].pointer.tokens + relative.tokens)
        if let entry = sites[Site(document: document, pointer: pointer)] { return .success(entry) }
        guard let value = pointer.resolve(in: documents[document].value) else {
            return .failure(Unresolved("there is nothing at \(fragment)"))
        }
        guard value.isSchema else { return .failure(Unresolved("what is at \(fragment) is no schema")) }
        // Within a keyword that is not known, or no schema by itself: read as one from here on.
        var around = Around(
            document: document, base: URIReference(documents[document].uri), resource: resource, rules: defaultRules)
        for count in stride(from: pointer.tokens.count - 1, through: 0, by: -1) {
            let above = JSONPointer(tokens: Array(pointer.tokens.prefix(count)))
            guard let entry = sites[Site(document: document, pointer: above)] else { continue }
            around.base = entries[entry].base
            around.resource = entries[entry].resource
            around.rules = entries[entry].rules
            break
        }
        return .success(walk(value, pointer, around))
    }
}

extension JSONValue {
    var isSchema: Bool {
        switch self {
        case .bool, .object: true
        default: false
        }
    }
}
