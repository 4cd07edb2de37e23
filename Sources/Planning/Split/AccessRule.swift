/// A line of `pg_hba.conf`, as the server's view pg_hba_file_rules has it.
package struct AccessRule: Sendable, Equatable {
    package var line: Int
    /// `local`, `host`, `hostssl`, `hostnossl`, …
    package var type: String
    package var databases: [String]
    package var users: [String]
    /// An address, a name, `all`, `samehost`, `samenet`; nil for `local`.
    package var address: String?
    package var netmask: String?
    package var method: String

    package init(
        line: Int, type: String, databases: [String], users: [String], address: String?, netmask: String?,
        method: String
    ) {
        self.line = line
        self.type = type
        self.databases = databases
        self.users = users
        self.address = address
        self.netmask = netmask
        self.method = method
    }

    /// What the rules say of somebody who connects over the network.
    package enum Verdict: Sendable, Equatable {
        case admitted
        case refused(line: Int)
        /// No rule is about it, which refuses as well.
        case unmentioned
        /// A rule that may be about it says something that cannot be told from here: roles' members, names of hosts.
        case unknown
    }

    /// The first rule that is about it decides.
    package static func verdict(
        _ rules: [AccessRule], database: String, user: String, from address: IPAddress
    ) -> Verdict {
        for rule in rules where rule.type.hasPrefix("host") {
            let parts = [
                rule.isAbout(database: database, user: user), rule.isAbout(user: user), rule.isAbout(address),
            ]
            if parts.contains(false) { continue }
            guard !parts.contains(nil) else { return .unknown }
            if rule.method != "reject" { return .admitted }
            // With TLS, or without it: the next one may be about it.
            return rule.type == "host" ? .refused(line: rule.line) : .unknown
        }
        return .unmentioned
    }

    private func isAbout(database: String, user: String) -> Bool? {
        matches(databases, database, special: ["sameuser": database == user, "samerole": nil, "samegroup": nil])
    }

    private func isAbout(user: String) -> Bool? { matches(users, user, special: [:]) }

    /// - Returns: nil where it cannot be told.
    private func matches(_ names: [String], _ name: String, special: [String: Bool?]) -> Bool? {
        var isUnknown = false
        for entry in names where entry != "replication" {
            if entry == "all" || entry == name { return true }
            if let known = special[entry] {
                if known == true { return true }
                if known == nil { isUnknown = true }
            } else if entry.hasPrefix("+") || entry.hasPrefix("/") {
                isUnknown = true
            }
        }
        return isUnknown ? nil : false
    }

    private func isAbout(_ other: IPAddress) -> Bool? {
        guard let address else { return false }
        if address == "all" { return true }
        guard let network = IPAddress(address), let mask = netmask.flatMap({ IPAddress($0) }) else { return nil }
        guard network.bytes.count == other.bytes.count, mask.bytes.count == other.bytes.count else { return false }
        return zip(zip(network.bytes, other.bytes), mask.bytes).allSatisfy { $0.0 & $1 == $0.1 & $1 }
    }
}
