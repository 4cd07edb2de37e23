import Engine
import Foundation
import Outbox
import Planning
import Synchronization

/// Shows what a relay does. For people: a line that changes on a terminal, and problems everywhere. For machines: a line of
/// JSON a second at most, and the last state at the end.
final class RelayOutput: Sendable {
    private struct State {
        var progress = RelayProgress()
        var mark = (events: 0, at: ContinuousClock.now)
        var rate = 0.0
        var lastLine: ContinuousClock.Instant?
    }

    private struct Line: Encodable {
        var position: Int
        var lastPosition: Int
        /// Events that Redis does not have.
        var lag: Int
        /// For how long, about, they have been there.
        var lagSeconds: Double
        var events: Int
        var sentAgain: Int
        var failures: Int

        init(_ progress: RelayProgress) {
            (position, lastPosition, lag) = (progress.position, progress.lastPosition, progress.lag)
            lagSeconds = Double((progress.lagTime() / .milliseconds(1)).rounded()) / 1_000
            (events, sentAgain, failures) = (progress.events, progress.sentAgain, progress.failures)
        }
    }

    private let console: Console
    private let format: OutputFormat
    private let isOnce: Bool
    private let line: ProgressLine
    private let state = Mutex(State())

    init(_ console: Console, _ format: OutputFormat, isOnce: Bool) {
        (self.console, self.format, self.isOnce) = (console, format, isOnce)
        line = ProgressLine(console: console)
    }

    func begins(_ what: String) { if !isOnce { line.say("Relaying \(what); Ctrl-C ends it.") } }

    func handle(_ report: RelayReport) {
        switch report {
        case .progress(let progress): show(progress)
        case .standsBy: line.say("  another relay is at work; this one takes its place when it is gone")
        case .sendsAgain(let after, let end):
            line.say(
                "  Redis has the events up to \(grouped(after)) only: up to \(grouped(end)) they are sent again")
        case .failed(let reason, let pause): line.say("  \(reason); again in \(pause.seconds) s")
        }
    }

    private func show(_ progress: RelayProgress) {
        let (rate, isTime) = state.withLock { state in
            state.progress = progress
            let elapsed = ContinuousClock.now - state.mark.at
            if elapsed > .seconds(1) {
                state.rate = Double(progress.events - state.mark.events) / (elapsed / .seconds(1))
                state.mark = (progress.events, .now)
            }
            let isTime = state.lastLine.map { ContinuousClock.now - $0 >= .seconds(1) } ?? true
            if isTime { state.lastLine = .now }
            return (state.rate, isTime)
        }
        if format == .json, !isOnce, isTime { write(progress) }
        let lag = progress.lag == 0 ? "none" : "\(grouped(progress.lag)), \(progress.lagTime().seconds) s"
        line.draw(
            "up to \(grouped(progress.position)); \(grouped(progress.events)) sent, \(grouped(Int(rate))) a second; lag \(lag)"
        )
    }

    private func write(_ progress: RelayProgress) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let data = try? encoder.encode(Line(progress)) else { return }
        console.output(String(decoding: data, as: UTF8.self) + "\n")
    }

    func ends() {
        line.clear()
        let progress = state.withLock { $0.progress }
        guard format == .text else { return write(progress) }
        var text = "\(counted(progress.events, "event")) sent; Redis has them up to \(progress.position)"
        if progress.sentAgain > 0 { text += "; \(grouped(progress.sentAgain)) of them it had lost" }
        console.output(text + ".\n")
    }
}
