import EventStore
import Synchronization

/// The figures of groups for the metrics: the database is asked once in a few seconds at most, however many ask, and nobody waits
/// for it for longer than that.
actor GroupGauge {
    /// Groups that are shown one by one.
    static let most = 1_000

    private let read: @Sendable () async throws -> GroupFigures
    private let keep: Duration
    private let patience: Duration
    /// nil: the last reading has failed.
    private var known: (figures: GroupFigures?, at: ContinuousClock.Instant)?
    private var isReading = false
    private var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    private var nextNumber = 0

    /// - Parameters:
    ///   - keep: how old an answer may be; also how long a database that has failed is left alone.
    ///   - patience: how long who asks waits.
    init(
        keep: Duration = .seconds(5), patience: Duration = .seconds(3),
        _ read: @escaping @Sendable () async throws -> GroupFigures
    ) { (self.keep, self.patience, self.read) = (keep, patience, read) }

    /// nil: they cannot be had, or not in time.
    func figures() async -> GroupFigures? {
        if let known, ContinuousClock.now - known.at < keep { return known.figures }
        known = nil
        if !isReading {
            isReading = true
            // Goes on for the next one who asks when this one has gone.
            Task { await readAnew() }
        }
        await wait()
        return known?.figures
    }

    private func readAnew() async {
        let figures = try? await read()
        (known, isReading) = ((figures, .now), false)
        for waiter in waiting.values { waiter.resume() }
        waiting = [:]
    }

    private func wait() async {
        nextNumber += 1
        let number = nextNumber
        let timer = Task {
            try? await Task.sleep(for: patience)
            giveUp(number)
        }
        await withCheckedContinuation { waiting[number] = $0 }
        timer.cancel()
    }

    private func giveUp(_ number: Int) { waiting.removeValue(forKey: number)?.resume() }
}
