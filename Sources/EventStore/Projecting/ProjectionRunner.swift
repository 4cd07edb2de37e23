import Foundation
import JSONSchemas
package import PostgresDriver

/// Runs a projection. The read model's change and the position are one transaction: each event changes it once, whatever is
/// killed in between.
package actor ProjectionRunner {
    package struct Progress: Sendable, Hashable, Codable {
        package var position: Int
        package var lastPosition: Int
        package var events: Int
        package var deadLetters: Int

        package init(position: Int, lastPosition: Int, events: Int, deadLetters: Int) {
            (self.position, self.lastPosition, self.events) = (position, lastPosition, events)
            self.deadLetters = deadLetters
        }
    }

    let projection: Projection
    let copy: ProjectionCopy
    let reader: EventReader
    /// Who tries dead letters again.
    let member = "project:\(UUID().uuidString.lowercased())"
    private let settings: ConnectionSettings
    let batch: Int
    private var connection: Connection?
    /// What it knows is not so any more: it begins anew.
    private var isStale = false
    /// The statements that the read model was projected with when this process first saw it: who rebuilds it with others
    /// meanwhile is not to be followed by what this process still has.
    private var known: String?
    var prepared: [ProjectionStatement: PreparedStatement] = [:]
    package private(set) var progress = Progress(position: 0, lastPosition: 0, events: 0, deadLetters: 0)
    /// What the store was last told, for people who look at the groups of a stream.
    private var registered: Int?

    /// A copy that lacks more events than this is not worth having: its statements are wrong.
    static let mostLetters = 10_000

    /// - Parameters:
    ///   - copy: which of its read models.
    ///   - target: the database of the read model.
    ///   - batch: events in one transaction, 1 to 10,000.
    package init(
        _ projection: Projection, copy: ProjectionCopy = .live, reader: EventReader, target: ConnectionSettings,
        batch: Int = 500
    ) {
        (self.projection, self.copy, self.reader, settings) = (projection, copy, reader, target)
        self.batch = min(max(batch, 1), 10_000)
    }

    /// Works until there is nothing left.
    ///
    /// - Parameter onProgress: after each transaction.
    /// - Throws: as `step`.
    @discardableResult
    package func catchUp(_ onProgress: @Sendable (Progress) -> Void = { _ in }) async throws -> Progress {
        while try await step() {
            onProgress(progress)
            try Task.checkCancellation()
        }
        return progress
    }

    /// One transaction, with the next events.
    ///
    /// - Parameter limit: a position beyond which it does not go; nil: the stream's end.
    /// - Returns: whether there were any.
    /// - Throws: `ProjectionStop`, `EventStoreRefusal.outOfRange` where events are archived that it has not seen, `PostgresError`.
    package func step(upTo limit: Int? = nil) async throws -> Bool {
        let connection = try await open()
        let events = try await next(upTo: limit, batch)
        guard !events.isEmpty else {
            try await register()
            return false
        }
        try await apply(events, connection)
        return true
    }

    package func close() async {
        await connection?.close()
        (connection, prepared) = (nil, [:])
    }

    func next(upTo limit: Int?, _ most: Int) async throws -> [StoredEvent] {
        if let limit, limit <= progress.position { return [] }
        let slice = try await reader.read(
            projection.stream, of: projection.organization, after: progress.position, upTo: limit, limit: most)
        progress.lastPosition = slice.lastPosition
        return slice.events
    }

    private func register() async throws {
        guard copy == .live, registered != progress.position else { return }
        try await reader.setAside(
            progress.position, of: projection.stream, projection.organization, group: projection.group, failure: nil)
        registered = progress.position
    }

    func forgetLetter() { progress.deadLetters -= 1 }

    // MARK: One transaction

    /// Why an event cannot be done.
    struct Failure {
        var message: String
        /// A SQLSTATE, or `json` for a payload that cannot be read.
        var kind: String
    }

    private func apply(_ events: [StoredEvent], _ connection: Connection) async throws {
        var attempts = 0
        // The event whose statements fail; nil: it is not an event that fails.
        var failing: Int?
        while true {
            attempts += 1
            failing = nil
            do {
                try await connection.transaction { connection in
                    try await advance(to: events[events.count - 1].position, connection)
                    try await change(events, connection) { failing = $0 }
                    // A deferred constraint speaks at the end, for whichever event.
                    failing = events.count
                    try await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
                }
                progress.position = events[events.count - 1].position
                progress.events += events.count
                return
            } catch let error as PostgresError where error.isPassing && attempts < 10 {
                try await Task.sleep(for: .milliseconds(20 << min(attempts, 6)))
            } catch let error as PostgresError where error.isOfItsStatement && !error.isPassing {
                guard let failing else { throw error }
                let failure = Failure(message: error.message, kind: error.sqlState?.rawValue ?? "")
                return try await isolate(events, failing, failure, connection)
            } catch let error as JSONError {
                let failure = Failure(message: error.description, kind: "json")
                return try await isolate(events, failing ?? 0, failure, connection)
            }
        }
    }

    /// What comes before the bad event is done; then the event is found out alone.
    private func isolate(
        _ events: [StoredEvent], _ failing: Int, _ failure: Failure, _ connection: Connection
    ) async throws {
        guard events.count > 1 else { return try await refuse(events[0], failure, connection) }
        // At the end of all it may be any of them: half and half.
        let border = failing == events.count ? events.count / 2 : max(failing, 1)
        try await apply(Array(events[..<border]), connection)
        try await apply(Array(events[border...].prefix(failing == events.count ? .max : 1)), connection)
    }

    private func refuse(_ event: StoredEvent, _ failure: Failure, _ connection: Connection) async throws {
        guard projection.onError == .deadLetter, progress.deadLetters < Self.mostLetters || copy == .live else {
            _ = try? await connection.query(
                "UPDATE strata.projections SET state = 'stopped', error = $3, updated_at = now() WHERE name = $1 AND copy = $2",
                [
                    .text(projection.name), .text(copy.rawValue),
                    .text("event \(event.position) (\(event.type)): \(failure.message)"),
                ])
            throw ProjectionStop.event(position: event.position, type: event.type, message: failure.message)
        }
        // First on record, then passed by: killed in between, it is put on record once more, which changes nothing. What a
        // copy lacks that nobody reads yet concerns nobody.
        if copy == .live {
            try await reader.setAside(
                event.position, of: projection.stream, projection.organization, group: projection.group,
                failure: (failure.message, failure.kind))
        }
        try await connection.transaction { connection in
            try await advance(to: event.position, connection)
            try await keep(failure, event.position, connection)
        }
        progress.position = event.position
        progress.deadLetters += 1
    }

    /// Compare and set: whoever else moved it is not overtaken. It is the first statement of each transaction, and so the lock
    /// that a swap waits for.
    func advance(to position: Int, _ connection: Connection) async throws {
        let moved = try await connection.query(
            """
            UPDATE strata.projections SET position = $4, state = 'running', error = NULL, updated_at = now()
            WHERE name = $1 AND copy = $2 AND position = $3 AND statements = $5 RETURNING true
            """,
            [
                .text(projection.name), .text(copy.rawValue), .int(progress.position), .int(position),
                .text(projection.fingerprint),
            ])
        guard moved.isEmpty else { return }
        isStale = true
        throw ProjectionStop.moved
    }

    // MARK: Opening

    /// One process at a time: the lock goes with its connection.
    func open() async throws -> Connection {
        if let connection, !isStale, await connection.isAlive { return connection }
        await close()
        isStale = false
        let connection = try await Connection.open(settings.settings(["application_name": "strata project"]))
        do {
            try await ProjectionSchema.install(on: connection)
            let what = copy == .live ? projection.name : "\(projection.name)/\(copy.rawValue)"
            guard try await ProjectionSchema.lock(what, on: connection) else {
                if known == nil { known = try await statements(on: connection) }
                throw ProjectionStop.busy
            }
            if let schema = projection.schema { try await look(in: schema, connection) }
            try await findPosition(connection)
        } catch {
            await connection.close()
            throw error
        }
        self.connection = connection
        return connection
    }

    /// The copy's own tables first, then what else is in the schema of the live ones.
    private func look(in schema: String, _ connection: Connection) async throws {
        let own = copy.schema(of: projection.name, live: schema)
        let missing = try await connection.query(
            "SELECT format('%I.%I', $1::text, t) AS name FROM unnest($2) t WHERE to_regclass(format('%I.%I', $1::text, t)) IS NULL",
            [.text(own), .textArray(projection.tables)])
        if let table = missing.first { throw ProjectionStop.noTable(try table.string("name")) }
        let first = copy == .live ? [schema] : [own, schema]
        _ = try await connection.query(
            """
            SELECT set_config('search_path', (SELECT string_agg(quote_ident(s), ', ') FROM unnest($1) s)
                || coalesce(', ' || nullif(current_setting('search_path'), ''), ''), false)
            """, [.textArray(first)])
    }

    private func findPosition(_ connection: Connection) async throws {
        let row = try await connection.query(
            """
            INSERT INTO strata.projections (name, copy, stream_id, begun_at)
            VALUES ($1, $2, $3::uuid, timestamp '1970-01-01' + $4 * interval '1 millisecond')
            ON CONFLICT (name, copy) DO UPDATE SET updated_at = now() RETURNING position, stream_id::text AS stream, statements
            """,
            [
                .text(projection.name), .text(copy.rawValue), .text(projection.stream.uuidString),
                .int(try await reader.moment(of: projection.organization)),
            ]
        ).only()
        guard try row.string("stream").uppercased() == projection.stream.uuidString else {
            throw EventStoreRefusal.invalid("projection \(projection.name) is made of another stream")
        }
        try await claim(try row.optionalString("statements"), connection)
        progress.position = try row.int("position")
        progress.deadLetters = try await connection.query(
            "SELECT count(*) AS n FROM strata.projection_letters WHERE name = $1 AND copy = $2",
            [.text(projection.name), .text(copy.rawValue)]
        ).only().int("n")
    }

    private func statements(on connection: Connection) async throws -> String? {
        try await connection.query(
            "SELECT statements FROM strata.projections WHERE name = $1 AND copy = $2",
            [.text(projection.name), .text(copy.rawValue)]
        ).first?.optionalString("statements")
    }

    /// From here on it is projected with these statements. Who starts with others has changed them on purpose; who has been
    /// running has not.
    private func claim(_ found: String?, _ connection: Connection) async throws {
        let own = projection.fingerprint
        if let found, found != own {
            if copy != .live { throw copy == .old ? RebuildRefusal.oldIsOfOthers : .declaredOtherwise }
            if let known, known != found { throw ProjectionStop.replaced }
        }
        if found != own {
            _ = try await connection.query(
                "UPDATE strata.projections SET statements = $3 WHERE name = $1 AND copy = $2",
                [.text(projection.name), .text(copy.rawValue), .text(own)])
        }
        known = own
    }
}

extension PostgresError {
    /// The server refused a statement, and is still there.
    var isOfItsStatement: Bool { kind == .server && !isConnectionLost }

    /// The same statements may succeed a moment later: locks, deadlocks, resources.
    var isPassing: Bool {
        guard let code = sqlState?.rawValue else { return false }
        return isRetryable || isLockTimeout || isQueryCanceled || code.hasPrefix("53") || code.hasPrefix("58")
    }
}
