package typealias OID = UInt32

/// What one database has: everything that moving an object between schemas can touch, read in one snapshot.
///
/// System schemas, temporary schemas and Strata's own schema `strata` are left out. Objects are keyed by OID; names are
/// as stored (case kept, unquoted).
package struct Catalog: Sendable {
    /// The schema that holds Strata's ledger; never part of a catalog.
    package static let ledgerSchema = "strata"
    /// What a split has left behind is in schemas that begin so: nobody plans for it.
    package static let parkedPrefix = "strata_parked_"

    package var server = ServerFacts()
    package var schemas: [OID: Schema] = [:]
    /// Tables, partitioned tables, foreign tables, views, materialised views, sequences and composite types.
    package var relations: [OID: Relation] = [:]
    /// By relation, in column order; dropped columns left out. Sequences and indexes have none.
    package var columns: [OID: [Column]] = [:]
    package var constraints: [Constraint] = []
    package var indexes: [OID: Index] = [:]
    package var sequences: [OID: SequenceDetail] = [:]
    package var functions: [OID: Function] = [:]
    package var triggers: [Trigger] = []
    package var eventTriggers: [EventTrigger] = []
    package var types: [OID: UserType] = [:]
    package var policies: [Policy] = []
    package var defaultPrivileges: [DefaultPrivilege] = []
    package var publications: [Publication] = []
    package var subscriptions: [Subscription] = []
    package var extensions: [OID: Extension] = [:]
    /// Objects that belong to an extension, with the extension's OID.
    package var extensionMembers: [ObjectReference: OID] = [:]
    package var extendedStatistics: [ExtendedStatistics] = []
    package var rules: [Rule] = []
    package var foreignServers: [OID: ForeignServer] = [:]
    package var comments: [Comment] = []
    package var roles: [OID: Role] = [:]
    /// `ALTER ROLE/DATABASE … SET`, for this database or for all.
    package var settings: [ConfigurationSetting] = []
    package var dependencies: [Dependency] = []
    /// Names of objects of other kinds (operators, collations, text search objects, …) that are neither moved nor checked.
    package var otherObjects: [OtherObject] = []
    /// Commands of scheduled jobs (`cron.job`) where pg_cron is installed.
    package var scheduledCommands: [ScheduledCommand] = []
    /// Tables that pg_partman keeps partitions for, by name as its configuration has them (`public.visits`).
    package var partmanParents: [String] = []
    /// Names under which this server is known to itself. Not part of the fingerprint: they depend on the connection.
    package var endpoints: Set<ServerEndpoint> = []

    package init() {}
}

/// The server, the database and who is asking.
package struct ServerFacts: Sendable, Equatable, Codable {
    /// As `server_version_num`, for example 150018.
    package var version = 0
    package var database = ""
    package var databaseOID: OID = 0
    package var systemIdentifier = ""
    package var user = ""
    package var userOID: OID = 0
    package var isSuperuser = false
    package var canCreateInDatabase = false
    package var isInRecovery = false
    /// Names of walsenders' applications: physical and logical receivers attached now.
    package var attachedStandbys: [String] = []
    package var walLevel = ""
    /// Owner of the database.
    package var databaseOwner: OID = 0

    package init() {}
    package var major: Int { version / 10_000 }
}

/// An object of any kind: the catalog it is a row of, and its OID there.
package struct ObjectReference: Sendable, Hashable, Codable {
    package enum Kind: String, Sendable, Codable {
        case schema, relation, type, function, constraint, index, trigger, policy, rule, columnDefault, publication
        case statistics, `extension`, collation, `operator`, other
    }
    package var kind: Kind
    package var oid: OID

    package init(_ kind: Kind, _ oid: OID) {
        self.kind = kind
        self.oid = oid
    }
}

/// One privilege grant: `grantee` 0 is PUBLIC. Defaults are expanded, so an owner's own privileges are listed too.
package struct Grant: Sendable, Hashable, Codable, Comparable {
    package var grantee: OID
    package var grantor: OID
    /// Upper case, as in GRANT: SELECT, INSERT, USAGE, …
    package var privilege: String
    package var grantable: Bool

    package init(grantee: OID, grantor: OID, privilege: String, grantable: Bool) {
        self.grantee = grantee
        self.grantor = grantor
        self.privilege = privilege
        self.grantable = grantable
    }

    package static func < (left: Grant, right: Grant) -> Bool {
        if left.grantee != right.grantee { return left.grantee < right.grantee }
        if left.privilege != right.privilege { return left.privilege < right.privilege }
        if left.grantor != right.grantor { return left.grantor < right.grantor }
        return !left.grantable && right.grantable
    }
}

package struct Schema: Sendable, Equatable {
    package var oid: OID
    package var name: String
    package var owner: OID
    package var grants: [Grant]
    /// Whether the connected user has CREATE in it and USAGE of it.
    package var userCanCreate: Bool
    package var userHasUsage: Bool

    package init(oid: OID, name: String, owner: OID, grants: [Grant], userCanCreate: Bool, userHasUsage: Bool) {
        self.oid = oid
        self.name = name
        self.owner = owner
        self.grants = grants
        self.userCanCreate = userCanCreate
        self.userHasUsage = userHasUsage
    }
}
