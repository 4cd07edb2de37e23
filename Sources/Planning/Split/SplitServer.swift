/// What a split has to know of one of its two servers. Data only.
package struct SplitServer: Sendable, Equatable {
    /// As the layout names the database.
    package var name = ""
    package var database = ""
    /// As `server_version_num`.
    package var version = 0
    package var databaseOID: OID = 0
    /// Empty where the role may not ask for it.
    package var systemIdentifier = ""
    package var isInRecovery = false
    package var encoding = ""
    package var collation = ""
    package var user = ""
    /// REPLICATION, or superuser.
    package var mayReplicate = false
    package var mayCreateRoles = false
    package var mayCreateSchemas = false
    /// Superuser, or from 16 on a member of pg_create_subscription.
    package var maySubscribe = false
    package var walLevel = ""
    package var slots = Room()
    package var senders = Room()
    /// `max_logical_replication_workers`; those of subscriptions that run now are used.
    package var workers = Room()
    /// `max_slot_wal_keep_size` in bytes; nil: no limit.
    package var keptWAL: Int64?
    package var roles: Set<String> = []
    package var availableExtensions: Set<String> = []
    /// How many relations, functions and types of its own each schema has.
    package var objectsBySchema: [String: Int] = [:]
    /// Client sessions in the database, as `user at address (application)`, with how many of each there are; without
    /// those of proxies that observe, and Strata's own.
    package var sessions: [String: Int] = [:]
    /// Sessions of proxies that observe; nil where none does, or the role may not see.
    package var proxied: Int?
    /// Its URL leads to the machine that it is read on: by a socket, or a loopback address.
    package var isReachedLocally = false
    /// Where it listens, as far as we have reached it by the network.
    package var address: IPAddress?
    /// Of the disk with its data folder, where that is on this machine.
    package var freeBytes: Int64?
    /// nil: the role may not read them.
    package var accessRules: [AccessRule]?

    package init() {}

    /// So many of a kind there may be, and so many there are.
    package struct Room: Sendable, Equatable {
        package var limit = 0
        package var used = 0

        package init(limit: Int = 0, used: Int = 0) { (self.limit, self.used) = (limit, used) }
        package var free: Int { max(0, limit - used) }
    }

    package var major: Int { version / 10_000 }

    /// Whether both are one database of one server, however it was reached.
    package func isSame(as other: SplitServer) -> Bool {
        !systemIdentifier.isEmpty && systemIdentifier == other.systemIdentifier && databaseOID == other.databaseOID
    }
}
