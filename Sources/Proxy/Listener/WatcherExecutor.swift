internal import Dispatch

/// Threads of their own for the tasks that watch servers and read catalogs, so that nothing else that runs in the process
/// can keep statements waiting for them.
final class WatcherExecutor: TaskExecutor {
    private let queue = DispatchQueue(label: "strata.watchers", attributes: .concurrent)

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
