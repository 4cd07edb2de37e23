import PostgresDriver
import Synchronization

/// What the clients felt, by phase. The supervisor names the phases; a statement counts for the one in which it ended.
final class LoadTally: Sendable {
    struct Phase: Sendable {
        var name: String
        var begun: ContinuousClock.Instant
        var ended: ContinuousClock.Instant?
        var times = Histogram()
        var failed = 0
        var longestStatement = ""
    }

    private struct State {
        var phases: [Phase]
        var failures: [FailureSample] = []
        var lost = 0
    }

    /// Phases and samples that are kept; what comes later counts for the last phase.
    static let mostPhases = 32
    static let mostSamples = 10

    let start = ContinuousClock.now
    private let state: Mutex<State>

    init(phase: String) {
        state = Mutex(State(phases: [Phase(name: phase, begun: start)]))
    }

    /// - Returns: false when that is the phase already.
    @discardableResult
    func begin(_ name: String) -> Bool {
        state.withLock { state in
            let last = state.phases.count - 1
            guard state.phases[last].name != name, state.phases.count < Self.mostPhases else { return false }
            let now = ContinuousClock.now
            state.phases[last].ended = now
            state.phases.append(Phase(name: name, begun: now))
            return true
        }
    }

    func add(_ statement: String, begun: ContinuousClock.Instant, error: (any Error)?) {
        let now = ContinuousClock.now
        let took = now - begun
        state.withLock { state in
            let last = state.phases.count - 1
            if took > state.phases[last].times.longest { state.phases[last].longestStatement = statement }
            state.phases[last].times.add(took)
            guard let error else { return }
            state.phases[last].failed += 1
            guard state.failures.count < Self.mostSamples else { return }
            state.failures.append(
                FailureSample(error, statement: statement, phase: state.phases[last].name, at: (now - start).inSeconds))
        }
    }

    func connectionLost() {
        state.withLock { $0.lost += 1 }
    }

    var failed: Int { state.withLock { $0.phases.reduce(0) { $0 + $1.failed } } }

    func snapshot() -> (phases: [Phase], failures: [FailureSample], lost: Int) {
        state.withLock { state in
            var phases = state.phases
            phases[phases.count - 1].ended = .now
            return (phases, state.failures, state.lost)
        }
    }
}

/// One failed statement.
struct FailureSample: Codable, Sendable {
    var phase: String
    /// Since the first statement.
    var seconds: Double
    var sqlState: String?
    var message: String
    var statement: String

    init(_ error: any Error, statement: String, phase: String, at seconds: Double) {
        let failure = error as? PostgresError
        self.phase = phase
        self.seconds = seconds
        sqlState = failure?.sqlState?.rawValue
        message = failure?.message ?? "\(error)"
        self.statement = statement
    }
}
