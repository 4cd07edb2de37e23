import Synchronization

/// The first result counts; then the work is told to stop.
package final class Race<Answer: Sendable>: Sendable {
    private struct State {
        var continuation: CheckedContinuation<Answer, any Error>?
        /// A result that came before there was a continuation.
        var early: Result<Answer, any Error>?
        var isOver = false
        var work: Task<Void, Never>?
    }

    private let state = Mutex(State())

    package init() {}

    package func begin(_ continuation: CheckedContinuation<Answer, any Error>) {
        let early = state.withLock { state in
            if state.early == nil { state.continuation = continuation }
            return state.early
        }
        if let early { continuation.resume(with: early) }
    }

    package func attach(_ work: Task<Void, Never>) {
        let isOver = state.withLock { state in
            if !state.isOver { state.work = work }
            return state.isOver
        }
        if isOver { work.cancel() }
    }

    /// - Returns: false when it was over before.
    @discardableResult
    package func end(_ result: Result<Answer, any Error>) -> Bool {
        let (continuation, work, isFirst) = state.withLock { state in
            guard !state.isOver else { return (nil, nil, false) as Ending }
            state.isOver = true
            if state.continuation == nil { state.early = result }
            defer { (state.continuation, state.work) = (nil, nil) }
            return (state.continuation, state.work, true)
        }
        continuation?.resume(with: result)
        if case .failure = result { work?.cancel() }
        return isFirst
    }

    private typealias Ending = (CheckedContinuation<Answer, any Error>?, Task<Void, Never>?, Bool)
}

/// Waits for work no longer than a limit, and then leaves it behind, told to stop: a statement on a server that is frozen
/// takes no notice of that for many seconds.
/// - Throws: ``TimeLimitPassed``, `CancellationError`, and what the work throws.
package func withTimeLimit<Answer: Sendable>(
    _ limit: Duration, _ work: @escaping @Sendable () async throws -> Answer
) async throws -> Answer {
    let race = Race<Answer>()
    let timer = Task {
        try await Task.sleep(for: limit)
        race.end(.failure(TimeLimitPassed(limit: limit)))
    }
    defer { timer.cancel() }
    return try await withTaskCancellationHandler {
        try await withCheckedThrowingContinuation { continuation in
            race.begin(continuation)
            race.attach(
                Task {
                    do { race.end(.success(try await work())) } catch { race.end(.failure(error)) }
                })
        }
    } onCancel: {
        race.end(.failure(CancellationError()))
    }
}

package struct TimeLimitPassed: Error, Equatable, CustomStringConvertible {
    package let limit: Duration
    package var description: String { "not done within \(limit)" }
}
