import EventStore
import HTTPTypes
import Hummingbird
import JSONSchemas

/// All endpoints, ready to be asked.
struct EndpointTable: Sendable {
    /// Shared by all requests: it has too much in it to be copied for each.
    final class Entry: Sendable {
        let endpoint: Endpoint
        /// Of its body, where that is an object.
        let schema: JSONSchema?
        let limit: Int

        init(_ endpoint: Endpoint, schema: JSONSchema? = nil, limit: Int = 0) {
            (self.endpoint, self.schema, self.limit) = (endpoint, schema, limit)
        }
    }

    let entries: [Entry]
    /// The OpenAPI document.
    let document: String
    private let methodsOfPaths: [(parts: [Substring], methods: Set<HTTPRequest.Method>)]

    /// - Throws: `SchemaErrors`, where a component is no JSON Schema.
    init(_ endpoints: [Endpoint]) throws {
        entries = try endpoints.map { endpoint in
            guard case .object(let component, let limit) = endpoint.body else {
                return Entry(endpoint)
            }
            return Entry(endpoint, schema: try APIComponents.schema(component), limit: limit)
        }
        document = OpenAPIDocument(endpoints: endpoints).text
        methodsOfPaths = Dictionary(grouping: endpoints, by: \.path).map { path, endpoints in
            (path.split(separator: "/"), Set(endpoints.map(\.method)))
        }
    }

    /// Of all endpoints at a path; none if there is no such path.
    func methods(of path: String) -> Set<HTTPRequest.Method> {
        let parts = path.split(separator: "/")
        return methodsOfPaths.filter { known in
            known.parts.count == parts.count
                && zip(known.parts, parts).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
        }.reduce(into: []) { $0.formUnion($1.methods) }
    }

    func add(to router: Router<ServiceContext>, _ place: ServicePlace, _ door: Door, _ metrics: ServiceMetrics) {
        for entry in entries {
            router.on(entry.endpoint.route, method: entry.endpoint.method) { request, context in
                try await metrics.measure(entry.endpoint) {
                    if Self.isShort(entry.endpoint, request) {
                        return try await Self.respond(entry, request, context, place, door)
                    }
                    return try await withTaskExecutorPreference(globalConcurrentExecutor) {
                        try await Self.respond(entry, request, context, place, door)
                    }
                }
            }
        }
        router.get("v1/openapi.json") { [document] _, _ in
            Response.json(document, .ok, [.cacheControl: "no-cache"])
        }
    }

    /// Whether the thread of its connection may do it, which others wait for meanwhile.
    static func isShort(_ endpoint: Endpoint, _ request: Request) -> Bool {
        guard endpoint.isShort, let length = request.headers[.contentLength].flatMap({ Int($0) }) else {
            return false
        }
        return 0...16 << 10 ~= length
    }

    private static func respond(
        _ entry: Entry, _ request: Request, _ context: ServiceContext, _ place: ServicePlace, _ door: Door
    ) async throws -> Response {
        var context = context
        let allowance = try await door.enter(request, &context, entry.endpoint.access)
        var response: Response
        do {
            var call = try Call(request, context, place, entry)
            if let schema = entry.schema { try await call.readBody(schema, upTo: entry.limit) }
            response = try await entry.endpoint.act(call)
        } catch  where allowance != nil {
            throw Limited(error: error, allowance: allowance)
        }
        allowance?.describe(&response.headers)
        return response
    }
}

/// An error of a request that was counted, for its answer to say so.
struct Limited: Error {
    let error: any Error
    let allowance: RequestAllowance?
}
