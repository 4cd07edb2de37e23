import Foundation

/// Who runs Strata, for the ledger and for messages to others.
package struct ActorIdentity: Sendable, Equatable {
    package var actor: String
    package var host: String

    package init(actor: String, host: String) {
        self.actor = actor
        self.host = host
    }

    package static var current: ActorIdentity {
        let user = NSUserName()
        return ActorIdentity(actor: user.isEmpty ? "uid \(getuid())" : user, host: ProcessInfo.processInfo.hostName)
    }

    /// For pg_stat_activity; PostgreSQL keeps 63 bytes.
    package func applicationName(for command: String) -> String {
        var name = "strata \(command) \(actor)@\(host)"
        while name.utf8.count > 63 { name.removeLast() }
        return name
    }
}
