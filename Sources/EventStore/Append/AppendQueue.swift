import DequeModule
import Foundation

/// Requests that wait, and which of them go to the server together. No I/O: whoever owns it does what it answers.
///
/// A lane has one call under way at a time: what arrives meanwhile goes with the next call. So the busier it is, the more
/// requests share a transaction and its wait for the disk. Who is alone does not wait; where several came together lately, who
/// comes first waits a moment for the others (`Crowd`). Small requests to all streams of an organisation share two lanes: a commit
/// for each stream costs more than to wait for the one that is under way. Others take the lane of their stream, so that of one
/// stream a small request may pass a large one that waits: who needs an order waits for the answer, or expects a version.
struct AppendQueue<Ticket: Sendable> {
    struct Entry: Sendable {
        var request: AppendRequest
        var ticket: Ticket
    }

    struct Limits: Sendable {
        /// Calls at a time.
        var lanes = 4
        /// What one call carries, at most; a single request may be more.
        var events = 1_000
        var bytes = 4 << 20
        /// Small requests that may wait in a lane before others take lanes by their streams alone.
        var gathered = 256
        /// What may wait, in all lanes.
        var waitingRequests = 10_000
        var waitingBytes = 64 << 20
    }

    enum Arrival: Sendable {
        /// The lane was free: to be sent now.
        case send([Entry], lane: Int)
        /// The lane was free, but others are expected: its work begins with waiting for them.
        case gather(lane: Int)
        case waits(lane: Int)
        /// As much waits as may.
        case refused
    }

    let limits: Limits
    private var waiting: [Deque<Entry>]
    private var isBusy: [Bool]
    private var crowds: [Crowd]
    private(set) var waitingRequests = 0
    private(set) var waitingBytes = 0

    init(_ limits: Limits = Limits()) {
        self.limits = limits
        waiting = Array(repeating: [], count: max(1, limits.lanes))
        isBusy = Array(repeating: false, count: max(1, limits.lanes))
        crowds = Array(repeating: Crowd(), count: max(1, limits.lanes))
    }

    /// By the first stream, or for small requests one of the organisation's two. Any will do: calls lock the rows of all their
    /// streams in one order, whichever lane they are in.
    private func lane(of request: AppendRequest) -> Int {
        guard let first = request.parts.first else { return 0 }
        let own = lane(first.stream)
        let shared = (lane(request.organization) + own % 2) % waiting.count
        return request.isSmall && waiting[shared].count < limits.gathered ? shared : own
    }

    private func lane(_ id: UUID) -> Int {
        // Not `hashValue`: equal in each run, which tests rely on.
        let bytes = id.uuid
        return Int(bytes.15 ^ bytes.14 ^ bytes.13) % waiting.count
    }

    mutating func add(_ request: AppendRequest, _ ticket: Ticket) -> Arrival {
        let lane = lane(of: request)
        let entry = Entry(request: request, ticket: ticket)
        guard isBusy[lane] || crowds[lane].isExpected(beyond: 1) else {
            isBusy[lane] = true
            return .send([entry], lane: lane)
        }
        let bytes = request.byteCount
        guard waitingRequests < limits.waitingRequests, waitingBytes + bytes <= limits.waitingBytes else {
            return .refused
        }
        waitingRequests += 1
        waitingBytes += bytes
        waiting[lane].append(entry)
        guard isBusy[lane] else {
            isBusy[lane] = true
            return .gather(lane: lane)
        }
        return .waits(lane: lane)
    }

    /// These were answered just now in one call of the lane. Large requests make no crowd: few of them fill a call.
    mutating func answered(_ entries: [Entry], lane: Int) {
        let small = entries.count { $0.request.isSmall }
        crowds[lane].saw(small < Crowd.least ? small : small + waiting[lane].count)
    }

    /// Whether the lane's next call is worth a moment's wait. Without it those who came first and those who came while they were
    /// answered would go on in ever smaller parts, each with a commit of its own.
    func isGathering(lane: Int) -> Bool { crowds[lane].isExpected(beyond: waiting[lane].count) }

    func waitingRequests(lane: Int) -> Int { waiting[lane].count }

    /// The lane's call has ended.
    ///
    /// - Returns: the next one; nil: the lane is free.
    mutating func finished(lane: Int) -> [Entry]? {
        guard let first = waiting[lane].first else {
            isBusy[lane] = false
            return nil
        }
        var taken: [Entry] = []
        var left = Deque<Entry>()
        var (events, bytes) = (0, 0)
        var isFull = false
        for entry in waiting[lane] {
            // A call is for one organisation: row security is.
            guard !isFull, entry.request.organization == first.request.organization else {
                left.append(entry)
                continue
            }
            let size = entry.request.byteCount
            if !taken.isEmpty, events + entry.request.eventCount > limits.events || bytes + size > limits.bytes {
                // Nobody overtakes: a small request does not go before a big one.
                isFull = true
                left.append(entry)
                continue
            }
            taken.append(entry)
            events += entry.request.eventCount
            bytes += size
        }
        waiting[lane] = left
        waitingRequests -= taken.count
        waitingBytes -= bytes
        return taken
    }
}
