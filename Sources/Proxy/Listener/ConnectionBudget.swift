internal import PostgresDriver

/// Whether the connections that the pools may open fit into what a server gives. Pure, but for the question.
struct ConnectionBudget: Equatable {
    /// What a server says.
    struct Room: Equatable, Sendable {
        /// `max_connections`, and how many of them are kept for superusers and the like.
        var maximum: Int
        var reserved: Int
        /// Clients that are there and not of this proxy.
        var others: Int
    }

    struct Share: Equatable, Sendable {
        var database: String
        /// Of the pool and its reserve, for one user in one loop.
        var size: Int
        /// The proxy's own: catalog, watching, looking users up.
        var own: Int
    }

    var server: String
    var loops: Int
    var shares: [Share]

    /// Of one user: how many users there will be, nobody knows.
    var wanted: Int { shares.reduce(0) { $0 + $1.size * loops + $1.own } }

    func warning(_ room: Room) -> String? {
        let free = room.maximum - room.reserved - room.others
        guard wanted > free else { return nil }
        let pools = shares.map { "\($0.database): \(loops) × \($0.size) + \($0.own)" }.joined(separator: ", ")
        return """
            the pools of one user may open \(wanted) connections to \(server) (\(pools)), which has \(free) to give: \
            max_connections \(room.maximum), \(room.reserved) reserved, \(room.others) used by others
            """
    }

    /// Databases of the layout may share a server.
    static func budgets(_ configuration: ProxyConfiguration) -> [(budget: ConnectionBudget, node: NodeEndpoint)] {
        var order: [NodeEndpoint] = []
        var shares: [String: [Share]] = [:]
        for (place, database) in configuration.databases.enumerated() {
            for (index, node) in database.nodes.enumerated() {
                let key = "\(node.address)"
                if shares[key] == nil { order.append(node) }
                var own = database.nodes.count > 1 ? 1 : 0
                if index == 0 { own += 1 }
                if place == 0, index == 0, configuration.authQuery != nil { own += UserLookup.lanes }
                let size = database.limits.size + database.limits.reserve
                shares[key, default: []].append(Share(database: database.name, size: size, own: own))
            }
        }
        return order.map { node in
            let budget = ConnectionBudget(
                server: "\(node.address)", loops: max(1, configuration.eventLoops),
                shares: shares["\(node.address)"] ?? [])
            return (budget, node)
        }
    }

    /// At the start, before the pools have opened anything. A server that is not there is spoken of elsewhere.
    static func check(_ configuration: ProxyConfiguration, _ log: ProxyLog) async {
        for (budget, node) in budgets(configuration) {
            guard let room = try? await room(node) else { continue }
            if let warning = budget.warning(room) { log.tooManyConnections(warning) }
        }
    }

    static func room(_ node: NodeEndpoint) async throws -> Room {
        let connection = try await Connection.open(
            node.settings.settings([
                "application_name": "strata proxy", "connect_timeout": "5", "options": "-c statement_timeout=5s",
            ]))
        do {
            let row = try await connection.query(question).only()
            await connection.close()
            return Room(maximum: try row.int(0), reserved: try row.int(1), others: try row.int(2))
        } catch {
            await connection.close()
            throw error
        }
    }

    private static let question = """
        SELECT current_setting('max_connections')::bigint,
               current_setting('superuser_reserved_connections')::bigint
               + coalesce(current_setting('reserved_connections', true), '0')::bigint,
               (SELECT count(*) FROM pg_stat_activity
                 WHERE backend_type = 'client backend' AND application_name NOT LIKE 'strata proxy%')
        """
}
