internal import Logging
internal import PostgresWire

/// What the proxy says of clients and servers: never a statement, never a value, never a secret.
struct ProxyLog: Sendable {
    let logger: Logger

    func clientRefused(_ client: ClientSession, _ error: ErrorFields) {
        logger.info(
            "client refused",
            metadata: [
                "client": "\(client.processID)", "address": "\(client.address)", "user": "\(client.user)",
                "database": "\(client.requestedDatabase)", "sqlstate": "\(error.code)", "reason": "\(error.message)",
            ])
    }

    func clientLoggedIn(_ client: ClientSession) {
        logger.debug(
            "client logged in",
            metadata: [
                "client": "\(client.processID)", "address": "\(client.address)", "user": "\(client.user)",
                "database": "\(client.requestedDatabase)", "application": "\(client.applicationName)",
            ])
    }

    func nodeFailed(_ database: String, _ node: String, _ error: ErrorFields) {
        logger.warning(
            "server not reached",
            metadata: [
                "database": "\(database)", "server": "\(node)", "sqlstate": "\(error.code)",
                "reason": "\(error.message)",
            ])
    }

    func nodeChanged(_ database: String, _ change: NodeChange) {
        logger.notice(
            "server changed",
            metadata: [
                "database": "\(database)", "server": "\(change.node)", "state": "\(change.state.kind.rawValue)",
                "reason": "\(change.state.reason)",
            ])
    }

    func reloaded(_ outcome: ReloadOutcome) {
        logger.notice("reloaded", metadata: outcome.notice.map { ["notice": "\($0)"] } ?? [:])
    }

    func notReloaded(_ reason: String) {
        logger.error("not reloaded: everything is as it was", metadata: ["reason": "\(reason)"])
    }

    /// Never the user, who may be anybody's guess, and never what the query gave.
    func usersNotLookedUp(_ reason: String) {
        logger.warning(
            "users could not be looked up: nobody gets in who is not in the users file",
            metadata: ["reason": "\(reason)", "setting": "routing.auth.auth_query"])
    }

    func tooManyConnections(_ reason: String) {
        logger.warning(
            "\(reason); lower pool.size or event_loops, or raise max_connections",
            metadata: ["setting": "pool.size"])
    }

    func crossingsNotKept(_ reason: String) {
        logger.warning(
            "what would cross a split could not be written down: SHOW CROSSINGS of the admin database has it",
            metadata: ["table": "strata.crossings", "reason": "\(reason)"])
    }

    func routesNotFollowed(_ reason: String) {
        logger.warning(
            "where schemas live cannot be followed: a switch is refused until it can", metadata: ["reason": "\(reason)"]
        )
    }

    func crossingsKept() {
        logger.notice("what would cross a split is written down", metadata: ["table": "strata.crossings"])
    }

    func catalogNotRead(_ database: String, _ reason: String) {
        logger.warning(
            "tables and functions could not be read: everything goes to the primary",
            metadata: ["database": "\(database)", "reason": "\(reason)"])
    }
}
