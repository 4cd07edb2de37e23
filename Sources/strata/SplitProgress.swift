import Engine
import Planning
import Synchronization

/// A split at work: one line that changes on a terminal, a line for each stage elsewhere.
final class SplitProgress: Sendable {
    private struct State {
        var stage = ""
        var begun = ContinuousClock.now
        var lineIsOpen = false
    }

    private let console: Console
    private let quiet: Bool
    private let state = Mutex(State())

    init(console: Console, quiet: Bool) {
        self.console = console
        self.quiet = quiet
    }

    func handle(_ event: SplitEvent) {
        guard !quiet else { return }
        state.withLock { state in
            switch event {
            case .began(let record, let resumed):
                line(
                    "split \(record.id): schema \(record.schema) to \(record.database)\(resumed ? ", goes on" : "")",
                    &state)
            case .stage(let name):
                state.stage = name
                state.begun = .now
                line("  \(name)", &state)
            case .note(let text): line("  note: \(text)", &state)
            case .lag(let bytes): draw("  stream: \(sized(Int64(bytes))) to come", &state)
            case .copying(let progress): draw(Self.text(progress, since: state.begun), &state)
            }
        }
    }

    func end() { state.withLock { clear(&$0) } }

    static func text(_ progress: CopyProgress, since begun: ContinuousClock.Instant) -> String {
        let seconds = Double((ContinuousClock.now - begun).milliseconds) / 1_000
        var text = "  \(progress.tablesDone) of \(counted(progress.tables, "table")), \(grouped(progress.rows)) rows, "
        text += sized(Int64(progress.bytes))
        if seconds > 1 { text += ", \(sized(Int64(Double(progress.bytes) / seconds)))/s" }
        let (done, all) = (progress.sourceBytesDone, progress.sourceBytes)
        if seconds > 3, done > 0, done < all {
            text += ", about \(Int(seconds * Double(all - done) / Double(done)).description) s left"
        }
        return text
    }

    private func draw(_ text: String, _ state: inout State) {
        guard console.errorIsTerminal else { return }
        console.error("\r\u{1B}[K" + text.prefix(console.errorStyle.width - 1))
        state.lineIsOpen = true
    }

    private func line(_ text: String, _ state: inout State) {
        clear(&state)
        console.error(text + "\n")
    }

    private func clear(_ state: inout State) {
        if state.lineIsOpen { console.error("\r\u{1B}[K") }
        state.lineIsOpen = false
    }
}
