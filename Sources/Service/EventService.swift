package import EventStore
import Foundation
import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import Planning
package import PostgresDriver
import ServiceLifecycle

/// The event store over HTTP.
package struct EventService: Sendable {
    private let place: ServicePlace
    private let table: EndpointTable
    private let door: Door
    private let host: String
    private let port: Int
    private let version: String
    private let logger: Logger
    private let onRunning: @Sendable (Int) -> Void

    /// - Parameters:
    ///   - port: 0: the system chooses one.
    ///   - operatorToken: of who makes organisations; nil: nobody can.
    ///   - onRunning: called with the port once it listens.
    package init(
        _ settings: ConnectionSettings, schema: EventSchema, host: String = "127.0.0.1", port: Int = 8080,
        operatorToken: String? = nil, limits: ServiceLimits = ServiceLimits(), subjects: SubjectAccess = .environment,
        version: String, logger: Logger,
        onRunning: @escaping @Sendable (Int) -> Void = { _ in }
    ) throws {
        place = ServicePlace(settings, schema: schema, limits: limits, subjects: subjects)
        table = try EndpointTable(Self.endpoints)
        door = Door(
            callers: place.callers,
            limits: RequestLimits(rate: Double(limits.requestsPerSecond), burst: Double(limits.requestsAtOnce)),
            operatorHash: try operatorToken.map { try Secrets.hash($0) })
        (self.host, self.port, self.version, self.logger, self.onRunning) = (host, port, version, logger, onRunning)
    }

    /// As docs/http-api.md has them.
    static let sections: [(title: String, endpoints: [Endpoint])] = [
        ("Appending and reading", EventEndpoints.all), ("Streams and their schemas", StreamEndpoints.all),
        ("Consumer groups", GroupEndpoints.all), ("Dead letters of groups", DeadLetterEndpoints.all),
        ("Subjects that can be forgotten", SubjectEndpoints.all), ("API keys", KeyEndpoints.all),
        ("Organisations, people, sessions", DirectoryEndpoints.all),
    ]

    static let endpoints = sections.flatMap(\.endpoints)

    /// Serves until its task is cancelled, or it is told to end gracefully: then what was accepted is answered first.
    package func run() async throws {
        let router = Router(context: ServiceContext.self)
        router.add(middleware: ProblemMiddleware(table: table))
        router.get("health/live") { _, _ in Response.nothing }
        router.get("health/ready") { _, _ in try await ready() }
        router.get("metrics") { request, _ in try await metrics(request) }
        table.add(to: router, place, door, place.metrics)
        let channel = HTTP1Channel.Configuration(
            idleTimeout: .nanoseconds(Int64(place.limits.idleTime / .nanoseconds(1))),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 64 << 10, maxHeaderFieldCount: 100))
        let loops = EventLoopGroupProvider.singleton.eventLoopGroup
        let application = Application(
            router: router,
            server: HTTPServerBuilder { responder in
                ConnectionLoop(
                    HTTP1Channel(responder: responder, configuration: channel), on: loops)
            },
            configuration: .init(
                address: .hostname(host, port: port), serverName: "strata",
                availableConnectionsDelegate: MaximumAvailableConnections(place.limits.connections)),
            services: [Background { await place.watch.run() }],
            onServerRunning: { channel in onRunning(channel.localAddress?.port ?? port) },
            eventLoopGroupProvider: .shared(loops), logger: logger)
        do {
            try await application.run()
        } catch {
            await place.close()
            throw error
        }
        await place.close()
    }

    private func ready() async throws -> Response {
        do {
            try await place.directory.requireStore()
        } catch let problem as EventStoreProblem {
            throw Problem(
                .unavailable,
                "\(problem.message.prefix(1).uppercased())\(problem.message.dropFirst()): \(problem.nextStep ?? "").",
                retryAfter: 5)
        }
        return .nothing
    }

    /// For everybody without names; to the operator those of groups are told, too.
    private func metrics(_ request: Request) async throws -> Response {
        let groups = try door.isOperator(request) ? GroupMetrics.families(await place.groupGauge.figures()) : []
        return .with(
            place.metrics.text(
                version: version, waitingAppends: place.writer.waitingRequests,
                waitingReaders: await place.watch.waiting, groups: groups), MetricFamily.contentType)
    }

    /// Work beside the server, which ends with it.
    private struct Background: Service {
        let work: @Sendable () async -> Void

        func run() async throws { await cancelWhenGracefulShutdown { await work() } }
    }
}
