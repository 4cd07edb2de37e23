/// Takes a server out of use after some failures in a row, for a time, and then lets one trial decide.
struct Breaker: Equatable, Sendable {
    /// Who saw it fail. Counted apart: a server can answer every sample and refuse every client (no connections left).
    enum Witness: Sendable { case sampler, loops }

    enum State: Equatable, Sendable {
        case closed
        /// Until that nanosecond of the monotonic clock nothing is tried.
        case open(until: UInt64)
        /// A trial is under way.
        case halfOpen
    }

    let limit: Int
    /// Nanoseconds.
    let rest: UInt64
    private(set) var state = State.closed
    private(set) var samplerFailures = 0
    private(set) var loopFailures = 0

    init(limit: Int, rest: Duration) {
        self.limit = limit
        self.rest = rest.nanoseconds
    }

    /// - Returns: true when this failure opened it.
    mutating func failed(_ witness: Witness, at now: UInt64) -> Bool {
        switch state {
        case .open: return false
        case .halfOpen:
            // Loops do not take part in a trial: what they report now began before it.
            guard witness == .sampler else { return false }
            state = .open(until: now + rest)
            return true
        case .closed:
            if witness == .sampler { samplerFailures += 1 } else { loopFailures += 1 }
            guard max(samplerFailures, loopFailures) >= limit else { return false }
            state = .open(until: now + rest)
            return true
        }
    }

    mutating func succeeded(_ witness: Witness) {
        switch (state, witness) {
        case (.closed, .sampler): samplerFailures = 0
        case (.closed, .loops): loopFailures = 0
        case (.halfOpen, .sampler): self = Breaker(limit: limit, rest: rest)
        case (.open, _), (.halfOpen, .loops): break
        }
    }

    private init(limit: Int, rest: UInt64) {
        self.limit = limit
        self.rest = rest
    }

    /// - Returns: nil when a sample may be taken now (which is the trial, when the breaker was open); else when.
    mutating func mayTry(at now: UInt64) -> UInt64? {
        guard case .open(let until) = state else { return nil }
        guard now >= until else { return until }
        state = .halfOpen
        return nil
    }
}
