import EventStore
import Foundation
import HTTPTypes
import Synchronization

/// How much each key, or each person, may ask for.
final class RequestLimits: Sendable {
    struct Allowance: Sendable {
        var isGranted: Bool
        var limit: Int
        var remaining: Int
        /// Seconds, 1 or more.
        var retryAfter: Int

        /// The fields of the IETF's draft on rate limits.
        func describe(_ headers: inout HTTPFields) {
            headers[.rateLimitLimit] = String(limit)
            headers[.rateLimitRemaining] = String(remaining)
            headers[.rateLimitReset] = String(retryAfter)
        }
    }

    private let rate: Double
    private let burst: Double
    private let buckets = Mutex<[Caller.Kind: TokenBucket]>([:])
    /// Beyond that those that are full are forgotten: they would be made anew just so.
    private static let most = 100_000

    /// - Parameters:
    ///   - rate: requests a second, on average.
    ///   - burst: requests at once.
    init(rate: Int, burst: Int) { (self.rate, self.burst) = (Double(max(rate, 1)), Double(max(burst, 1))) }

    func take(_ count: Int, of caller: Caller) -> Allowance {
        let now = Double(DispatchTime.now().uptimeNanoseconds) / 1e9
        return buckets.withLock { buckets in
            if buckets.count >= Self.most, buckets[caller.kind] == nil {
                buckets = buckets.filter { !$0.value.isFull(now: now) }
            }
            var bucket = buckets[caller.kind] ?? TokenBucket(rate: rate, burst: burst, now: now)
            let wait = bucket.take(Double(count), now: now)
            buckets[caller.kind] = bucket
            return Allowance(
                isGranted: wait == nil, limit: Int(rate), remaining: bucket.remaining,
                retryAfter: max(1, Int((wait ?? 0).rounded(.up))))
        }
    }
}

extension HTTPField.Name {
    static let rateLimitLimit = Self("RateLimit-Limit") ?? .retryAfter
    static let rateLimitRemaining = Self("RateLimit-Remaining") ?? .retryAfter
    static let rateLimitReset = Self("RateLimit-Reset") ?? .retryAfter
    static let idempotencyKey = Self("Idempotency-Key") ?? .retryAfter
}
