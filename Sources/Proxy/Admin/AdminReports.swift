/// The tables of the admin database, from what the loops report. Columns have PgBouncer's names and meanings, so that its
/// tools read them; what is Strata's own stands behind. Pure.
enum AdminReports {
    static let version = "PgBouncer 1.24.0 compatible: strata"

    static func table(
        _ report: AdminCommand.Report, _ reports: [WorkerReport], _ settings: [(String, String)]
    ) -> AdminTable {
        switch report {
        case .pools: pools(reports)
        case .clients: clients(reports)
        case .servers: servers(reports)
        case .databases: databases(reports)
        case .lists: lists(reports)
        case .stats: stats(reports)
        case .statsTotals: stats(reports)
        case .version: AdminTable([("version", .text)], rows: [[version]])
        case .config:
            AdminTable([("key", .text), ("value", .text)], rows: settings.map { [$0.0, $0.1] })
        case .users: users(reports)
        case .replicas: replicas(reports)
        case .routes: RouteRows.table(reports.flatMap(\.routes))
        case .crossings: CrossingRows.table(CrossingTable())
        case .help: help()
        }
    }

    private static func help() -> AdminTable {
        let commands =
            AdminCommand.Report.allCases.map { "SHOW \($0.rawValue.uppercased())" } + [
                "PAUSE [database | SCHEMA name] [TIMEOUT seconds]", "RESUME [database | SCHEMA name]",
                "RECONNECT [database]", "KILL database", "KILL_CLIENT number",
                "RELOAD", "SHUTDOWN", "SHUTDOWN WAIT_FOR_CLIENTS",
            ]
        return AdminTable([("command", .text)], rows: commands.map { [$0] })
    }

    /// All loops see the same servers: one report will do.
    private static func replicas(_ reports: [WorkerReport]) -> AdminTable {
        let rows = (reports.first?.nodes ?? []).map { row -> [String?] in
            let status = row.status
            return [
                row.database, status.name, status.state.kind.rawValue, status.state.reason,
                status.isUsable ? "yes" : "no", "\(status.weight)", "\(status.active)",
                status.position.map { "\($0)" }, status.lagBytes.map { "\($0)" },
                status.lag.map { "\($0.microseconds / 1000)" },
            ]
        }
        return AdminTable(
            [
                ("database", .text), ("name", .text), ("state", .text), ("reason", .text), ("usable", .text),
                ("weight", .integer), ("active", .integer), ("position", .text), ("lag_bytes", .integer),
                ("lag_ms", .integer),
            ], rows: rows)
    }

    private static func pools(_ reports: [WorkerReport]) -> AdminTable {
        var merged: [String: WorkerReport.PoolRow] = [:]
        for row in reports.flatMap(\.pools) {
            let key = "\(row.database)\u{0}\(row.user)\u{0}\(row.node)"
            var sum = row
            if let known = merged[key] { sum.add(known) }
            merged[key] = sum
        }
        let rows = merged.sorted { $0.key < $1.key }.map { _, row -> [String?] in
            [
                row.database, row.user, "\(row.clientsActive)", "\(row.clientsWaiting)", "0", "\(row.serversActive)",
                "\(row.serversIdle)", "0", "0", "\(row.serversLogin)", "\(row.oldestWait.components.seconds)",
                "\(row.oldestWait.components.attoseconds / 1_000_000_000_000)", row.mode, row.node,
            ]
        }
        return AdminTable(
            [
                ("database", .text), ("user", .text), ("cl_active", .integer), ("cl_waiting", .integer),
                ("cl_cancel_req", .integer), ("sv_active", .integer), ("sv_idle", .integer), ("sv_used", .integer),
                ("sv_tested", .integer), ("sv_login", .integer), ("maxwait", .integer), ("maxwait_us", .integer),
                ("pool_mode", .text), ("node", .text),
            ], rows: rows)
    }

    private static func clients(_ reports: [WorkerReport]) -> AdminTable {
        let rows = reports.flatMap(\.clients).sorted { $0.id < $1.id }.map { row -> [String?] in
            [
                "C", row.user, row.database, row.state, row.address, "\(row.waited.components.seconds)",
                "\(row.waited.components.attoseconds / 1_000_000_000_000)", "\(row.id)",
                row.serverID.map { "\($0)" } ?? "", row.application, "\(row.prepared)", row.pins,
            ]
        }
        return AdminTable(
            [
                ("type", .text), ("user", .text), ("database", .text), ("state", .text), ("addr", .text),
                ("wait", .integer), ("wait_us", .integer), ("ptr", .text), ("link", .text),
                ("application_name", .text), ("prepared_statements", .integer), ("keeps_server_for", .text),
            ], rows: rows)
    }

    private static func servers(_ reports: [WorkerReport]) -> AdminTable {
        let rows = reports.flatMap(\.servers).sorted { $0.id < $1.id }.map { row -> [String?] in
            [
                "S", row.user, row.database, row.state, row.address, "\(row.age.components.seconds)", "\(row.id)",
                row.clientID.map { "\($0)" } ?? "", "\(row.processID)", "\(row.prepared)", row.node,
            ]
        }
        return AdminTable(
            [
                ("type", .text), ("user", .text), ("database", .text), ("state", .text), ("addr", .text),
                ("age", .integer), ("ptr", .text), ("link", .text), ("remote_pid", .integer),
                ("prepared_statements", .integer), ("node", .text),
            ], rows: rows)
    }

    private static func databases(_ reports: [WorkerReport]) -> AdminTable {
        var merged: [String: WorkerReport.DatabaseRow] = [:]
        for row in reports.flatMap(\.databases) {
            guard var sum = merged[row.name] else {
                merged[row.name] = row
                continue
            }
            sum.clients += row.clients
            sum.servers += row.servers
            sum.isPaused = sum.isPaused || row.isPaused
            merged[row.name] = sum
        }
        let rows = merged.values.sorted { $0.name < $1.name }.map { row -> [String?] in
            let (host, port) = split(row.address)
            return [
                row.name, host, port, row.serverDatabase, "", "\(row.size)", "0", "\(row.reserve)", row.mode,
                "\(row.maximumClients)", "\(row.servers)", "\(row.clients)", row.isPaused ? "1" : "0", "0",
                "\(row.nodes - 1)",
            ]
        }
        return AdminTable(
            [
                ("name", .text), ("host", .text), ("port", .integer), ("database", .text), ("force_user", .text),
                ("pool_size", .integer), ("min_pool_size", .integer), ("reserve_pool", .integer), ("pool_mode", .text),
                ("max_connections", .integer), ("current_connections", .integer), ("current_clients", .integer),
                ("paused", .integer), ("disabled", .integer), ("replicas", .integer),
            ], rows: rows)
    }

    private static func split(_ address: String) -> (String, String) {
        guard let colon = address.lastIndex(of: ":"), !address.hasPrefix("/") else {
            return (address, address.split(separator: ".").last.map(String.init) ?? "")
        }
        return (String(address[..<colon]), String(address[address.index(after: colon)...]))
    }

    private static func lists(_ reports: [WorkerReport]) -> AdminTable {
        let clients = reports.flatMap(\.clients)
        let servers = reports.flatMap(\.servers)
        let rows: [(String, Int)] = [
            ("databases", Set(reports.flatMap(\.databases).map(\.name)).count),
            ("users", Set(clients.map(\.user)).count),
            ("pools", Set(reports.flatMap(\.pools).map { "\($0.database)\u{0}\($0.user)\u{0}\($0.node)" }).count),
            ("free_clients", 0), ("used_clients", clients.count),
            ("login_clients", reports.reduce(0) { $0 + $1.waitingLogins }),
            ("free_servers", servers.count { $0.state == "idle" }),
            ("used_servers", servers.count { $0.state == "active" }),
            ("held_clients", reports.reduce(0) { $0 + $1.held }),
            ("paused_schemas", Set(reports.flatMap(\.pausedSchemas)).count),
            ("dns_names", 0), ("dns_zones", 0), ("dns_queries", 0), ("dns_pending", 0),
        ]
        return AdminTable([("list", .text), ("items", .integer)], rows: rows.map { [$0.0, "\($0.1)"] })
    }

    private static func users(_ reports: [WorkerReport]) -> AdminTable {
        let names = Set(reports.flatMap(\.clients).map(\.user)).sorted()
        return AdminTable([("name", .text), ("pool_mode", .text)], rows: names.map { [$0, ""] })
    }

    private static func stats(_ reports: [WorkerReport]) -> AdminTable {
        var merged: [String: Counters] = [:]
        for report in reports {
            for (name, counters) in report.counters { merged[name, default: Counters()].add(counters) }
        }
        let rows = merged.sorted { $0.key < $1.key }.map { name, counters -> [String?] in
            [
                name, "\(counters.transactions)", "\(counters.units)", "\(counters.received)", "\(counters.sent)",
                "\(counters.transactionTime / 1000)", "\(counters.unitTime / 1000)",
                "\(counters.waited / 1000)", "\(counters.onReplicas)", "\(counters.movedToPrimary)",
                "\(counters.refusals)",
            ]
        }
        return AdminTable(
            [
                ("database", .text), ("total_xact_count", .integer), ("total_query_count", .integer),
                ("total_received", .integer), ("total_sent", .integer), ("total_xact_time", .integer),
                ("total_query_time", .integer), ("total_wait_time", .integer), ("on_replicas", .integer),
                ("moved_to_primary", .integer), ("refused", .integer),
            ], rows: rows)
    }
}

extension Duration {
    var microseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
}
