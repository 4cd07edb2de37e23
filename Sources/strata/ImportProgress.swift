import Engine
import Foundation
import Planning
import SQLiteImport
import Synchronization

/// Rows of rows, rows a second, what is left, rejects: one line that changes on a terminal; JSON Lines elsewhere, one every
/// two seconds and at each stage.
final class ImportProgress: Sendable {
    private enum Stage: String { case evidence, loading, verifying }

    private struct State {
        var stage = Stage.evidence
        var total: Int?
        var rows = 0
        var bytes = 0
        var began = ContinuousClock.now
        var lastLine = ContinuousClock.now
    }

    private struct Line: Encodable {
        var stage: String
        var table: String
        var rows: Int
        var of: Int?
        var rowsPerSecond: Int
        var secondsLeft: Int?
    }

    private let console: Console
    private let line: ProgressLine
    private let quiet: Bool
    private let state = Mutex(State())

    init(console: Console, quiet: Bool) {
        (self.console, self.quiet) = (console, quiet)
        line = ProgressLine(console: console)
    }

    func begin(verifying total: Int) {
        state.withLock { $0 = State(stage: .verifying, total: total) }
    }

    func handle(_ event: ImportEvent) {
        guard !quiet else { return }
        switch event {
        case .looked(let table, let rows): count(table, rows, 0)
        case .began(let tables, let rows, let resumed):
            state.withLock { $0 = State(stage: .loading, total: rows) }
            say("\(resumed ? "going on with" : "loading") \(counted(tables, "table")), \(grouped(rows)) rows")
        case .loaded(let table, let rows, let bytes): count(table, rows, bytes)
        case .tableDone(let table, let rows): say("  \(DiagnosticText.printable(table)): \(grouped(rows)) rows")
        case .step(let object, let number, let total):
            if console.errorIsTerminal { line.draw("  \(number) of \(total)  \(DiagnosticText.printable(object))") }
        case .retrying(let reason, let delay): say("  \(reason); again in \(delay.seconds) s")
        }
    }

    func end() { line.clear() }

    private func say(_ text: String) {
        if console.errorIsTerminal { line.say(text) }
    }

    private func count(_ table: String, _ rows: Int, _ bytes: Int) {
        let snapshot = state.withLock { state -> State? in
            state.rows += rows
            state.bytes += bytes
            if console.errorIsTerminal { return state }
            guard ContinuousClock.now - state.lastLine >= .seconds(2) else { return nil }
            state.lastLine = .now
            return state
        }
        guard let snapshot else { return }
        console.errorIsTerminal ? draw(table, snapshot) : write(table, snapshot)
    }

    private func draw(_ table: String, _ state: State) {
        let seconds = (ContinuousClock.now - state.began) / .seconds(1)
        let label = state.stage == .evidence ? "looking at" : state.stage.rawValue
        var text = "  \(label) \(DiagnosticText.printable(table))  \(grouped(state.rows))"
        if let total = state.total {
            text += " of \(grouped(total))"
            if total > 0 { text += " (\(state.rows * 100 / total) %)" }
        }
        if seconds > 0.5 {
            text += ", \(grouped(Int(Double(state.rows) / seconds))) rows/s"
            if let left = left(state, seconds) { text += ", \(left) s left" }
        }
        line.draw(text)
    }

    private func left(_ state: State, _ seconds: Double) -> Int? {
        guard let total = state.total, state.rows > 0, total > state.rows, seconds > 1 else { return nil }
        return Int((Double(total - state.rows) * seconds / Double(state.rows)).rounded(.up))
    }

    private func write(_ table: String, _ state: State) {
        let seconds = (ContinuousClock.now - state.began) / .seconds(1)
        let line = Line(
            stage: state.stage.rawValue, table: table, rows: state.rows, of: state.total,
            rowsPerSecond: Int(Double(state.rows) / max(seconds, 0.001)), secondsLeft: left(state, seconds))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if let data = try? encoder.encode(line) { console.error(String(decoding: data, as: UTF8.self) + "\n") }
    }
}
