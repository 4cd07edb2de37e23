import Foundation
import HTTPTypes
import Synchronization

/// How much each key, or each person, may ask for; or whatever else is limited.
final class RequestLimits<Asker: Hashable & Sendable>: Sendable {
    private let rate: Double
    private let burst: Double
    private let buckets = Mutex<[Asker: TokenBucket]>([:])
    /// Beyond that those that are full are forgotten: they would be made anew just so.
    private static var most: Int { 100_000 }

    /// - Parameters:
    ///   - rate: requests a second, on average.
    ///   - burst: requests at once.
    init(rate: Double, burst: Double) { (self.rate, self.burst) = (max(rate, 0.001), max(burst, 1)) }

    func take(_ count: Int, of asker: Asker) -> RequestAllowance {
        let now = Double(DispatchTime.now().uptimeNanoseconds) / 1e9
        return buckets.withLock { buckets in
            if buckets.count >= Self.most, buckets[asker] == nil {
                buckets = buckets.filter { !$0.value.isFull(now: now) }
            }
            var bucket = buckets[asker] ?? TokenBucket(rate: rate, burst: burst, now: now)
            let wait = bucket.take(Double(count), now: now)
            buckets[asker] = bucket
            return RequestAllowance(
                isGranted: wait == nil, limit: max(1, Int(rate)), remaining: bucket.remaining,
                retryAfter: max(1, Int((wait ?? 0).rounded(.up))))
        }
    }
}

struct RequestAllowance: Sendable {
    var isGranted: Bool
    var limit: Int
    var remaining: Int
    /// Seconds, 1 or more.
    var retryAfter: Int

    /// Fields of the IETF's draft on rate limits (draft-ietf-httpapi-ratelimit-headers-05).
    func describe(_ headers: inout HTTPFields) {
        headers[.rateLimitLimit] = String(limit)
        headers[.rateLimitRemaining] = String(remaining)
        headers[.rateLimitReset] = String(retryAfter)
    }
}

extension HTTPField.Name {
    static let rateLimitLimit = Self("RateLimit-Limit") ?? .retryAfter
    static let rateLimitRemaining = Self("RateLimit-Remaining") ?? .retryAfter
    static let rateLimitReset = Self("RateLimit-Reset") ?? .retryAfter
    static let idempotencyKey = Self("Idempotency-Key") ?? .retryAfter
}
