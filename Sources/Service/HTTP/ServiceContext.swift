import EventStore
import Hummingbird
import Logging

/// What goes with a request on its way.
struct ServiceContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// Once it is known who asks.
    var caller: Caller?

    init(source: Source) { coreContext = .init(source: source) }

    /// Who asks, with the right to do so.
    func caller(for scope: Scope) throws -> Caller {
        guard let caller else { throw Problem(.unauthorized, "Send an API key or a session's token: Authorization: Bearer …") }
        guard caller.scopes.contains(scope) else {
            throw Problem(.forbidden, "This takes the scope \(scope.rawValue).")
        }
        return caller
    }
}

/// Finds out who asks; whether that is enough is each route's to say.
struct Authentication: RouterMiddleware {
    let callers: Callers
    let limits: RequestLimits

    func handle(
        _ request: Request, context: ServiceContext, next: (Request, ServiceContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        guard let header = request.headers[.authorization] else { return try await next(request, context) }
        let words = header.split(separator: " ", maxSplits: 1)
        guard words.count == 2, words[0].lowercased() == "bearer" else {
            throw Problem(.unauthorized, "The header is: Authorization: Bearer KEY")
        }
        guard let caller = try await callers.caller(String(words[1])) else {
            throw Problem(.unauthorized, "This key or session is not known, has ended, or was revoked.")
        }
        context.caller = caller
        let allowance = limits.take(1, of: caller)
        guard allowance.isGranted else {
            var response = Problem(
                .tooManyRequests, "This key may send \(allowance.limit) requests a second on average.",
                retryAfter: allowance.retryAfter
            ).response
            allowance.describe(&response.headers)
            return response
        }
        var response = try await next(request, context)
        allowance.describe(&response.headers)
        return response
    }
}

/// Every error becomes a problem, and those that are nobody's fault but ours are logged.
struct ProblemMiddleware: RouterMiddleware {
    func handle(
        _ request: Request, context: ServiceContext, next: (Request, ServiceContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            let problem = Problem(error)
            if problem.kind == .unexpected || problem.kind == .unavailable {
                context.logger.error("\(request.method.rawValue) \(request.uri.path): \(error)")
            }
            return problem.response
        }
    }
}
