import Engine
import Planning
import Synchronization

/// Shows how keys are replaced or restored: a line that changes on a terminal, a line for each key elsewhere.
final class LooseKeyProgress: Sendable {
    private let line: ProgressLine
    private let quiet: Bool

    init(console: Console, quiet: Bool) {
        line = ProgressLine(console: console)
        self.quiet = quiet
    }

    func handle(_ event: LooseKeyEvent) {
        guard !quiet else { return }
        switch event {
        case .installed(let key): line.draw("\(key.parent): deletions are written down")
        case .scanning(let key, let rows): line.draw("\(key.child): looked at \(grouped(rows)) rows")
        case .scanned(let key, let rows): line.say("  \(key.child): \(counted(rows, "row")) looked at")
        case .replaced(let key): line.say("  \(key.child): the real key to \(key.parent) is gone")
        case .validating(let key): line.draw("\(key.child): looking at all rows")
        case .restored(let key): line.say("  \(key.child): the real key to \(key.parent) is back")
        case .waiting(let what, let reason, let delay):
            line.say("  \(what): \(reason), again in \(delay.seconds) s")
        }
    }

    func finish() { line.clear() }
}

/// Shows what a worker does: rate and lag on a terminal, problems everywhere.
final class LooseKeyWorkProgress: Sendable {
    private struct State {
        var tally = LooseKeyWorker.Tally()
        /// Entries at the begin of this second, for the rate.
        var mark = (entries: 0, at: ContinuousClock.now)
        var rate = 0.0
    }

    private let line: ProgressLine
    private let state = Mutex(State())

    init(console: Console) { line = ProgressLine(console: console) }

    var tally: LooseKeyWorker.Tally { state.withLock { $0.tally } }

    func handle(_ event: LooseKeyWorker.Event) {
        switch event {
        case .problem(let text): line.say("  \(text)")
        case .passed(_, let passed, let lag):
            let text = state.withLock { state in
                state.tally.entries += passed.entries
                state.tally.rows += passed.rows
                state.tally.returned += passed.returned
                state.tally.failures += passed.failures
                let elapsed = ContinuousClock.now - state.mark.at
                if elapsed > .seconds(1) {
                    state.rate = Double(state.tally.entries - state.mark.entries) / (elapsed / .seconds(1))
                    state.mark = (state.tally.entries, .now)
                }
                return "\(grouped(state.tally.entries)) done, \(grouped(Int(state.rate))) a second, "
                    + "\(grouped(state.tally.rows)) rows; lag \(Duration.milliseconds(Int64(max(0, lag) * 1000)).seconds) s"
            }
            line.draw(text)
        }
    }

    func finish() { line.clear() }
}

/// A line that changes, on a terminal only.
final class ProgressLine: Sendable {
    private struct State {
        var lastDrawn: ContinuousClock.Instant?
        var isOpen = false
    }

    private let console: Console
    private let state = Mutex(State())

    init(console: Console) { self.console = console }

    /// Not more often than is seen.
    func draw(_ text: String) {
        guard console.errorIsTerminal else { return }
        state.withLock { state in
            if let last = state.lastDrawn, ContinuousClock.now - last < .milliseconds(80) { return }
            state.lastDrawn = .now
            console.error("\r\u{1B}[K" + text.prefix(console.errorStyle.width - 1))
            state.isOpen = true
        }
    }

    func say(_ text: String) {
        clear()
        console.error(text + "\n")
    }

    func clear() {
        state.withLock { state in
            if state.isOpen { console.error("\r\u{1B}[K") }
            state.isOpen = false
        }
    }
}
