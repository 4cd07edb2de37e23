import DequeModule
import Foundation

/// Requests that wait, and which of them go to the server together. No I/O: whoever owns it does what it answers.
///
/// Requests of one stream go through one lane, which has one call under way at a time: what arrives meanwhile goes with the
/// next call. So the busier a stream, the more its requests share a transaction and its wait for the disk, and nobody waits
/// while nothing else is under way. Where an organisation has many small requests under way, those of all its streams share
/// a lane: a commit for each stream costs more than to wait for the one that is under way.
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
        /// Requests of an organisation that are under way or wait, from which on small ones share a lane; and how many may
        /// wait there before others take lanes by their streams again.
        var crowd = 8
        var gathered = 256
        /// What may wait, in all lanes.
        var waitingRequests = 10_000
        var waitingBytes = 64 << 20
    }

    enum Arrival: Sendable {
        /// The lane was free: to be sent now.
        case send([Entry], lane: Int)
        case waits
        /// As much waits as may.
        case refused
    }

    let limits: Limits
    private var waiting: [Deque<Entry>]
    private var isBusy: [Bool]
    /// Of each lane, what its call carries.
    private var carried: [(organization: UUID, requests: Int)?]
    /// Under way or waiting, by organisation.
    private var present: [UUID: Int] = [:]
    private(set) var waitingRequests = 0
    private(set) var waitingBytes = 0

    init(_ limits: Limits = Limits()) {
        self.limits = limits
        waiting = Array(repeating: [], count: max(1, limits.lanes))
        isBusy = Array(repeating: false, count: max(1, limits.lanes))
        carried = Array(repeating: nil, count: max(1, limits.lanes))
    }

    /// The lane of the first stream, or in a crowd the organisation's. Either will do: calls lock the rows of all their streams
    /// in one order, whichever lane they are in.
    private func lane(of request: AppendRequest) -> Int {
        guard let first = request.parts.first else { return 0 }
        let shared = lane(request.organization)
        let isCrowd = present[request.organization, default: 0] >= limits.crowd
        if isCrowd, request.isSmall, waiting[shared].count < limits.gathered { return shared }
        return lane(first.stream)
    }

    private func lane(_ id: UUID) -> Int {
        // Not `hashValue`: equal in each run, which tests rely on.
        let bytes = id.uuid
        return Int(bytes.15 ^ bytes.14 ^ bytes.13) % waiting.count
    }

    mutating func add(_ request: AppendRequest, _ ticket: Ticket) -> Arrival {
        let lane = lane(of: request)
        let entry = Entry(request: request, ticket: ticket)
        guard isBusy[lane] else {
            isBusy[lane] = true
            carried[lane] = (request.organization, 1)
            present[request.organization, default: 0] += 1
            return .send([entry], lane: lane)
        }
        let bytes = request.byteCount
        guard waitingRequests < limits.waitingRequests, waitingBytes + bytes <= limits.waitingBytes else {
            return .refused
        }
        waitingRequests += 1
        waitingBytes += bytes
        waiting[lane].append(entry)
        present[request.organization, default: 0] += 1
        return .waits
    }

    /// Whether the lane's next call is worth a moment's wait: several were answered just now, more than wait, and who sends one
    /// request after the other comes back with the next at once. Without it those who came first and those who came while
    /// they were answered would go on in two halves.
    func isWorthAMoment(lane: Int, answered: Int) -> Bool { answered >= 4 && waiting[lane].count < answered }

    /// The lane's call has ended.
    ///
    /// - Returns: the next one; nil: the lane is free.
    mutating func finished(lane: Int) -> [Entry]? {
        forget(lane)
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
        carried[lane] = (first.request.organization, taken.count)
        return taken
    }

    /// What the lane's call has carried is answered.
    private mutating func forget(_ lane: Int) {
        guard let (organization, requests) = carried[lane] else { return }
        carried[lane] = nil
        let left = present[organization, default: 0] - requests
        present[organization] = left > 0 ? left : nil
    }
}
