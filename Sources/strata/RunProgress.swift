import Engine
import Foundation
import Planning
import Synchronization

/// Shows a run while it is at work: one line that changes on a terminal, a line for what matters elsewhere.
final class RunProgress: Sendable {
    private struct State {
        var total = 0
        var done = 0
        var started = ContinuousClock.now
        var lastDrawn: ContinuousClock.Instant?
        var lineIsOpen = false
    }

    private let console: Console
    private let quiet: Bool
    /// `undo: ` where steps are taken back.
    private let prefix: String
    private let state = Mutex(State())

    init(console: Console, quiet: Bool, prefix: String = "") {
        self.console = console
        self.quiet = quiet
        self.prefix = prefix
    }

    func handle(_ event: RunEvent) {
        guard !quiet else { return }
        state.withLock { state in
            switch event {
            case .started(let run, _, let resumed):
                state.started = .now
                line("run \(run)\(resumed ? " goes on" : "")", &state)
            case .beginning(let step, let position, let total):
                state.total = total
                state.done = position - 1
                draw("\(position) of \(total)  \(prefix)\(PlanText.title(of: step))", &state, force: false)
            case .waiting(let step, let holder, let waited):
                line("  waiting for \(step.object) (\(waited.seconds) s): held by \(holder)", &state)
            case .retrying(let step, let attempt, let delay, let reason):
                line("  \(step.object): \(reason), try \(attempt + 1) in \(delay.seconds) s", &state)
            case .gone(let step, let reason): line("  \(step.object): \(reason); there is nothing to take back", &state)
            case .done(let step, _, _):
                state.done += 1
                if !console.errorIsTerminal, step.kind != .createShim {
                    line("  \(prefix)\(PlanText.title(of: step))", &state)
                }
            case .finished: clear(&state)
            }
        }
    }

    /// Whatever comes next on the terminal begins on a line of its own; also where the run was cut off.
    func end() { state.withLock { clear(&$0) } }

    private func draw(_ text: String, _ state: inout State, force: Bool) {
        guard console.errorIsTerminal else { return }
        let now = ContinuousClock.now
        if let last = state.lastDrawn, now - last < .milliseconds(80), !force { return }
        state.lastDrawn = now
        let bar = progressBar(done: state.done, total: state.total)
        let left = remaining(state)
        let whole = "\(bar) \(text)\(left)"
        console.error("\r\u{1B}[K" + whole.prefix(console.errorStyle.width - 1))
        state.lineIsOpen = true
    }

    private func progressBar(done: Int, total: Int) -> String {
        let width = 16
        let filled = total == 0 ? 0 : done * width / total
        return "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled) + "]"
    }

    private func remaining(_ state: State) -> String {
        guard state.done > 2, state.total > state.done else { return "" }
        let elapsed = ContinuousClock.now - state.started
        guard elapsed > .seconds(1) else { return "" }
        let left = elapsed * (Double(state.total - state.done) / Double(state.done))
        return "  about \(left.seconds) s left"
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

/// The result of a run, on stdout.
struct RunReportOutput {
    var report: RunReport
    var verb: String

    private struct Machine: Encodable {
        var run: Int
        var steps: Int
        var stepsBefore: Int
        var retries: Int
        var waits: Int
        var milliseconds: Int64
        var longestTransactionMilliseconds: Int64
        var fingerprintBefore: String
        var fingerprintAfter: String
    }

    func write(to console: Console, format: OutputFormat) throws {
        switch format {
        case .json:
            let machine = Machine(
                run: report.run, steps: report.stepsDone, stepsBefore: report.stepsBefore, retries: report.retries,
                waits: report.waits, milliseconds: report.took.milliseconds,
                longestTransactionMilliseconds: report.longestTransaction.milliseconds,
                fingerprintBefore: report.fingerprintBefore, fingerprintAfter: report.fingerprintAfter)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            console.output(String(decoding: try encoder.encode(machine), as: UTF8.self) + "\n")
        case .text:
            let earlier =
                report.stepsBefore > 0 ? " (\(counted(report.stepsBefore, "step")) before it was cut off)" : ""
            let style = console.outputStyle
            console.output(
                style.green("Run \(report.run) \(verb)")
                    + ": \(counted(report.stepsDone, "step"))\(earlier) in \(report.took.seconds) s; "
                    + "longest transaction \(report.longestTransaction.milliseconds) ms, "
                    + "\(counted(report.retries, "retry", "retries")).\n")
        }
    }
}
