import Foundation

/// Runs tasks on threads of its own, so that nothing else that runs in the process can keep them waiting.
///
/// Threads rather than a dispatch queue: the queues share their threads with Swift's own pool, and whoever blocks there
/// keeps everybody waiting. The threads start with the first task and stay as long as the process.
final class ThreadExecutor: TaskExecutor, @unchecked Sendable {
    /// For what watches servers and reads catalogs: it waits without blocking.
    static let watchers = ThreadExecutor(name: "strata-watch", threads: 2)

    private let name: String
    private let limit: Int
    private let condition = NSCondition()
    // Guarded by `condition`.
    private var queue: [UnownedJob] = []
    private var idle = 0
    private var threads = 0

    /// - Parameter limit: how many threads there may be; one is started when nobody is free.
    init(name: String, threads limit: Int) {
        self.name = name
        self.limit = limit
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        condition.withLock {
            queue.append(job)
            if queue.count > idle, threads < limit {
                threads += 1
                start()
            }
            condition.signal()
        }
    }

    private func start() {
        let thread = Thread { [self] in
            while true { next().runSynchronously(on: asUnownedTaskExecutor()) }
        }
        thread.name = name
        thread.start()
    }

    private func next() -> UnownedJob {
        condition.withLock {
            idle += 1
            while queue.isEmpty { condition.wait() }
            idle -= 1
            return queue.removeFirst()
        }
    }
}
