import EventStore
import Foundation
import Planning
import PostgresDriver
import Synchronization

/// A read model of many events, from the first to the last: rows a second, and memory while it goes on.
struct EventsProjectTime {
    /// Memory at the end, of what it was after the first tenth.
    static let target = 1.2

    let events: Int

    func run(_ place: EventsPlace, _ interruption: Interruption) async throws -> [ResultLine] {
        let stream = try await place.streams(1, "project")[0]
        progress("  filling a stream with \(grouped(events)) events")
        try await place.fill(stream, events)
        let connection = try await Connection.open(place.settings)
        for statement in [
            "CREATE TABLE animals (id text PRIMARY KEY, name text NOT NULL, weight numeric, owner text, changes bigint NOT NULL)",
            "CHECKPOINT",
        ] { try await connection.execute(statement) }
        try interruption.check()
        let statements = try ProjectionStatement.parse(
            """
            INSERT INTO animals (id, name, weight, owner, changes)
            VALUES (:key, :payload.name, :payload.weight, :payload.owner.name, 1)
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, weight = excluded.weight, changes = animals.changes + 1
            """)
        let projection = Projection(
            "bench", of: stream, place.organization,
            statements: Dictionary(uniqueKeysWithValues: (0..<5).map { ("type_\($0)", statements) }))
        let memory = Mutex(Memory())
        let reader = EventReader(place.settings, schema: place.schema, connections: 1)
        let runner = ProjectionRunner(projection, reader: reader, target: place.settings)
        let rate = try await EventsRate.measure(place) {
            try await runner.catchUp { done in
                memory.withLock { $0.note(done.position, of: events) }
            }.events
        }
        await runner.close()
        await reader.close()
        let changes = try await connection.query("SELECT sum(changes)::bigint AS n FROM animals").only().int("n")
        await connection.close()
        guard changes == events else { throw BenchFailure("the read model has \(changes) changes of \(events)") }
        return lines([rate], memory.withLock { $0 })
    }

    /// Resident memory, in bytes.
    private struct Memory {
        var early = 0
        var most = 0
        var last = 0
        private var looked = 0

        mutating func note(_ position: Int, of events: Int) {
            // A look at it takes a while: a hundred of them.
            guard position - looked >= events / 100 else { return }
            looked = position
            last = EventsPlace.memory()
            most = max(most, last)
            if position <= events / 10 { early = last }
        }
    }

    private func lines(_ rates: [EventsRate], _ memory: Memory) -> [ResultLine] {
        let megabytes = { (bytes: Int) in "\(grouped(bytes / 1_000_000)) MB" }
        return [
            rates.line("events: \(grouped(events)) projected, a row changed for each"),
            .ratio(
                "  memory at the end, of that after a tenth: \(megabytes(memory.early)), \(megabytes(memory.last)), "
                    + "most \(megabytes(memory.most))",
                Double(memory.last) / Double(max(memory.early, 1)), most: Self.target),
        ]
    }
}
