import EventStore
import Hummingbird
import Logging

/// What goes with a request on its way.
struct ServiceContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// Once it is known who asks.
    var caller: Caller?

    init(source: Source) { coreContext = .init(source: source) }
}

/// Every error becomes a problem, and those that are nobody's fault but ours are logged.
struct ProblemMiddleware: RouterMiddleware {
    let table: EndpointTable

    func handle(
        _ request: Request, context: ServiceContext, next: (Request, ServiceContext) async throws -> Response
    ) async throws -> Response {
        var response: Response
        do {
            response = try await next(request, context)
        } catch {
            var problem = Problem(error)
            let allowed = problem.kind == .notFound ? table.methods(of: request.uri.path) : []
            if !allowed.isEmpty, !allowed.contains(request.method) {
                problem = Problem(.methodNotAllowed, "This path has other methods.")
            }
            if problem.kind == .unexpected || problem.kind == .unavailable {
                context.logger.error(
                    "\(request.method.rawValue) \(request.uri.path): \((error as? Limited)?.error ?? error)")
            }
            response = problem.response
            if let limited = error as? Limited { limited.allowance?.describe(&response.headers) }
            if problem.kind == .methodNotAllowed {
                response.headers[.allow] = allowed.map(\.rawValue).sorted().joined(separator: ", ")
            }
        }
        // What organisations have is nobody else's to keep.
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
        return response
    }
}
