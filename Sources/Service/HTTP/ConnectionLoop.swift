import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import Synchronization

/// HTTP/1.1 whose requests are worked on by the thread that reads and writes their connection: a request that goes to another
/// thread and back costs more for that than for all the rest of a small append.
struct ConnectionLoop: ServerChildChannel {
    typealias Value = HTTP1Channel.Value

    private let base: HTTP1Channel
    private let executors: [ObjectIdentifier: LoopExecutor]

    /// - Parameter group: whose loops the connections are on.
    init(_ base: HTTP1Channel, on group: any EventLoopGroup) {
        self.base = base
        executors = group.makeIterator().reduce(into: [:]) { $0[ObjectIdentifier($1)] = LoopExecutor($1) }
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        base.setup(channel: channel, logger: logger)
    }

    func handle(value: Value, logger: Logger) async {
        guard let executor = executors[ObjectIdentifier(value.channel.eventLoop)] else {
            return await base.handle(value: value, logger: logger)
        }
        await withTaskExecutorPreference(executor) { await base.handle(value: value, logger: logger) }
    }
}

/// Runs tasks on an event loop. What takes long must not: it would keep the loop's other connections waiting.
private final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop
    /// Those that come together go to the loop together: many requests are answered at once.
    private let jobs = Mutex<[UnownedJob]>([])

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let isFirst = jobs.withLock { jobs in
            jobs.append(job)
            return jobs.count == 1
        }
        if isFirst { loop.execute { self.run() } }
    }

    private func run() {
        let jobs = jobs.withLock { jobs in
            defer { jobs = [] }
            return jobs
        }
        for job in jobs { job.runSynchronously(on: asUnownedTaskExecutor()) }
    }
}
