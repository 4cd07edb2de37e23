package import Foundation
import JSONSchemas
package import PostgresDriver

/// A read model made of a stream: statements for each type of event.
package struct Projection: Sendable {
    package enum OnError: String, Sendable, CaseIterable {
        /// It stands at the event until that is mended.
        case stop
        /// The event is set aside, and it goes on.
        case deadLetter = "dead_letter"
    }

    /// 1 to 63 bytes.
    package var name: String
    package var stream: UUID
    package var organization: UUID
    /// By type; events of other types change nothing.
    package var statements: [String: [ProjectionStatement]]
    package var onError: OnError
    /// Where tables without a schema are looked for, before all others; nil: as the role's settings say.
    package var schema: String?

    package init(
        _ name: String, of stream: UUID, _ organization: UUID, statements: [String: [ProjectionStatement]],
        onError: OnError = .stop, schema: String? = nil
    ) {
        (self.name, self.stream, self.organization) = (name, stream, organization)
        (self.statements, self.onError, self.schema) = (statements, onError, schema)
    }
}

/// Why a projection does not go on by itself.
package enum ProjectionStop: Error, Sendable, CustomStringConvertible {
    /// The statements fail with this event, and would again.
    case event(position: Int, type: String, message: String)
    /// Another process is at work with it.
    case busy
    /// Its position was moved by somebody else.
    case moved

    package var description: String {
        switch self {
        case .event(let position, let type, let message): "event \(position) (\(type)) cannot be projected: \(message)"
        case .busy: "another process is at work with this projection"
        case .moved: "the projection's position was moved by another process"
        }
    }
}

/// Runs a projection. The read model's change and the position are one transaction: each event changes it once, whatever is
/// killed in between.
package actor ProjectionRunner {
    package struct Progress: Sendable, Hashable {
        package var position: Int
        package var lastPosition: Int
        package var events: Int
        package var deadLetters: Int
    }

    private let projection: Projection
    private let reader: EventReader
    private let settings: ConnectionSettings
    private let batch: Int
    private var connection: Connection?
    private var prepared: [ProjectionStatement: PreparedStatement] = [:]
    private var progress = Progress(position: 0, lastPosition: 0, events: 0, deadLetters: 0)

    /// - Parameters:
    ///   - target: the database of the read model.
    ///   - batch: events in one transaction, 1 to 10,000.
    package init(_ projection: Projection, reader: EventReader, target: ConnectionSettings, batch: Int = 500) {
        (self.projection, self.reader, settings) = (projection, reader, target)
        self.batch = min(max(batch, 1), 10_000)
    }

    /// Works until there is nothing left.
    ///
    /// - Parameter onProgress: after each transaction.
    /// - Throws: `ProjectionStop`, `EventStoreRefusal.outOfRange` where events are archived that it has not seen, `PostgresError`.
    @discardableResult
    package func catchUp(_ onProgress: @Sendable (Progress) -> Void = { _ in }) async throws -> Progress {
        let connection = try await open()
        while true {
            try Task.checkCancellation()
            let slice = try await reader.read(
                projection.stream, of: projection.organization, after: progress.position, limit: batch)
            progress.lastPosition = slice.lastPosition
            guard !slice.events.isEmpty else {
                // For people who look at the groups of a stream.
                try await reader.setAside(
                    progress.position, of: projection.stream, projection.organization, group: group, failure: nil)
                return progress
            }
            try await apply(slice.events, connection)
            onProgress(progress)
        }
    }

    /// Under which the store lists it among the groups of its stream.
    private var group: String { "projection:\(projection.name)" }

    package func close() async {
        await connection?.close()
        (connection, prepared) = (nil, [:])
    }

    // MARK: One transaction

    /// Why an event cannot be done.
    private struct Failure {
        var message: String
        /// A SQLSTATE, or `json` for a payload that cannot be read.
        var kind: String
    }

    private func apply(_ events: [StoredEvent], _ connection: Connection) async throws {
        var attempts = 0
        // The event that is being changed; nil: it is not an event that fails.
        var failing: Int?
        while true {
            attempts += 1
            failing = nil
            do {
                try await connection.transaction { connection in
                    try await advance(to: events[events.count - 1].position, connection)
                    for (number, event) in events.enumerated() {
                        failing = number
                        try await change(event, connection)
                    }
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
        guard projection.onError == .deadLetter else {
            _ = try? await connection.query(
                "UPDATE strata.projections SET state = 'stopped', error = $2, updated_at = now() WHERE name = $1",
                [.text(projection.name), .text("event \(event.position): \(failure.message)")])
            throw ProjectionStop.event(position: event.position, type: event.type, message: failure.message)
        }
        // First on record, then passed by: killed in between, it is put on record once more, which changes nothing.
        try await reader.setAside(
            event.position, of: projection.stream, projection.organization, group: group,
            failure: (failure.message, failure.kind))
        try await connection.transaction { try await advance(to: event.position, $0) }
        progress.position = event.position
        progress.deadLetters += 1
    }

    /// Compare and set: whoever else moved it is not overtaken.
    private func advance(to position: Int, _ connection: Connection) async throws {
        let moved = try await connection.query(
            """
            UPDATE strata.projections SET position = $3, state = 'running', error = NULL, updated_at = now()
            WHERE name = $1 AND position = $2 RETURNING true
            """, [.text(projection.name), .int(progress.position), .int(position)])
        guard moved.isEmpty else { return }
        // Where it stands now is asked when it begins anew.
        self.connection = nil
        throw ProjectionStop.moved
    }

    private func change(_ event: StoredEvent, _ connection: Connection) async throws {
        guard let statements = projection.statements[event.type] else { return }
        let values = try ProjectionValues(event)
        for statement in statements {
            _ = try await connection.query(
                try await preparedStatement(statement, connection), statement.parameters.map { values.value($0) })
        }
    }

    private func preparedStatement(
        _ statement: ProjectionStatement, _ connection: Connection
    ) async throws -> PreparedStatement {
        if let known = prepared[statement] { return known }
        let new = try await connection.prepare(statement.sql)
        prepared[statement] = new
        return new
    }

    // MARK: Opening

    /// One process at a time: the lock goes with its connection.
    private func open() async throws -> Connection {
        if let connection, await connection.isAlive { return connection }
        prepared = [:]
        let connection = try await Connection.open(settings.settings(["application_name": "strata project"]))
        do {
            try await connection.execute(ProjectionSchema.statements)
            let isFree = try await connection.query(
                "SELECT pg_try_advisory_lock(hashtext('strata.projections'), hashtext($1)) AS free",
                [.text(projection.name)]
            ).only().bool("free")
            guard isFree else { throw ProjectionStop.busy }
            if let schema = projection.schema {
                _ = try await connection.query(
                    "SELECT set_config('search_path', quote_ident($1) || ', ' || current_setting('search_path'), false)",
                    [.text(schema)])
            }
            let row = try await connection.query(
                """
                INSERT INTO strata.projections (name, stream_id) VALUES ($1, $2::uuid)
                ON CONFLICT (name) DO UPDATE SET updated_at = now() RETURNING position, stream_id::text AS stream
                """, [.text(projection.name), .text(projection.stream.uuidString)]
            ).only()
            guard try row.string("stream").uppercased() == projection.stream.uuidString else {
                throw EventStoreRefusal.invalid("projection \(projection.name) is made of another stream")
            }
            progress.position = try row.int("position")
        } catch {
            await connection.close()
            throw error
        }
        self.connection = connection
        return connection
    }
}

/// Where projections of a database stand.
enum ProjectionSchema {
    static let statements = """
        BEGIN;
        SET LOCAL client_min_messages = warning;
        SELECT pg_advisory_xact_lock(hashtext('strata.projections'));
        CREATE SCHEMA IF NOT EXISTS strata;
        CREATE TABLE IF NOT EXISTS strata.projections (
            name text PRIMARY KEY,
            stream_id uuid NOT NULL,
            position bigint NOT NULL DEFAULT 0,
            state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'stopped')),
            error text,
            updated_at timestamptz NOT NULL DEFAULT now()
        );
        COMMIT
        """
}

extension PostgresError {
    /// The server refused a statement, and is still there.
    fileprivate var isOfItsStatement: Bool { kind == .server && !isConnectionLost }

    /// The same statements may succeed a moment later: locks, deadlocks, resources.
    fileprivate var isPassing: Bool {
        guard let code = sqlState?.rawValue else { return false }
        return isRetryable || isLockTimeout || isQueryCanceled || code.hasPrefix("53") || code.hasPrefix("58")
    }
}
