import Engine
import EventStore
import Planning
import Synchronization

/// Shows a rebuild: a line that changes on a terminal, a line for each stage everywhere.
final class RebuildProgress: Sendable {
    private struct State {
        var report: ReadModelReport?
        var begun: (at: ContinuousClock.Instant, position: Int)?
    }

    private let line: ProgressLine
    private let state = Mutex(State())

    init(console: Console) { line = ProgressLine(console: console) }

    /// The last comparison.
    var report: ReadModelReport? { state.withLock { $0.report } }

    func handle(_ event: ProjectionRebuild.Event) {
        switch event {
        case .making: line.say("  tables beside the live ones, and whether they can be exchanged")
        case .projecting(let progress, of: let end): line.draw(text(progress, end))
        case .comparing(let position): line.say("  comparing both as they are at position \(grouped(position))")
        case .compared(let report):
            state.withLock { $0.report = report }
            let equal = report.tables.count(where: \.isEqual)
            line.say("  \(equal) of \(counted(report.tables.count, "table")) equal")
        case .swapping: line.say("  exchanging")
        case .waiting(let reason, let delay): line.say("  \(reason); again in \(delay.seconds) s")
        case .swapped(let position): line.say("  exchanged at position \(grouped(position))")
        case .dropped: line.say("  dropped")
        }
    }

    func finish() { line.clear() }

    private func text(_ progress: ProjectionRunner.Progress, _ end: Int) -> String {
        let now = ContinuousClock.now
        let begun = state.withLock { state in
            if state.begun == nil { state.begun = (now, progress.position) }
            return state.begun ?? (now, progress.position)
        }
        let seconds = (now - begun.at) / .seconds(1)
        var text = "  \(grouped(progress.position)) of \(grouped(end))"
        if seconds > 1 {
            let rate = Double(progress.position - begun.position) / seconds
            text += ", \(grouped(Int(rate))) events/s"
            if rate >= 1 { text += ", \(Int((Double(end - progress.position) / rate).rounded(.up))) s left" }
        }
        return text
    }
}
