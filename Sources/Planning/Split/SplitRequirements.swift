internal import SQLSyntax

/// What the two servers of a split lack. Pure.
///
/// Figures: a split takes one publication and one replication slot at the source, and one more for the way back at the
/// target; one walsender each; at the subscribing side an apply worker and one for each table that is copied at a time.
/// Source: PostgreSQL documentation, "Logical Replication: Configuration Settings".
package enum SplitRequirements {
    package typealias Requirement = SplitReport.Requirement

    package static func check(_ report: SplitReport, source: SplitServer, target: SplitServer) -> [Requirement] {
        if let same = same(source, target) { return [same] }
        return publishing(source, way: "the copy") + publishing(target, way: "the way back")
            + subscribing(target) + receiving(report, source: source, target: target)
            + reaching(source, from: target, way: "the copy") + reaching(target, from: source, way: "the way back")
            + sessions(source)
    }

    /// What a copy of a table lacks; see `CopyLayout`.
    package static func copying(from source: SplitServer, to target: SplitServer) -> [Requirement] {
        if let same = same(source, target) { return [same] }
        return publishing(source, way: "the copy") + subscribing(target)
            + reaching(source, from: target, way: "the copy")
    }

    private static func same(_ source: SplitServer, _ target: SplitServer) -> Requirement? {
        guard source.isSame(as: target) else { return nil }
        return Requirement(
            target.name,
            "it is database \(source.name) itself: both lead to \"\(target.database)\" of one server", isBlocking: true,
            nextStep: "make a database for it, and let databases.\(target.name).url lead there")
    }

    /// Of a database whose url is not set, or whose server does not answer.
    package static func unreachable(_ name: String, _ reason: String) -> Requirement {
        // libpq's words may have several lines.
        let reason = reason.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return Requirement(
            name, "it cannot be looked at: \(reason)", isBlocking: true,
            nextStep: "look at databases.\(name).url in the layout, and whether the server runs")
    }

    // MARK: One side

    private static func publishing(_ server: SplitServer, way: String) -> [Requirement] {
        var found: [Requirement] = []
        func lacks(_ message: String, _ next: String, isBlocking: Bool = true) {
            found.append(Requirement(server.name, message, isBlocking: isBlocking, nextStep: next))
        }
        if server.isInRecovery {
            lacks("it is a standby", "let databases.\(server.name).url lead to the primary")
        }
        if server.walLevel != "logical" {
            lacks(
                "wal_level is \(server.walLevel): \(way) needs logical",
                "ALTER SYSTEM SET wal_level = logical; it counts after a restart of that server")
        }
        for (name, room) in [("max_replication_slots", server.slots), ("max_wal_senders", server.senders)]
        where room.free < 1 {
            lacks(
                "\(name) is \(room.limit) and \(room.used) are in use: \(way) needs one",
                "ALTER SYSTEM SET \(name) = \(room.used + 4); it counts after a restart of that server")
        }
        if !server.mayReplicate {
            lacks(
                "role \(server.user) may not replicate",
                "as a superuser: ALTER ROLE \(SQL.identifier(server.user)) REPLICATION")
        }
        if let limit = server.keptWAL {
            lacks(
                "max_slot_wal_keep_size is \(sized(limit)): a copy or a way back that falls behind further is lost",
                "raise it, or set it to -1, for as long as the split lasts", isBlocking: false)
        }
        return found
    }

    private static func subscribing(_ server: SplitServer) -> [Requirement] {
        var found: [Requirement] = []
        if server.workers.free < 2 {
            let (limit, used) = (server.workers.limit, server.workers.used)
            found.append(
                Requirement(
                    server.name,
                    "max_logical_replication_workers is \(limit) and \(used) are in use: the copy needs two at least",
                    isBlocking: true,
                    nextStep:
                        "ALTER SYSTEM SET max_logical_replication_workers = \(used + 4), and max_worker_processes above it; both count after a restart"
                ))
        }
        if !server.maySubscribe {
            let remedy =
                server.major >= 16
                ? "GRANT pg_create_subscription TO \(SQL.identifier(server.user))"
                : "before PostgreSQL 16 only a superuser may: let databases.\(server.name).url log in as one"
            found.append(
                Requirement(
                    server.name, "role \(server.user) may not create subscriptions", isBlocking: true, nextStep: remedy)
            )
        }
        if !server.mayCreateSchemas {
            found.append(
                Requirement(
                    server.name, "role \(server.user) may not create schemas", isBlocking: true,
                    nextStep:
                        "GRANT CREATE ON DATABASE \(SQL.identifier(server.database)) TO \(SQL.identifier(server.user))")
            )
        }
        return found
    }

    // MARK: Both

    private static func receiving(
        _ report: SplitReport, source: SplitServer, target: SplitServer
    ) -> [Requirement] {
        var found: [Requirement] = []
        func lacks(_ message: String, _ next: String?, isBlocking: Bool = true) {
            found.append(Requirement(target.name, message, isBlocking: isBlocking, nextStep: next))
        }
        if let count = target.objectsBySchema[report.schema], count > 0 {
            lacks(
                "schema \(report.schema) is there already, with \(counted(count, "object"))",
                "empty it; strata split makes everything in it")
        }
        if let free = target.freeBytes, free < report.bytes {
            lacks(
                "its disk has \(sized(free)) free, and the copy needs about \(sized(report.bytes))",
                "make room there, or let databases.\(target.name).url lead to a server that has it")
        }
        if target.major < source.major {
            lacks(
                "PostgreSQL \(target.major) is older than \(source.major): what \(source.major) has added is not there",
                "a server of the same version, or a newer one, takes everything", isBlocking: false)
        }
        if target.encoding != source.encoding {
            lacks(
                "its encoding is \(target.encoding), that of database \(source.name) \(source.encoding)",
                "CREATE DATABASE … ENCODING '\(source.encoding)' TEMPLATE template0",
                isBlocking: target.encoding != "UTF8")
        }
        if target.collation != source.collation {
            lacks(
                "it sorts by \(target.collation), database \(source.name) by \(source.collation): the order of texts changes",
                "CREATE DATABASE … LOCALE '\(source.collation)' TEMPLATE template0", isBlocking: false)
        }
        let roles = report.needs.filter { $0.kind == .role && !target.roles.contains($0.name) }.map(\.name)
        if !roles.isEmpty {
            lacks(
                "it has no role \(roles.joined(separator: ", "))",
                target.mayCreateRoles
                    ? nil : "role \(target.user) may not create them: do it, or give it CREATEROLE",
                isBlocking: !target.mayCreateRoles)
        }
        for need in report.needs where need.kind == .extension && !target.availableExtensions.contains(need.name) {
            lacks("extension \(need.name) is not installed on its server", "install its package there")
        }
        return found
    }

    /// The server of one database connects to the other by itself, with the URL that the layout gives that one.
    private static func reaching(_ server: SplitServer, from other: SplitServer, way: String) -> [Requirement] {
        if server.isReachedLocally, !other.isReachedLocally {
            return [
                Requirement(
                    server.name,
                    "its URL leads to this machine, and \(way) connects to it from the server of database \(other.name), which is on another one",
                    isBlocking: true,
                    nextStep: "let databases.\(server.name).url lead to an address that both machines can reach")
            ]
        }
        // On one machine they meet where we have met it; otherwise the other one comes from where it listens, as a rule.
        guard let rules = server.accessRules, let address = server.isReachedLocally ? server.address : other.address
        else { return [] }
        let verdict = AccessRule.verdict(rules, database: server.database, user: server.user, from: address)
        let reason: String
        switch verdict {
        case .admitted, .unknown: return []
        case .refused(let line): reason = "line \(line) of its pg_hba.conf refuses"
        case .unmentioned: reason = "no line of its pg_hba.conf admits"
        }
        let names = "\(SQL.identifier(server.database)) \(SQL.identifier(server.user))"
        return [
            Requirement(
                server.name,
                "\(reason) user \(server.user) from \(address), where the server of database \(other.name) is: \(way) connects from there",
                isBlocking: false,
                nextStep:
                    "\(verdict == .unmentioned ? "add" : "above it"): host \(names) \(address)/\(address.bytes.count * 8) scram-sha-256, then SELECT pg_reload_conf()"
            )
        ]
    }

    private static func sessions(_ source: SplitServer) -> [Requirement] {
        guard !source.sessions.isEmpty else { return [] }
        let shown = source.sessions.sorted { ($0.value, $1.key) > ($1.value, $0.key) }.prefix(5)
            .map { $0.value == 1 ? $0.key : "\($0.key) × \($0.value)" }
        let rest = source.sessions.count - shown.count
        let list = shown.joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
        return [
            Requirement(
                source.name,
                source.proxied.map { "connected past the proxy (which has \(counted($0, "session"))): \(list)" }
                    ?? "connected now: \(list)",
                isBlocking: false, nextStep: "who does not come through the proxy then does not follow the switch")
        ]
    }
}
