import Foundation
package import PostgresDriver
import Synchronization

/// Finds out who a request comes from. Each request asks anew, so that a revoked key is refused from the next one on; those that
/// come while a question is under way share the next one. Where several came together lately, those who come first give the others
/// a moment, for a question costs much more than an answer.
package final class Callers: Sendable {
    private typealias Waiter = CheckedContinuation<Caller?, any Error>

    private let pool: ConnectionPool
    private let statement: String
    private let state = Mutex(State())
    private let gathering = Moment()
    private static let mostWaiting = 20_000
    private static let moment = Duration.milliseconds(1)
    private static let mostMoments = 2

    private struct State {
        var waiting: [String: [Waiter]] = [:]
        var count = 0
        var isAsking = false
        var crowd = Crowd()

        mutating func add(_ hash: String, _ waiter: Waiter) -> Arrival {
            guard count < mostWaiting else { return .refused }
            waiting[hash, default: []].append(waiter)
            count += 1
            guard isAsking else {
                isAsking = true
                return .asks
            }
            return crowd.isExpected(beyond: count) ? .waits : .completes
        }

        mutating func take() -> [String: [Waiter]]? {
            guard count > 0 else {
                isAsking = false
                return nil
            }
            defer { (waiting, count) = ([:], 0) }
            crowd.saw(count)
            return waiting
        }
    }

    private enum Arrival { case asks, waits, completes, refused }

    package struct TooMany: Error {}

    package init(_ settings: ConnectionSettings, schema: EventSchema) {
        pool = ConnectionPool(settings, size: 2, bounds: PoolBounds(discards: false))
        let s = schema.schema
        statement = """
            SELECT k.key_hash AS hash, k.id::text AS id, k.org_id::text AS organization, k.scopes, false AS person
            FROM \(s).api_keys k JOIN \(s).organizations o ON o.id = k.org_id AND o.is_active
            WHERE k.key_hash = ANY ($1) AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > \(s).now())
            UNION ALL
            SELECT t.token_hash, u.id::text, u.org_id::text,
                CASE u.role WHEN 'admin' THEN '{append,read,consume,manage}' ELSE '{read}' END::text[], true
            FROM \(s).login_sessions t JOIN \(s).users u ON u.id = t.user_id AND u.is_active
            JOIN \(s).organizations o ON o.id = u.org_id AND o.is_active
            WHERE t.token_hash = ANY ($1) AND t.ended_at IS NULL AND t.expires_at > \(s).now()
            """
    }

    package func close() async { await pool.close() }

    /// - Parameter secret: an API key, or the token of a session.
    /// - Returns: nil: it is nobody's, revoked, expired, or its organisation or person is inactive.
    package nonisolated(nonsending) func caller(_ secret: String) async throws -> Caller? {
        guard secret.utf8.count <= 200 else { return nil }
        let hash = try Secrets.hash(secret)
        return try await withCheckedThrowingContinuation { continuation in
            switch state.withLock({ $0.add(hash, continuation) }) {
            case .asks: Task { await askAll() }
            case .waits: break
            case .completes: gathering.end()
            case .refused: continuation.resume(throwing: TooMany())
            }
        }
    }

    private func askAll() async {
        while let asked = await next() {
            let answer = await answer(Array(asked.keys))
            for (hash, waiters) in asked {
                for waiter in waiters { waiter.resume(with: answer.map { $0[hash] }) }
            }
        }
    }

    /// Those who are asked for together; nil: nobody waits.
    private func next() async -> [String: [Waiter]]? {
        for _ in 0..<Self.mostMoments {
            let (before, isGathering) = state.withLock { ($0.count, $0.crowd.isExpected(beyond: $0.count)) }
            guard isGathering else { break }
            await gathering.wait(Self.moment)
            if state.withLock({ $0.count }) == before { break }
        }
        return state.withLock { $0.take() }
    }

    private func answer(_ hashes: [String]) async -> Result<[String: Caller], any Error> {
        do {
            let rows = try await pool.query(keeping: statement, [.textArray(hashes)])
            var callers: [String: Caller] = [:]
            for row in rows {
                let id = try row.id()
                callers[try row.string("hash")] = Caller(
                    kind: try row.bool("person") ? .person(id) : .key(id), organization: try row.id("organization"),
                    scopes: Set(try row.textArray("scopes").compactMap { Scope(rawValue: $0) }))
            }
            return .success(callers)
        } catch {
            return .failure(error)
        }
    }
}
