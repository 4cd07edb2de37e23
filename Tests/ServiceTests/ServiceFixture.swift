import EventStore
import Foundation
import FoundationNetworking
import JSONSchemas
import Logging
import PostgresDriver
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import Service

/// The service on a port of its own, over an event store in a database of its own with two organisations.
struct ServiceFixture: Sendable {
    static let operatorToken = String(repeating: "0123456789abcdef", count: 4)

    let database: TestDatabase
    let directory: Directory
    let contract: APIContract
    let organization: UUID
    let other: UUID
    /// With all scopes.
    let key: String
    let otherKey: String
    private let base: String
    private let group: ServiceGroup

    static func masterKey() throws -> SubjectAccess {
        .keys(MasterKeys(try MasterKey(Data(repeating: 7, count: 32).base64EncodedString(), from: "test")))
    }

    static func with(
        limits: ServiceLimits = ServiceLimits(), subjects: SubjectAccess = .environment,
        _ body: (ServiceFixture) async throws -> Void
    ) async throws {
        try await withTestDatabase("service") { database in
            let schema = EventSchema()
            let connection = try await Connection.open(database.settings)
            try await schema.install(on: connection)
            await connection.close()
            let directory = Directory(database.settings, schema: schema)
            do {
                try await serving(database, schema, directory, limits, subjects, body)
            } catch {
                await directory.close()
                throw error
            }
            await directory.close()
        }
    }

    private static func serving(
        _ database: TestDatabase, _ schema: EventSchema, _ directory: Directory, _ limits: ServiceLimits,
        _ subjects: SubjectAccess, _ body: (ServiceFixture) async throws -> Void
    ) async throws {
        let one = try await directory.createOrganization("one").id
        let other = try await directory.createOrganization("other").id
        let key = try await directory.createKey("all", scopes: Scope.allCases, of: one).secret
        let otherKey = try await directory.createKey("all", scopes: Scope.allCases, of: other).secret
        try await running(database.settings, schema, limits, subjects: subjects) { base, group in
            let fixture = ServiceFixture(
                database: database, directory: directory, contract: try APIContract(), organization: one, other: other,
                key: key, otherKey: otherKey, base: base, group: group)
            try await body(fixture)
        }
    }

    /// A service alone, until the body ends.
    static func running(
        _ settings: ConnectionSettings, _ schema: EventSchema = EventSchema(),
        _ limits: ServiceLimits = ServiceLimits(),
        subjects: SubjectAccess = .environment, _ body: (String, ServiceGroup) async throws -> Void
    ) async throws {
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let service = try EventService(
            settings, schema: schema, port: 0, operatorToken: operatorToken, limits: limits, subjects: subjects,
            version: "test",
            logger: logger, onRunning: { continuation.yield($0) })
        let group = ServiceGroup(services: [Served(service: service)], logger: logger)
        let running = Task {
            defer { continuation.finish() }
            try await group.run()
        }
        guard let port = await ports.first(where: { _ in true }) else { return try await running.value }
        do {
            try await body("http://127.0.0.1:\(port)", group)
        } catch {
            await group.triggerGracefulShutdown()
            _ = try? await running.value
            throw error
        }
        await group.triggerGracefulShutdown()
        try await running.value
    }

    private struct Served: ServiceLifecycle.Service {
        let service: EventService
        func run() async throws { try await service.run() }
    }

    /// It takes nothing new, and answers what it has.
    func end() async { await group.triggerGracefulShutdown() }

    // MARK: Asking

    func client(_ key: String?) -> APIClient { APIClient(base: base, key: key, contract: contract) }

    /// With all scopes of the first organisation.
    var api: APIClient { client(key) }
}

struct APIAnswer: Sendable {
    var status: Int
    var headers: [String: String]
    var text: String

    var json: JSONValue { (try? JSONParser.parse(text, limits: JSONLimits(bytes: 64 << 20))) ?? .null }

    subscript(_ name: String) -> JSONValue? { json[name] }

    func string(_ name: String) -> String? { if case .string(let text) = json[name] { text } else { nil } }
    func int(_ name: String) -> Int? { if case .number(let number) = json[name] { number.int } else { nil } }
    func array(_ name: String) -> [JSONValue] { if case .array(let values) = json[name] { values } else { [] } }
    /// The last part of a problem's type.
    var problem: String? { string("type").map { String($0.split(separator: ":").last ?? "") } }
}

struct APIClient: Sendable {
    let base: String
    let key: String?
    let contract: APIContract?

    private static let session: URLSession = {
        let configuration = URLSessionConfiguration.ephemeral
        configuration.httpMaximumConnectionsPerHost = 100
        configuration.timeoutIntervalForRequest = 120
        return URLSession(configuration: configuration)
    }()

    /// Sends a request; the answer has to be one that the document tells of.
    func send(
        _ method: String, _ path: String, _ body: String? = nil, _ headers: [String: String] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> APIAnswer {
        var request = URLRequest(url: try #require(URL(string: base + path), sourceLocation: sourceLocation))
        request.httpMethod = method
        if let key { request.setValue("Bearer \(key)", forHTTPHeaderField: "Authorization") }
        if let body {
            request.httpBody = Data(body.utf8)
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        }
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        let (data, response) = try await Self.session.data(for: request)
        let http = try #require(response as? HTTPURLResponse, sourceLocation: sourceLocation)
        var found: [String: String] = [:]
        for (name, value) in http.allHeaderFields { found["\(name)".lowercased()] = "\(value)" }
        let answer = APIAnswer(
            status: http.statusCode, headers: found, text: String(decoding: data, as: UTF8.self))
        contract?.check(method, path, answer, sourceLocation)
        return answer
    }

    func get(_ path: String, sourceLocation: SourceLocation = #_sourceLocation) async throws -> APIAnswer {
        try await send("GET", path, sourceLocation: sourceLocation)
    }

    @discardableResult
    func post(
        _ path: String, _ body: String, _ headers: [String: String] = [:], expect status: Int? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> APIAnswer {
        let answer = try await send("POST", path, body, headers, sourceLocation: sourceLocation)
        if let status { #expect(answer.status == status, "\(answer)", sourceLocation: sourceLocation) }
        return answer
    }
}
