import Foundation
import Planning

/// What the clients felt, as it is saved and printed.
struct LoadReport: Codable, Sendable {
    struct Phase: Codable, Sendable {
        var name: String
        var seconds: Double
        var statements: Int
        var failed: Int
        var perSecond: Double
        /// Milliseconds.
        var p50: Double
        var p99: Double
        var p999: Double
        var longest: Double
        var longestStatement: String
    }

    var connections: Int
    var phases: [Phase]
    var total: Phase
    var failures: [FailureSample]
    var connectionsLost: Int

    init(_ tally: LoadTally, connections: Int) {
        let (phases, failures, lost) = tally.snapshot()
        self.connections = connections
        self.phases = phases.map { Phase($0) }
        var whole = phases[0]
        whole.name = "all"
        whole.ended = phases[phases.count - 1].ended
        for phase in phases.dropFirst() {
            if phase.times.longest > whole.times.longest { whole.longestStatement = phase.longestStatement }
            whole.times.merge(phase.times)
            whole.failed += phase.failed
        }
        total = Phase(whole)
        self.failures = failures
        connectionsLost = lost
    }

    static func read(_ file: String) throws -> LoadReport {
        try JSONDecoder().decode(LoadReport.self, from: Data(contentsOf: URL(fileURLWithPath: file)))
    }

    func write(to file: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(self).write(to: URL(fileURLWithPath: file), options: .atomic)
    }

    var text: String {
        var table = TextTable([.left, .right, .right, .right, .right, .right, .right, .right])
        table.add(["PHASE", "SECONDS", "STATEMENTS", "FAILED", "P50", "P99", "P99.9", "LONGEST STALL"])
        for phase in phases.count > 1 ? phases + [total] : [total] { table.add(phase.cells) }
        var lines = [table.render(indentation: 0)]
        if connectionsLost > 0 { lines.append("\(counted(connectionsLost, "connection")) lost") }
        for failure in failures {
            lines.append("failed during \(failure.phase): [\(failure.sqlState ?? "none")] \(failure.message)")
            lines.append("  \(failure.statement.prefix(200))")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension LoadReport.Phase {
    init(_ phase: LoadTally.Phase) {
        name = phase.name
        seconds = ((phase.ended ?? phase.begun) - phase.begun).inSeconds
        statements = phase.times.total
        failed = phase.failed
        perSecond = seconds > 0 ? Double(phase.times.total) / seconds : 0
        p50 = phase.times.percentile(0.5).inMilliseconds
        p99 = phase.times.percentile(0.99).inMilliseconds
        p999 = phase.times.percentile(0.999).inMilliseconds
        longest = phase.times.longest.inMilliseconds
        longestStatement = phase.longestStatement
    }

    fileprivate var cells: [String] {
        [name, String(format: "%.1f", seconds), grouped(statements), grouped(failed)]
            + [p50, p99, p999, longest].map(milliseconds)
    }

    /// One line for people.
    var sentence: String {
        "\(name): \(counted(statements, "statement")), \(grouped(failed)) failed, longest stall \(milliseconds(longest))"
    }
}

/// `0.8 ms`, `12 ms`, `3,100 ms`.
func milliseconds(_ value: Double) -> String {
    value < 9.95 ? String(format: "%.1f ms", value) : "\(grouped(Int(value.rounded()))) ms"
}
