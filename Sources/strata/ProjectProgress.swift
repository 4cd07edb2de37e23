import Engine
import EventStore
import Planning
import Synchronization

/// Shows projections at work: position, rate and what is left on a terminal, what is worth a line everywhere.
final class ProjectProgress: Sendable {
    private struct State {
        var progress: [String: ProjectionRunner.Progress] = [:]
        /// Those of which it was said that they have caught up.
        var caughtUp: Set<String> = []
        var waiting: [String: String] = [:]
        /// Events when this second began, for the rate.
        var mark = (events: 0, at: ContinuousClock.now)
        var rate = 0.0
    }

    private let line: ProgressLine
    private let state = Mutex(State())

    init(console: Console) { line = ProgressLine(console: console) }

    var progress: [String: ProjectionRunner.Progress] { state.withLock { $0.progress } }

    func handle(_ name: String, _ event: ProjectionLoop.Event) {
        switch event {
        case .progress(let progress): line.draw(note(name, progress))
        case .caughtUp(let progress):
            let text = note(name, progress)
            let isFirst = state.withLock { state in
                state.waiting[name] = nil
                // What it waits from here on is no slowness.
                state.mark = (state.progress.values.reduce(0) { $0 + $1.events }, .now)
                return state.caughtUp.insert(name).inserted
            }
            guard isFirst else { return line.draw(text) }
            line.say("  \(name): at the end of its stream, position \(grouped(progress.position))")
        case .waiting(let reason, let delay):
            // The same reason again and again is said once.
            let isNew = state.withLock { $0.waiting.updateValue(reason, forKey: name) != reason }
            if isNew { line.say("  \(name): \(reason); again in \(delay.seconds) s") }
        }
    }

    func finish() { line.clear() }

    private func note(_ name: String, _ progress: ProjectionRunner.Progress) -> String {
        state.withLock { state in
            state.progress[name] = progress
            state.waiting[name] = nil
            let events = state.progress.values.reduce(0) { $0 + $1.events }
            let elapsed = ContinuousClock.now - state.mark.at
            if elapsed > .seconds(1) {
                state.rate = Double(events - state.mark.events) / (elapsed / .seconds(1))
                state.mark = (events, .now)
            }
            return Self.text(state.progress, rate: state.rate)
        }
    }

    /// - Parameter rate: events in a second.
    static func text(_ progress: [String: ProjectionRunner.Progress], rate: Double) -> String {
        let done = progress.values.reduce(0) { $0 + $1.position }
        let all = progress.values.reduce(0) { $0 + max($1.lastPosition, $1.position) }
        let what = progress.count == 1 ? progress.first?.key ?? "" : counted(progress.count, "projection")
        var text = "  \(what): \(grouped(done)) of \(grouped(all)), lag \(grouped(all - done))"
        if rate >= 1 { text += ", \(grouped(Int(rate))) events/s" }
        if rate >= 1, all > done { text += ", \(left(Double(all - done) / rate)) left" }
        let letters = progress.values.reduce(0) { $0 + $1.deadLetters }
        if letters > 0 { text += ", \(counted(letters, "dead letter"))" }
        return text
    }

    private static func left(_ seconds: Double) -> String {
        let seconds = Int(seconds.rounded(.up))
        if seconds < 120 { return "\(seconds) s" }
        return seconds < 7_200 ? "\(seconds / 60) min" : "\(seconds / 3_600) h"
    }
}
