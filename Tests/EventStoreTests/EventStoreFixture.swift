import Foundation
import PostgresDriver
import TestSupport

@testable import EventStore

/// An event store in a database of its own, with two organisations.
struct EventStoreFixture: Sendable {
    let database: TestDatabase
    let schema: EventSchema
    let reader: EventReader
    let writer: EventWriter
    let organization: UUID
    let other: UUID

    static func with<T>(
        every: EventSchema.Every = .month, lanes: Int = 4, _ body: (EventStoreFixture) async throws -> T
    ) async throws -> T {
        try await withTestDatabase("events") { database in
            let schema = EventSchema(every: every)
            let connection = try await Connection.open(database.settings)
            try await schema.install(on: connection)
            let ids = try await connection.query(
                "INSERT INTO events.organizations (name) VALUES ('one'), ('other') RETURNING id::text AS id")
            await connection.close()
            let fixture = EventStoreFixture(
                database: database, schema: schema, reader: EventReader(database.settings, schema: schema),
                writer: EventWriter(database.settings, schema: schema, lanes: lanes),
                organization: try ids[0].id(), other: try ids[1].id())
            do {
                let value = try await body(fixture)
                await fixture.close()
                return value
            } catch {
                await fixture.close()
                throw error
            }
        }
    }

    private func close() async {
        await reader.close()
        await writer.close()
    }

    func stream(_ name: String = "animals", of organization: UUID? = nil) async throws -> UUID {
        try await rows(
            "INSERT INTO events.event_streams (org_id, name) VALUES ($1::uuid, $2::varchar) RETURNING id::text AS id",
            [.text((organization ?? self.organization).uuidString), .text(name)]
        ).only().id()
    }

    @discardableResult
    func rows(_ sql: String, _ parameters: [Parameter] = []) async throws -> Rows {
        let connection = try await Connection.open(database.settings)
        do {
            let rows = try await connection.query(sql, parameters)
            await connection.close()
            return rows
        } catch {
            await connection.close()
            throw error
        }
    }

    @discardableResult
    func append(
        _ events: [NewEvent], to stream: UUID, expected: ExpectedVersion = .any, key: String? = nil,
        of organization: UUID? = nil
    ) async throws -> AppendedPart {
        try await writer.append(
            AppendRequest(
                organization ?? self.organization, [AppendPart(stream, events, expected: expected)],
                idempotencyKey: key))[0]
    }
}

extension NewEvent {
    /// `{"n": number}`, type `counted`.
    static func counted(_ number: Int, key: String? = nil) -> NewEvent {
        NewEvent(type: "counted", key: key, payload: "{\"n\": \(number)}")
    }
}
