import EventStore
import Foundation
import Planning
import PostgresDriver

/// Callers of `strata serve` that append single events, of whom each waits for its answer before it sends the next.
struct EventsCrowd: Sendable {
    let service: EventsServed.Address
    let callers: Int
    /// Each caller has one of its own, or all have the same.
    let streams: [UUID]

    /// An event that was acknowledged: its number, which its metadata have, and what it was told.
    struct Mark: Sendable, Hashable {
        var stream: UUID
        var number: Int
        var position: Int
    }

    struct Outcome: Sendable {
        var times = Histogram()
        var marks: [Mark] = []
        /// Of the service, in bytes, each half second.
        var memory: [Int] = []
    }

    /// Each caller sends one event: connections are opened, and schemas known.
    func warmUp() throws -> Outcome { try run(seconds: nil, from: 0) }

    /// All callers for so many seconds; nil: one event each.
    ///
    /// - Parameter turn: how many each has sent before.
    func run(seconds: Int?, from turn: Int) throws -> Outcome {
        var outcome = Outcome()
        var turns = [Int](repeating: turn, count: callers)
        var looked = ContinuousClock.now
        let end = seconds.map { ContinuousClock.now + .seconds($0) }
        try HTTPCrowd(callers, port: service.port).run { caller in
            guard turns[caller] == turn || end.map({ ContinuousClock.now < $0 }) == true else { return nil }
            return service.append(
                streams[caller % streams.count], [EventsPlace.event(caller + turns[caller] * callers)])
        } answered: { caller, answer, time in
            try answer.require(201)
            let mark = Mark(
                stream: streams[caller % streams.count], number: caller + turns[caller] * callers,
                position: answer.numbers(after: "\"first_position\":").first ?? 0)
            outcome.marks.append(mark)
            outcome.times.add(time)
            turns[caller] += 1
            guard ContinuousClock.now - looked > .milliseconds(500) else { return }
            looked = .now
            outcome.memory.append(EventsPlace.memory(of: service.pid))
        }
        return outcome
    }
}

/// What was acknowledged beside what is in the table.
struct EventsAudit: Sendable {
    private(set) var acknowledged = 0
    /// Acknowledged, and not there at the position that was told.
    private(set) var lost = 0
    /// There more often than once, or without having been acknowledged: nobody was without an answer.
    private(set) var surplus = 0

    /// - Parameter marks: all that was ever sent to these streams.
    mutating func look(_ marks: [EventsCrowd.Mark], _ place: EventsPlace) async throws {
        var expected = Set(marks)
        let streams = Set(marks.map(\.stream))
        let connection = try await Connection.open(place.settings)
        let rows = try await connection.query(
            """
            SELECT stream_id::text AS stream, (metadata ->> 'trace')::bigint AS number, position
            FROM events.events WHERE stream_id::text = ANY ($1)
            """, [.textArray(streams.map { $0.uuidString.lowercased() })])
        await connection.close()
        for row in rows {
            guard let stream = UUID(uuidString: try row.string("stream")) else { continue }
            let mark = EventsCrowd.Mark(
                stream: stream, number: try row.int("number"), position: try row.int("position"))
            if expected.remove(mark) == nil { surplus += 1 }
        }
        acknowledged += marks.count
        // Two answers that are the same stand for one row.
        lost += expected.count + marks.count - Set(marks).count
    }

    func line(_ what: String) -> ResultLine {
        ResultLine(
            what: what, figure: "\(grouped(acknowledged)) acknowledged, \(lost) lost, \(surplus) twice",
            target: "0 lost, 0 twice", isMet: lost == 0 && surplus == 0 && acknowledged > 0, value: Double(lost))
    }
}
