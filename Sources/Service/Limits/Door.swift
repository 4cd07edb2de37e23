import EventStore
import Foundation
import HTTPTypes
import Hummingbird

/// Lets in who may ask, and no more than so often.
struct Door: Sendable {
    let callers: Callers
    let limits: RequestLimits<Caller.Kind>
    /// SHA-256 of the operator's token; nil: there is no operator.
    let operatorHash: String?

    /// - Returns: what the asker has left; nil: nobody counts.
    nonisolated(nonsending) func enter(
        _ request: Request, _ context: inout ServiceContext, _ access: Endpoint.Access
    ) async throws -> RequestAllowance? {
        if access == .anybody { return nil }
        guard let secret = try Self.secret(request) else { throw Problem.noKey }
        if access == .service {
            try requireOperator(secret)
            return nil
        }
        guard let caller = try await callers.caller(secret) else {
            throw Problem(.unauthorized, "This key or session is not known, has ended, or was revoked.")
        }
        let allowance = limits.take(1, of: caller.kind)
        guard allowance.isGranted else {
            throw Limited(
                error: Problem(
                    .tooManyRequests, "This key may send \(allowance.limit) requests a second on average.",
                    retryAfter: allowance.retryAfter), allowance: allowance)
        }
        if case .scope(let scope) = access, !caller.scopes.contains(scope) {
            throw Limited(
                error: Problem(.forbidden, "This takes the scope \(scope.rawValue)."), allowance: allowance)
        }
        context.caller = caller
        return allowance
    }

    /// Whether a page that anybody may see is asked for with the operator's token.
    ///
    /// - Throws: `Problem` where it is another one: who sends a token wants what it opens.
    func isOperator(_ request: Request) throws -> Bool {
        // What a proxy in front asks for in another way is not ours.
        guard request.headers[.authorization]?.lowercased().hasPrefix("bearer ") == true,
            let secret = try Self.secret(request)
        else { return false }
        try requireOperator(secret)
        return true
    }

    /// What stands behind `Bearer`; nil: nothing was sent.
    static func secret(_ request: Request) throws -> String? {
        guard let header = request.headers[.authorization] else { return nil }
        // As nearly all write it.
        if header.utf8.starts(with: "Bearer ".utf8), header.utf8.count > 7, !header.utf8.dropFirst(7).contains(0x20) {
            return String(header.dropFirst(7))
        }
        let words = header.split(separator: " ")
        guard words.count == 2, words[0].lowercased() == "bearer" else {
            throw Problem(.unauthorized, "The header is: Authorization: Bearer KEY")
        }
        return String(words[1])
    }

    private func requireOperator(_ secret: String) throws {
        guard let operatorHash else {
            throw Problem(.forbidden, "This service has no operator: strata serve --operator-token-file FILE")
        }
        guard try Secrets.hash(secret) == operatorHash else {
            throw Problem(.unauthorized, "This is not the operator's token.")
        }
    }
}
