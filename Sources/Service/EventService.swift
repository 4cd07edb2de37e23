package import EventStore
import Foundation
import Hummingbird
package import Logging
import NIOCore
package import PostgresDriver
import ServiceLifecycle

/// The event store over HTTP.
package struct EventService: Sendable {
    private let place: ServicePlace
    private let host: String
    private let port: Int
    private let logger: Logger
    private let onRunning: @Sendable (Int) -> Void

    /// - Parameters:
    ///   - port: 0: the system chooses one.
    ///   - onRunning: called with the port once it listens.
    package init(
        _ settings: ConnectionSettings, schema: EventSchema, host: String = "127.0.0.1", port: Int = 8080,
        limits: ServiceLimits = ServiceLimits(), logger: Logger, onRunning: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        place = ServicePlace(settings, schema: schema, limits: limits)
        (self.host, self.port, self.logger, self.onRunning) = (host, port, logger, onRunning)
    }

    /// Serves until its task is cancelled, or it is told to end gracefully: then what was accepted is answered first.
    package func run() async throws {
        let router = Router(context: ServiceContext.self)
        router.add(middleware: ProblemMiddleware())
        let limits = RequestLimits(rate: place.limits.requestsPerSecond, burst: place.limits.requestsAtOnce)
        router.get("health/live") { _, _ in Response(status: .noContent) }
        router.get("health/ready") { _, _ in try await ready() }
        let routes = router.group("v1").add(middleware: Authentication(callers: place.callers, limits: limits))
        PeopleRoutes(place: place).add(to: routes)
        StreamRoutes(place: place).add(to: routes)
        GroupRoutes(place: place).add(to: routes)
        let application = Application(
            router: router, configuration: .init(address: .hostname(host, port: port), serverName: "strata"),
            services: [Background { await place.watch.run() }],
            onServerRunning: { channel in onRunning(channel.localAddress?.port ?? port) }, logger: logger)
        do {
            try await application.run()
        } catch {
            await place.close()
            throw error
        }
        await place.close()
    }

    private func ready() async throws -> Response {
        guard try await place.directory.isInstalled() else {
            throw Problem(.unavailable, "There is no event store: strata events init makes one.")
        }
        return Response(status: .noContent)
    }

    /// Work beside the server, which ends with it.
    private struct Background: Service {
        let work: @Sendable () async -> Void

        func run() async throws { await cancelWhenGracefulShutdown { await work() } }
    }
}
