import Foundation
import PostgresDriver

/// Several projections at work in one process, each in the order of its stream.
package struct ProjectionLoop: Sendable {
    package enum Event: Sendable {
        case progress(ProjectionRunner.Progress)
        /// It has done all that there is.
        case caughtUp(ProjectionRunner.Progress)
        /// It goes on by itself, later.
        case waiting(reason: String, Duration)
    }

    /// How the work at one of them has ended.
    package enum Outcome: Sendable {
        /// Interrupted, or all is done.
        case done
        case stopped(ProjectionStop)
        case failed(any Error)
    }

    private let watch: StreamWatch?
    private let slots: WorkSlots
    private let report: @Sendable (_ projection: String, Event) -> Void

    /// - Parameters:
    ///   - watch: what wakes it; nil: it ends when all is done.
    ///   - jobs: at so many of them it works at the same time, 1 to 64.
    ///   - report: called for one projection at a time.
    package init(
        watch: StreamWatch?, jobs: Int = 4,
        report: @escaping @Sendable (_ projection: String, Event) -> Void = { _, _ in }
    ) {
        (self.watch, self.report) = (watch, report)
        slots = WorkSlots(min(max(jobs, 1), 64))
    }

    /// Works until the task is cancelled, and ends after the transactions that are under way then; without a watch until
    /// nothing is left to do.
    package func run(_ runners: [ProjectionRunner]) async -> [String: Outcome] {
        await withTaskGroup(of: (String, Outcome).self) { group in
            for runner in runners {
                group.addTask {
                    let outcome = await run(runner)
                    await runner.close()
                    return (runner.projection.name, outcome)
                }
            }
            var outcomes: [String: Outcome] = [:]
            for await (name, outcome) in group { outcomes[name] = outcome }
            return outcomes
        }
    }

    private func run(_ runner: ProjectionRunner) async -> Outcome {
        var failures = 0
        while !Task.isCancelled {
            do {
                if try await work(runner) {
                    failures = 0
                    report(runner.projection.name, .progress(await runner.progress))
                    continue
                }
                failures = 0
                let progress = await runner.progress
                report(runner.projection.name, .caughtUp(progress))
                guard let watch else { return .done }
                // It looks by itself after a while, for a word that was lost.
                await watch.wait(for: runner.projection.stream, beyond: progress.position, atMost: .seconds(10))
            } catch {
                failures += 1
                guard let reason = passing(error) else {
                    report(runner.projection.name, .progress(await runner.progress))
                    return ended(error)
                }
                if case ProjectionStop.moved = error { continue }
                let delay = Duration.milliseconds(min(200 << min(failures, 8), 30_000))
                report(runner.projection.name, .waiting(reason: reason, delay))
                try? await Task.sleep(for: delay)
            }
        }
        return .done
    }

    /// One transaction, or the dead letters that are to be tried again. What has begun is finished, whoever cancels.
    private func work(_ runner: ProjectionRunner) async throws -> Bool {
        try await slots.with {
            try await Task {
                if try await runner.step() { return true }
                return try await runner.tryRedriven() > 0
            }.value
        }
    }

    /// - Returns: why it is tried again; nil: it is not.
    private func passing(_ error: any Error) -> String? {
        switch error {
        case ProjectionStop.moved: return "its position was moved"
        case _ where watch == nil: return nil
        case ProjectionStop.busy: return "another process is at work with it; this one takes over when that ends"
        case let error as PostgresError where error.isConnectionLost || error.isPassing: return error.message
        default: return nil
        }
    }

    private func ended(_ error: any Error) -> Outcome {
        if error is CancellationError { return .done }
        if let stop = error as? ProjectionStop { return .stopped(stop) }
        return .failed(error)
    }
}

/// So many at a time, in the order in which they came.
actor WorkSlots {
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ count: Int) { free = count }

    func with<T: Sendable>(_ body: @Sendable () async throws -> T) async throws -> T {
        await enter()
        defer { leave() }
        return try await body()
    }

    private func enter() async {
        if free > 0 {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    private func leave() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}
