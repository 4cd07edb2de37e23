import Synchronization
import Testing

@testable import Proxy

/// Waking the sampler, and not waiting for servers that do not answer.
@Suite struct ReplicaSignalTests {
    @Test("A call wakes, also one that came before the wait")
    func calls() async {
        let signal = WakeSignal()
        signal.reset()
        signal.call()
        await signal.wait()
        signal.reset()
        async let waiting: Void = signal.wait()
        signal.call()
        await waiting
    }

    @Test("A wait ends with its task, and when another begins")
    func ends() async {
        let signal = WakeSignal()
        signal.reset()
        let cancelled = Task { await signal.wait() }
        cancelled.cancel()
        await cancelled.value
        signal.reset()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<2 { group.addTask { await signal.wait() } }
            await group.next()
            signal.call()
        }
    }

    @Test("Calls from many threads lose none: the last one is always seen")
    func many() async {
        let signal = WakeSignal()
        let announced = Counter()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<2000 {
                        announced.value.wrappingAdd(1, ordering: .sequentiallyConsistent)
                        signal.call()
                    }
                }
            }
            while true {
                signal.reset()
                if announced.value.load(ordering: .sequentiallyConsistent) == 8000 { break }
                await signal.wait()
            }
        }
    }

    @Test("What does not answer is left behind; what it still brings is handed over")
    func bounded() async throws {
        let late = WakeSignal()
        late.reset()
        let gate = WakeSignal()
        gate.reset()
        let bounded = Bounded()
        let question = Task {
            try await bounded.run(.milliseconds(5)) {
                // Takes no notice of its cancellation, as a statement on a frozen server.
                await Task.detached { await gate.wait() }.value
                return 1
            } ifLate: { _ in
                late.call()
            }
        }
        // As the patrol does, until it has been given up.
        let patrol = Task {
            while !Task.isCancelled {
                bounded.check(at: MonotonicTime.now)
                await Task.yield()
            }
        }
        await #expect(throws: NoAnswer(limit: .milliseconds(5))) { try await question.value }
        patrol.cancel()
        gate.call()
        await late.wait()
        #expect(try await bounded.run(.seconds(3600)) { 7 } == 7)
        struct Broken: Error {}
        await #expect(throws: Broken.self) { try await Bounded().run(.seconds(3600)) { throw Broken() } }
    }

    @Test("A cancelled task does not wait for an answer")
    func cancelled() async {
        let task = Task { try await Bounded().run(.seconds(3600)) { try await Task.sleep(for: .seconds(3600)) } }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    private final class Counter: Sendable { let value = Atomic<Int>(0) }
}
