/// How a stream is relayed.
package struct RelaySettings: Sendable {
    /// The Redis stream; this relay's alone, and those that take its place.
    package var key: String
    /// To about how many entries it is trimmed, 1 and more; nil: never.
    package var longest: Int?
    /// Events up to this position are not wanted.
    package var after = 0
    /// How many events go to Redis at a time, 1 to 10,000, and about how many bytes: it does nothing else meanwhile.
    package var batch = (events: 500, bytes: 1 << 20)
    /// How long a relay without events waits until it makes sure that Redis still has all.
    package var look = Duration.seconds(5)
    /// The wait after a failure, twice as long after each further one up to the longest.
    package var firstPause = Duration.milliseconds(100)
    package var longestPause = Duration.seconds(10)
    /// For how long what fails is tried again; nil: for ever.
    package var patience: Duration?
    package var limits = RedisLimits()

    package init(key: String) { self.key = key }
}
