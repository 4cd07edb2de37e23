import Foundation

/// A thread of its own for one connection, to PostgreSQL or another server: what runs here may block without taking a
/// thread of Swift's pool.
///
/// A thread rather than a dispatch queue, because dispatch stops making threads at some number of blocked ones.
package final class ConnectionExecutor: SerialExecutor, @unchecked Sendable {
    private enum Work {
        case job(UnownedJob)
        case closure(@Sendable () -> Void)
    }

    private let condition = NSCondition()
    // Guarded by `condition`.
    private var queue: [Work] = []
    private var stopped = false

    package init(name: String = "strata-libpq") {
        let thread = Thread { [self] in loop() }
        thread.name = name
        thread.stackSize = 1 << 20
        thread.start()
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        append(.job(UnownedJob(job)))
    }

    /// Runs blocking work on the thread, before there is an actor that could.
    package func run<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            append(.closure { continuation.resume(with: Result(catching: work)) })
        }
    }

    /// The thread ends once its queue is empty. Called when nobody can enqueue any more.
    package func stop() {
        condition.withLock {
            stopped = true
            condition.signal()
        }
    }

    private func append(_ work: Work) {
        condition.withLock {
            queue.append(work)
            condition.signal()
        }
    }

    private func loop() {
        while let batch = next() {
            for work in batch {
                switch work {
                case .job(let job): job.runSynchronously(on: asUnownedSerialExecutor())
                case .closure(let closure): closure()
                }
            }
        }
    }

    private func next() -> [Work]? {
        condition.withLock {
            while queue.isEmpty && !stopped { condition.wait() }
            defer { queue = [] }
            return queue.isEmpty ? nil : queue
        }
    }
}
