import Foundation
import PostgresDriver
import Synchronization
import TestSupport
import Testing

@testable import EventStore
@testable import Outbox

/// An event store with one stream, and a Redis of its own that the stream is relayed to.
struct OutboxFixture: Sendable {
    let database: TestDatabase
    let schema: EventSchema
    let reader: EventReader
    let writer: EventWriter
    let directory: Directory
    let organization: UUID
    let stream: EventStream
    let redis: RedisServer
    static let key = "animals"

    static func with(redis options: [String] = [], _ body: (OutboxFixture) async throws -> Void) async throws {
        let redis = try await RedisServer(options)
        defer { redis.remove() }
        try await withTestDatabase("outbox") { database in
            let schema = EventSchema()
            let connection = try await Connection.open(database.settings)
            try await schema.install(on: connection)
            await connection.close()
            let directory = Directory(database.settings, schema: schema)
            let organization = try await directory.createOrganization("Shelter").id
            let fixture = OutboxFixture(
                database: database, schema: schema, reader: EventReader(database.settings, schema: schema),
                writer: EventWriter(database.settings, schema: schema), directory: directory,
                organization: organization,
                stream: try await directory.createStream("animals", of: organization), redis: redis)
            let result: Result<Void, any Error>
            do { result = .success(try await body(fixture)) } catch { result = .failure(error) }
            await fixture.reader.close()
            await fixture.writer.close()
            await directory.close()
            try result.get()
        }
    }

    // MARK: Events

    /// Events with `{"n": number}`, of five keys.
    func append(_ numbers: ClosedRange<Int>) async throws {
        let events = numbers.map {
            NewEvent(type: "counted", key: "k\($0 % 5)", payload: "{\"n\": \($0)}", metadata: "{\"by\": \"Ann\"}")
        }
        _ = try await writer.append(AppendRequest(organization, [AppendPart(stream.id, events)]))
    }

    @discardableResult
    func rows(_ sql: String) async throws -> Rows {
        let connection = try await Connection.open(database.settings)
        do {
            let rows = try await connection.query(sql)
            await connection.close()
            return rows
        } catch {
            await connection.close()
            throw error
        }
    }

    // MARK: The relay

    /// What a relay has told.
    final class Reports: Sendable {
        private let all = Mutex<[RelayReport]>([])

        func add(_ report: RelayReport) { all.withLock { $0.append(report) } }
        var list: [RelayReport] { all.withLock { $0 } }
        var progress: RelayProgress? {
            list.reversed().lazy.compactMap { if case .progress(let progress) = $0 { progress } else { nil } }.first
        }
        var failures: [String] {
            list.compactMap { if case .failed(let reason, _) = $0 { reason } else { nil } }
        }
    }

    func relay(
        _ name: String = "r", of group: String = "g", lease: Duration = .seconds(5), reports: Reports = Reports(),
        _ change: (inout RelaySettings) -> Void = { _ in }
    ) async throws -> StreamRelay {
        var settings = RelaySettings(key: Self.key)
        settings.batch.events = 40
        settings.look = .milliseconds(200)
        settings.longestPause = .milliseconds(200)
        change(&settings)
        let id = try await RelayGroup.make(
            group, on: stream.id, of: organization, after: settings.after, reader: reader, directory: directory)
        let member = GroupMember(
            name, of: id, on: stream.id, organization, lease: lease, reader: reader,
            watch: StreamWatch(database.settings, schema: schema))
        return StreamRelay(
            try RedisURL(redis.url), settings, of: stream, as: member, reader: reader, report: reports.add)
    }

    /// Relays until Redis has all.
    @discardableResult
    func relayAll(_ change: (inout RelaySettings) -> Void = { _ in }) async throws -> RelayProgress {
        let relay = try await self.relay("r", change)
        do {
            let progress = try await relay.runOnce()
            await relay.close()
            return progress
        } catch {
            await relay.close()
            throw error
        }
    }

    // MARK: Redis

    @discardableResult
    func ask(_ words: String...) async throws -> RedisReply {
        let connection = try await RedisConnection.open(RedisURL(redis.url))
        do {
            let reply = try await connection.ask(words)
            await connection.close()
            return reply
        } catch {
            await connection.close()
            throw error
        }
    }

    struct Entry: Sendable, Hashable {
        var id: String
        var fields: [String: String]
        var position: Int { fields["position"].flatMap { Int($0) } ?? 0 }
    }

    func entries() async throws -> [Entry] {
        try await ask("XRANGE", Self.key, "-", "+").elements.map { entry in
            let words = entry.elements[1].elements.compactMap(\.text)
            let pairs = stride(from: 0, to: words.count, by: 2).map { (words[$0], words[$0 + 1]) }
            return Entry(id: entry.elements[0].text ?? "", fields: Dictionary(uniqueKeysWithValues: pairs))
        }
    }

    /// Redis has all events of the stream, each once, in order: so those of a key are in order, too.
    func checkAll(_ count: Int, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let entries = try await entries()
        #expect(entries.map(\.position) == Array(1...count), sourceLocation: sourceLocation)
        let slice = try await reader.read(stream.id, of: organization, limit: 10_000)
        #expect(
            entries.map { $0.fields["id"] } == slice.events.map { $0.id.uuidString.lowercased() },
            sourceLocation: sourceLocation)
        #expect(entries.map { $0.fields["payload"] } == slice.events.map(\.payload), sourceLocation: sourceLocation)
    }
}
