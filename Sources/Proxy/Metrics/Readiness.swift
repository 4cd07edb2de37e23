internal import Engine
internal import Planning
internal import Synchronization

/// Whether clients should be sent here.
enum Readiness: Equatable, Sendable {
    case ready
    case not(String)

    /// What is known of the main database's servers.
    struct View: Sendable {
        var database: String
        /// Nobody watches the only server of a database beyond its catalog.
        var nodes: [NodeStatus]
        /// Why the catalog could not be read, or was not for too long.
        var trouble: String?
    }

    static func judge(isDraining: Bool, main: View?) -> Readiness {
        if isDraining { return .not("draining: no new clients are taken") }
        guard let main else { return .not("there is no database") }
        if main.nodes.count > 1 {
            if main.nodes.contains(where: \.isUsable) { return .ready }
            let states = main.nodes.map { "\($0.name): \($0.state)" }.joined(separator: "; ")
            return .not("no server of database \(main.database) can be used: \(states)")
        }
        return main.trouble.map { .not("the server of database \(main.database) cannot be used: \($0)") } ?? .ready
    }

    var response: HTTPResponse {
        switch self {
        case .ready: HTTPResponse(200, "ready")
        case .not(let reason): HTTPResponse(503, "not ready: \(reason)")
        }
    }
}

extension SharedState {
    func readiness() -> Readiness {
        Readiness.judge(
            isDraining: isDraining.load(ordering: .acquiring),
            main: databases.first.map {
                .init(database: $0.settings.name, nodes: $0.nodes.status(), trouble: $0.trouble)
            })
    }

    func page(_ path: String, _ figures: [WorkerFigures]) -> HTTPResponse {
        guard path == "/metrics" else {
            return figures.isEmpty ? HTTPResponse(503, "the event loops have ended") : HTTPResponse(200, "alive")
        }
        var metrics = ProxyMetrics()
        for part in figures { metrics.figures.add(part) }
        metrics.loops = figures.count
        metrics.isDraining = isDraining.load(ordering: .acquiring)
        metrics.maximumClients = configuration.maximumClients
        metrics.lookups = lookup?.figures ?? (0, 0, 0)
        metrics.version = StrataVersion.current
        for database in databases {
            let statuses = database.nodes.status()
            for (index, status) in statuses.enumerated() {
                metrics.nodes.append(
                    .init(
                        database: database.settings.name, status: status,
                        isUsable: statuses.count > 1 ? status.isUsable : database.trouble == nil,
                        isPrimary: index == database.nodes.primary))
            }
        }
        var response = HTTPResponse(200, "")
        response.body = metrics.text
        response.contentType = MetricFamily.contentType
        return response
    }
}
