import Planning
import PostgresDriver
import Proxy

extension ProxySetup {
    func databases(_ layout: Layout) async throws -> [ProxyConfiguration.DatabaseSettings] {
        if let taken = layout.databases.first(where: { $0.name == Self.adminDatabase }) {
            throw DiagnosticsError(
                Diagnostic(
                    .error, "reserved-name", "the proxy keeps the name \(taken.name) for its admin database",
                    place: taken.place, nextStep: "give the database another name in the layout"))
        }
        guard !layout.databases.isEmpty else { return [try await settings(nil, isMain: true, layout)] }
        var databases: [ProxyConfiguration.DatabaseSettings] = []
        for (index, database) in layout.databases.enumerated() {
            databases.append(try await settings(database, isMain: index == 0, layout))
        }
        return databases
    }

    private static let adminDatabase = "strata"

    private func settings(
        _ database: Database?, isMain: Bool, _ layout: Layout
    ) async throws -> ProxyConfiguration.DatabaseSettings {
        let name = database?.name ?? layout.mainDatabase
        let main =
            if isMain { try await workplace.settings(layout) } else { try workplace.settings(ofOther: database, name) }
        var nodes = [try NodeEndpoint(name: "primary", settings: main)]
        var weights = [1]
        for replica in database?.replicas ?? [] {
            guard let url = replica.url else {
                // As an application's factory does: without a URL for readers, the primary reads.
                workplace.say(
                    "replica \(replica.name) of \(name) is left out: \(replica.urlVariable ?? "its url") is not set")
                continue
            }
            let settings = try Workplace.parse(url, from: "databases.\(name).replicas.\(replica.name).url")
            nodes.append(try NodeEndpoint(name: replica.name, settings: settings))
            weights.append(replica.weight)
        }
        var settings = ProxyConfiguration.DatabaseSettings(
            name: name, nodes: nodes, limits: PoolLimits(database?.pool))
        settings.weights = weights
        return settings
    }
}

extension Workplace {
    /// Of a database that is not the main one: it has no embedded server to fall back on.
    func settings(ofOther database: Database?, _ name: String) throws -> ConnectionSettings {
        guard let url = database?.url else {
            let variable = database?.urlVariable
            throw DiagnosticsError(
                Diagnostic(
                    .error, "unset-url",
                    "database \(name) is not reachable: \(variable.map { "the environment variable \($0)" } ?? "its url") is not set",
                    place: database?.place,
                    nextStep: "export \(variable ?? "\(name.uppercased())_URL")=postgresql://..."))
        }
        return try Workplace.parse(url, from: "databases.\(name).url")
    }
}
