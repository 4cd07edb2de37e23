import EventStore
import HTTPTypes

/// The endpoints as an OpenAPI 3.1 document.
struct OpenAPIDocument {
    let endpoints: [Endpoint]

    var text: String {
        var document = JSONText.Object()
        document.add("openapi", "3.1.0")
        document.add("info", raw: info)
        document.add("paths", raw: paths)
        document.add("components", raw: components)
        return document.text
    }

    private var info: String {
        var info = JSONText.Object()
        info.add("title", "Strata events")
        info.add("version", "1")
        info.add(
            "description",
            "An append-only store of events: streams with gapless positions, consumer groups, dead letters.")
        return info.text
    }

    private var components: String {
        var schemas = JSONText.Object()
        for component in APIComponents.texts { schemas.add(component.name, raw: component.text) }
        var components = JSONText.Object()
        components.add("schemas", raw: schemas.text)
        components.add(
            "securitySchemes",
            raw: """
                {"key": {"type": "http", "scheme": "bearer", "description": "An API key, or the token of a session."},
                 "operator": {"type": "http", "scheme": "bearer", "description": "The token of who runs the service."}}
                """)
        return components.text
    }

    private var paths: String {
        var paths = JSONText.Object()
        for path in endpoints.map(\.path).uniqued {
            var item = JSONText.Object()
            for endpoint in endpoints where endpoint.path == path {
                item.add(endpoint.verb.lowercased(), raw: operation(endpoint))
            }
            paths.add(path, raw: item.text)
        }
        return paths.text
    }

    private func operation(_ endpoint: Endpoint) -> String {
        var operation = JSONText.Object()
        operation.add("operationId", endpoint.id)
        operation.add("summary", endpoint.summary)
        let scope = if case .scope(let scope) = endpoint.access { "Takes the scope `\(scope.rawValue)`." } else { "" }
        let description = [endpoint.description, scope].filter { !$0.isEmpty }.joined(separator: " ")
        if !description.isEmpty { operation.add("description", description) }
        switch endpoint.access {
        case .anybody: operation.add("security", raw: "[]")
        case .caller, .scope: operation.add("security", raw: #"[{"key": []}]"#)
        case .service: operation.add("security", raw: #"[{"operator": []}]"#)
        }
        let parameters = parameters(endpoint)
        if !parameters.isEmpty { operation.add("parameters", raw: JSONText.array(parameters)) }
        if let body = endpoint.body { operation.add("requestBody", raw: requestBody(body)) }
        operation.add("responses", raw: responses(endpoint))
        return operation.text
    }

    // MARK: Parameters

    private func parameters(_ endpoint: Endpoint) -> [String] {
        endpoint.pathParameters.map { name in
            let isID = !["stream", "group"].contains(name)
            return parameter(
                name, "path", isID ? "Its id." : "By name or id.",
                isID
                    ? ##"{"$ref": "#/components/schemas/Id"}"##
                    : #"{"type": "string", "minLength": 1, "maxLength": 200}"#, isRequired: true)
        }
            + endpoint.query.map { parameter($0.name, "query", $0.description, schema($0.form)) }
            + endpoint.headers.map { parameter($0.name, "header", $0.description, $0.schema) }
    }

    private func parameter(
        _ name: String, _ place: String, _ description: String, _ schema: String, isRequired: Bool = false
    ) -> String {
        var object = JSONText.Object()
        object.add("name", name)
        object.add("in", place)
        object.add("required", isRequired)
        object.add("description", description)
        object.add("schema", raw: schema)
        return object.text
    }

    private func schema(_ form: QueryParameter.Form) -> String {
        var object = JSONText.Object()
        switch form {
        case .number(let range, let value):
            object.add("type", "integer")
            object.add("minimum", range.lowerBound)
            object.add("maximum", range.upperBound)
            if let value { object.add("default", value) }
        case .text(let most):
            object.add("type", "string")
            object.add("maxLength", most)
            object.add("pattern", "^[^\\u0000]*$")
        case .choice(let words): object.add("enum", raw: JSONText.array(words.map { JSONText.quoted($0) }))
        }
        return object.text
    }

    private func requestBody(_ body: Endpoint.Body) -> String {
        var content = JSONText.Object()
        switch body {
        case .object(let component, _): content.add("application/json", raw: reference(component))
        case .events(let component, let line):
            content.add("application/json", raw: reference(component))
            if let line {
                content.add(
                    "application/x-ndjson",
                    raw: #"{"schema": {"type": "string", "description": "A \#(line) a line."}}"#)
            }
        }
        return #"{"required": true, "content": \#(content.text)}"#
    }

    private func reference(_ component: String) -> String {
        ##"{"schema": {"$ref": "#/components/schemas/\##(component)"}}"##
    }

    // MARK: Answers

    private func responses(_ endpoint: Endpoint) -> String {
        var responses = JSONText.Object()
        responses.add("\(endpoint.status.code)", raw: success(endpoint))
        let problems = Dictionary(grouping: endpoint.allProblems) { $0.status.code }
        for (status, kinds) in problems.sorted(by: { $0.key < $1.key }) {
            responses.add("\(status)", raw: failure(kinds))
        }
        return responses.text
    }

    private func success(_ endpoint: Endpoint) -> String {
        var object = JSONText.Object()
        object.add("description", endpoint.summary)
        if !endpoint.answerHeaders.isEmpty {
            var headers = JSONText.Object()
            for header in endpoint.answerHeaders {
                headers.add(
                    header.name,
                    raw: #"{"description": \#(JSONText.quoted(header.description)), "schema": {"type": "string"}}"#)
            }
            object.add("headers", raw: headers.text)
        }
        guard let answer = endpoint.answer else { return object.text }
        var content = JSONText.Object()
        content.add("application/json", raw: reference(answer))
        if endpoint.answersLines { content.add("application/x-ndjson", raw: #"{"schema": {"type": "string"}}"#) }
        object.add("content", raw: content.text)
        return object.text
    }

    private func failure(_ kinds: [Problem.Kind]) -> String {
        var object = JSONText.Object()
        object.add("description", kinds.map { "\($0.title) (`\($0.uri)`)" }.joined(separator: "; "))
        if kinds.contains(where: \.hasRetryAfter) {
            object.add(
                "headers",
                raw: #"{"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}"#)
        }
        object.add("content", raw: "{\"\(Problem.contentType)\": \(reference("Problem"))}")
        return object.text
    }
}

extension Problem.Kind {
    fileprivate var hasRetryAfter: Bool { [.tooManyRequests, .busy, .unavailable, .unknownOutcome].contains(self) }
}

extension Array where Element: Hashable {
    /// In the order of their first occurrences.
    fileprivate var uniqued: [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}
