internal import Engine
internal import Synchronization

/// The server did not answer in time.
struct NoAnswer: Error, Equatable, CustomStringConvertible {
    let limit: Duration
    var description: String { "no answer within \(limit)" }
}

/// Waits for a server no longer than a limit, and then leaves the work behind.
///
/// Not by a group of two children, as it ends only when both have: a statement on a server that is frozen takes no
/// notice of its cancellation for many seconds. And without a timer for each question, which would cost more than the
/// question: somebody has to call ``check(at:)`` from time to time. One question at a time.
final class Bounded: Sendable {
    private struct Pending: Sendable {
        let deadline: UInt64
        let giveUp: @Sendable () -> Void
    }

    private let pending = Mutex<Pending?>(nil)

    /// - Parameter ifLate: gets what the work still brings when nobody waits for it any more.
    /// - Throws: ``NoAnswer``, `CancellationError`, and what the work throws.
    func run<Answer: Sendable>(
        _ limit: Duration, _ work: @escaping @Sendable () async throws -> Answer,
        ifLate: @escaping @Sendable (Answer) async -> Void = { _ in }
    ) async throws -> Answer {
        let race = Race<Answer>()
        let deadline = MonotonicTime.now + limit.nanoseconds
        pending.withLock { $0 = Pending(deadline: deadline) { race.end(.failure(NoAnswer(limit: limit))) } }
        defer { pending.withLock { $0 = nil } }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                race.begin(continuation)
                race.attach(
                    Task {
                        do {
                            let answer = try await work()
                            if !race.end(.success(answer)) { await ifLate(answer) }
                        } catch {
                            race.end(.failure(error))
                        }
                    })
            }
        } onCancel: {
            race.end(.failure(CancellationError()))
        }
    }

    /// Gives up a question whose time is over.
    func check(at now: UInt64) {
        let late = pending.withLock { pending in
            guard let candidate = pending, candidate.deadline <= now else { return nil as Pending? }
            pending = nil
            return candidate
        }
        late?.giveUp()
    }
}
