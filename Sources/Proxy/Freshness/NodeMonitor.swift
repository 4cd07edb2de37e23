import PostgresDriver
import Synchronization

extension DatabaseNodes {
    /// Watches the servers until the task is cancelled, one connection to each.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            for index in nodes.indices {
                group.addTask {
                    var monitor = NodeMonitor(self, index)
                    await monitor.run()
                }
            }
            group.addTask { await self.patrol() }
        }
    }

    /// Wakes the monitors whose time has come, and gives up questions that are not answered. One timer for all: what
    /// is due at a heartbeat may come a quarter of it later.
    private func patrol() async {
        let shortest = min(settings.heartbeat, settings.checkTimeout, settings.suspension)
        let pause = max(shortest / 4, .milliseconds(1))
        while !Task.isCancelled {
            try? await Task.sleep(for: pause)
            let now = MonotonicTime.now
            for (index, node) in nodes.enumerated() {
                node.questions.check(at: now)
                guard node.due.load(ordering: .acquiring) <= now else { continue }
                (index == primary ? freshness.wanted : node.signal).call()
            }
        }
    }
}

/// Samples one server: the primary when a tick is wanted, a replica until it has the ticks that are wanted, each of
/// them at every heartbeat. An idle proxy asks each server one question a second.
struct NodeMonitor {
    private let all: DatabaseNodes
    private let index: Int
    private let node: DatabaseNode
    private var probe: NodeProbe
    private var lastBegan: UInt64 = 0
    private var lastDetails: UInt64 = 0
    private var hasFailed = false
    /// Between two samples of a replica that has not caught up.
    private var pace: UInt64

    init(_ all: DatabaseNodes, _ index: Int) {
        self.all = all
        self.index = index
        node = all.nodes[index]
        probe = NodeProbe(node.description.settings, timeout: all.settings.checkTimeout, bounded: node.questions)
        pace = all.settings.interval.nanoseconds
    }

    mutating func run() async {
        while !Task.isCancelled {
            let signal = isPrimary ? all.freshness.wanted : node.signal
            signal.reset()
            let now = MonotonicTime.now
            let (due, isSoon) = nextSample(now)
            if due <= now {
                await sample()
            } else if isSoon {
                // A call could not make it sooner.
                try? await Task.sleep(for: .nanoseconds(due - now))
            } else {
                node.due.store(due, ordering: .releasing)
                await signal.wait()
                node.due.store(.max, ordering: .releasing)
                // The mark that somebody waits for may have been sampled already, and only the replicas not asked.
                if isPrimary { wakeReplicas() }
            }
        }
        probe.abandon()
    }

    private var isPrimary: Bool { all.primary == index }

    /// When, in nanoseconds, and whether that is so because somebody waits.
    private mutating func nextSample(_ now: UInt64) -> (UInt64, Bool) {
        let settings = all.settings
        if let rest = all.mayTry(index, at: now) {
            // The trial is made with a connection of its own: that is what the loops need.
            probe.abandon()
            return (rest, false)
        }
        let heartbeat = lastBegan + settings.heartbeat.nanoseconds
        if hasFailed { return (lastBegan + max(settings.heartbeat, settings.slowest).nanoseconds, false) }
        if isPrimary {
            guard all.freshness.isSampleWanted else { return (heartbeat, false) }
            return (min(heartbeat, lastBegan + settings.interval.nanoseconds), true)
        }
        if node.isHeld { return (min(heartbeat, lastBegan + settings.interval.nanoseconds), true) }
        return isBehind ? (min(heartbeat, lastBegan + pace), true) : (heartbeat, false)
    }

    /// Whether the replica lacks a tick that is wanted and sampled.
    private var isBehind: Bool {
        node.replayedTick.load(ordering: .acquiring) < min(all.freshness.newestWanted, all.newestTick)
    }

    private mutating func sample() async {
        lastBegan = MonotonicTime.now
        let withDetails = lastBegan >= lastDetails + all.settings.heartbeat.nanoseconds
        let before = node.replayedTick.load(ordering: .relaxed)
        let number = node.beginSample()
        let tick = isPrimary ? all.freshness.beginSample() : nil
        do {
            let sample = try await probe.sample(details: withDetails)
            if sample.details != nil { lastDetails = lastBegan }
            hasFailed = false
            all.sampled(index, sample, tick: tick, began: lastBegan)
            node.endSample(number)
            if tick != nil { wakeReplicas() }
        } catch {
            guard !Task.isCancelled else { return }
            hasFailed = true
            all.failed(index, Self.text(of: error))
        }
        adaptPace(before)
    }

    private mutating func adaptPace(_ before: UInt64) {
        let fastest = all.settings.interval.nanoseconds
        let isMoving = node.replayedTick.load(ordering: .relaxed) > before
        pace = isMoving || !isBehind ? fastest : min(pace * 2, all.settings.slowest.nanoseconds)
    }

    private func wakeReplicas() {
        let target = min(all.freshness.newestWanted, all.newestTick)
        for (other, node) in all.nodes.enumerated()
        where other != index && node.replayedTick.load(ordering: .acquiring) < target {
            node.signal.call()
        }
    }

    /// Without the statement and its surroundings, which are always the same.
    private static func text(of error: any Error) -> String {
        (error as? PostgresError)?.message ?? "\(error)"
    }
}
