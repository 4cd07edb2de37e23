/// How the servers of a database are watched.
package struct FreshnessSettings: Sendable, Hashable {
    /// `interval` (duration, 10 ms, 1 ms … 1 s): time between two samples while somebody waits for one.
    package var interval: Duration
    /// `heartbeat` (duration, 1 s, 10 ms … 10 s): time between two samples when nobody waits, and between two looks at
    /// a server's state. What is written past the proxy is seen by reads within this time and the replica's lag.
    package var heartbeat: Duration
    /// `lag_limit` (duration, 10 s, 1 s … 1 h): a replica that lacks a position sampled longer ago is not used at all.
    package var lagLimit: Duration
    /// `check_timeout` (duration, 1 s, 50 ms … 60 s): a server that does not answer a sample in this time has failed.
    package var checkTimeout: Duration
    /// `failures` (number, 3, 1 … 1000): so many failures after one another suspend a replica.
    package var failures: Int
    /// `suspension` (duration, 30 s, 10 ms … 1 h): for how long; then one trial decides.
    package var suspension: Duration

    /// Values out of bounds are taken to the nearest bound.
    ///
    /// - Parameter atMost: how stale a read may be under `at_most`; the heartbeat is made to fit. Nil: no such rule.
    package init(
        interval: Duration = .milliseconds(10), heartbeat: Duration = .seconds(1), lagLimit: Duration = .seconds(10),
        checkTimeout: Duration = .seconds(1), failures: Int = 3, suspension: Duration = .seconds(30),
        atMost: Duration? = nil
    ) {
        self.interval = interval.clamped(.milliseconds(1), .seconds(1))
        var heartbeat = heartbeat.clamped(.milliseconds(10), .seconds(10))
        var lagLimit = lagLimit.clamped(.seconds(1), .seconds(3600))
        if let atMost {
            // A quarter, so that a replica that keeps up is never out of bounds between two samples.
            heartbeat = min(heartbeat, (atMost / 4).clamped(.milliseconds(1), .seconds(1)))
            lagLimit = max(lagLimit, atMost)
        }
        self.heartbeat = max(heartbeat, self.interval)
        self.lagLimit = lagLimit
        self.checkTimeout = checkTimeout.clamped(.milliseconds(50), .seconds(60))
        self.failures = min(max(failures, 1), 1000)
        self.suspension = suspension.clamped(.milliseconds(10), .seconds(3600))
    }

    /// Between two samples of a replica that does not get on; it grows up to this from `interval`.
    var slowest: Duration { max(.milliseconds(100), interval) }
}

extension Duration {
    fileprivate func clamped(_ low: Duration, _ high: Duration) -> Duration { min(max(self, low), high) }

    /// Nanoseconds, for clocks that are numbers. Durations here are far below the 292 years that fit.
    var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        return seconds < 0 ? 0 : UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
    }
}
