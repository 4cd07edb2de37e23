import Synchronization

/// What a switch is doing, since when, and what it waits for: for its report, and for the reason where it gives up.
final class SwitchClock: Sendable {
    private struct State {
        var phases: [SwitchReport.Phase] = []
        var since: ContinuousClock.Instant
        var current = ""
        var waitsFor: String?
    }

    private let state: Mutex<State>
    private let begun: ContinuousClock.Instant
    private let listener: @Sendable (SwitchEvent) -> Void

    init(_ listener: @escaping @Sendable (SwitchEvent) -> Void) {
        begun = .now
        self.listener = listener
        state = Mutex(State(since: .now))
    }

    func begin(_ phase: String) {
        state.withLock { state in
            Self.close(&state)
            state.current = phase
        }
        listener(.phase(phase))
    }

    func end() { state.withLock { Self.close(&$0) } }

    func waits(for what: String?) { state.withLock { $0.waitsFor = what } }

    var phases: [SwitchReport.Phase] { state.withLock { $0.phases } }
    var reason: String { state.withLock { $0.waitsFor ?? $0.current } }
    var passed: Duration { .now - begun }

    private static func close(_ state: inout State) {
        let now = ContinuousClock.now
        if !state.current.isEmpty {
            state.phases.append(.init(name: state.current, milliseconds: Int((now - state.since).milliseconds)))
        }
        state.current = ""
        state.waitsFor = nil
        state.since = now
    }
}
