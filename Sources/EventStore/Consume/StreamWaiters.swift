import Foundation

/// Who waits for a stream to grow, and what is known of streams' ends. No I/O.
struct StreamWaiters<Ticket: Sendable> {
    struct Waiter: Sendable {
        var number: Int
        var beyond: Int
        var ticket: Ticket
    }

    /// Known ends of streams that nobody waits for: a reader that has just found nothing does not miss what came meanwhile.
    private let remembered: Int
    private var ends: [UUID: Int] = [:]
    private var waiting: [UUID: [Waiter]] = [:]
    private var nextNumber = 0
    private(set) var count = 0

    init(remembered: Int = 10_000) { self.remembered = remembered }

    /// - Returns: the waiter's number; nil: the stream has grown already.
    mutating func wait(for stream: UUID, beyond position: Int, _ ticket: Ticket) -> Int? {
        if let end = ends[stream], end > position { return nil }
        nextNumber += 1
        count += 1
        waiting[stream, default: []].append(Waiter(number: nextNumber, beyond: position, ticket: ticket))
        return nextNumber
    }

    /// - Returns: whose waiting is over.
    mutating func grown(_ stream: UUID, to end: Int) -> [Ticket] {
        if ends.count >= remembered, ends[stream] == nil { ends.removeAll(keepingCapacity: true) }
        ends[stream] = max(end, ends[stream] ?? 0)
        guard let waiters = waiting[stream] else { return [] }
        let (left, done) = (waiters.filter { $0.beyond >= end }, waiters.filter { $0.beyond < end })
        waiting[stream] = left.isEmpty ? nil : left
        count -= done.count
        return done.map(\.ticket)
    }

    mutating func giveUp(_ number: Int, on stream: UUID) -> Ticket? {
        guard let index = waiting[stream]?.firstIndex(where: { $0.number == number }) else { return nil }
        let waiter = waiting[stream]?.remove(at: index)
        if waiting[stream]?.isEmpty == true { waiting[stream] = nil }
        count -= 1
        return waiter?.ticket
    }

    /// Something may have been missed: all look for themselves.
    mutating func all() -> [Ticket] {
        let tickets = waiting.values.flatMap { $0.map(\.ticket) }
        (waiting, ends, count) = ([:], [:], 0)
        return tickets
    }
}

/// What other processes are told of grown streams: all of a few milliseconds in one message.
struct GrowthMessage: Sendable {
    /// Channel of NOTIFY; the message begins with the schema, for a database may have several stores.
    static let channel = "strata_events"
    /// PostgreSQL's limit is 8,000 bytes.
    private static let longest = 7_900

    let schema: String
    /// nil: too many to name.
    let ends: [UUID: Int]?

    init(schema: String, ends: [UUID: Int]?) { (self.schema, self.ends) = (schema, ends) }

    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        schema = String(text[..<colon])
        let rest = text[text.index(after: colon)...]
        if rest == "*" {
            ends = nil
            return
        }
        var ends: [UUID: Int] = [:]
        for part in rest.split(separator: ",") {
            let words = part.split(separator: "@")
            guard words.count == 2, let id = UUID(uuidString: String(words[0])), let end = Int(words[1]) else {
                return nil
            }
            ends[id] = end
        }
        self.ends = ends
    }

    var text: String {
        guard let ends else { return schema + ":*" }
        let text = schema + ":" + ends.map { "\($0.key.uuidString)@\($0.value)" }.joined(separator: ",")
        return text.utf8.count <= Self.longest ? text : schema + ":*"
    }
}
