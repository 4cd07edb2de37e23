package import PostgresDriver
import Synchronization

/// A server of a database, as the layout names it.
package struct NodeDescription: Sendable {
    package let name: String
    /// As whom the watching connection is made. Any role that may connect will do; one with the rights of
    /// `pg_monitor` sees sooner that a replica follows a new primary.
    package let settings: ConnectionSettings
    /// weight (number, 1, 1 … 1000): how many statements it gets compared to others.
    package let weight: Int

    package init(name: String, settings: ConnectionSettings, weight: Int = 1) {
        self.name = name
        self.settings = settings
        self.weight = min(max(weight, 1), 1000)
    }
}

/// The numbers of a server that loops read and the monitor writes, and the other way round.
final class DatabaseNode: Sendable {
    let description: NodeDescription
    let isUsable = Atomic<Bool>(false)
    /// 1 to 1000; a reload may change it.
    let weight: Atomic<Int>
    /// The newest tick that it has all of; 0 for none.
    let replayedTick = Atomic<UInt64>(0)
    /// When the sample of that tick began.
    let coveredSince = Atomic<UInt64>(0)
    /// Statements that run there.
    let active = Atomic<Int>(0)
    /// Failures that loops reported since their last success there.
    let reported = Atomic<Int>(0)
    let signal = WakeSignal()
    /// When the waiting monitor wants to be woken at the latest.
    let due = Atomic<UInt64>(.max)
    /// What the monitor asks the server.
    let questions = Bounded()

    private let begunSamples = Atomic<UInt64>(0)
    private let doneSamples = Atomic<UInt64>(0)
    private let neededSamples = Atomic<UInt64>(0)

    init(_ description: NodeDescription) {
        self.description = description
        weight = Atomic(description.weight)
    }

    /// What was sampled before a new connection may be about a server that has crashed since: it comes back with an
    /// older state, and replays from there. A sample that begins now tells of the server that is there now.
    func holdUntilNextSample() {
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        neededSamples.raise(to: begunSamples.load(ordering: .sequentiallyConsistent) + 1)
        signal.call()
    }

    var isHeld: Bool { doneSamples.load(ordering: .acquiring) < neededSamples.load(ordering: .acquiring) }

    func beginSample() -> UInt64 {
        let number = begunSamples.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        return number
    }

    /// After its results are in place.
    func endSample(_ number: UInt64) { doneSamples.raise(to: number) }

    func has(_ tick: UInt64) -> Bool { replayedTick.load(ordering: .acquiring) >= tick && !isHeld }

    func isWithin(_ nanoseconds: UInt64, at now: UInt64) -> Bool {
        let since = coveredSince.load(ordering: .acquiring)
        return since != 0 && (now <= since || now - since <= nanoseconds) && !isHeld
    }
}
