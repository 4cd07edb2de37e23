package import SQLSyntax

/// What the proxy knows of a text: where it may run, and what it leaves behind. Made once for a text, a catalog and a
/// search_path, and then only looked at.
package final class Decision: Sendable {
    /// Where it may run.
    package enum Access: UInt8, Sendable, Equatable {
        /// It reads no relation that a replica could have differently (`SELECT 1`, transaction control, SHOW): wherever
        /// the session is, else a replica or the primary.
        case anywhere
        /// It may go to a replica that is fresh enough for `reads`.
        case read
        case primary
    }

    /// What it may do to the session or the catalog, beyond rows.
    package struct Effects: OptionSet, Sendable, Hashable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }

        /// SET, RESET, set_config, or a function that may call them: what is set has to be asked for afterwards.
        package static let settings = Effects(rawValue: 1 << 0)
        /// Something temporary is made in this session.
        package static let temporary = Effects(rawValue: 1 << 1)
        package static let listen = Effects(rawValue: 1 << 2)
        package static let unlistenAll = Effects(rawValue: 1 << 3)
        /// DECLARE … WITH HOLD.
        package static let heldCursor = Effects(rawValue: 1 << 4)
        package static let closeCursors = Effects(rawValue: 1 << 5)
        /// A session-level advisory lock may be taken, or given back.
        package static let advisoryLock = Effects(rawValue: 1 << 6)
        package static let advisoryUnlock = Effects(rawValue: 1 << 7)
        package static let discardAll = Effects(rawValue: 1 << 8)
        package static let deallocateAll = Effects(rawValue: 1 << 9)
        package static let discardTemporary = Effects(rawValue: 1 << 10)
        /// LOAD, or a setting whose name only the server knows: the session keeps its server.
        package static let keepsServer = Effects(rawValue: 1 << 11)
        /// Tables, functions or rights may be different afterwards.
        package static let catalog = Effects(rawValue: 1 << 12)
        /// PREPARE, EXECUTE or DEALLOCATE of one name: `shape` of `statements` says which.
        package static let prepared = Effects(rawValue: 1 << 13)
        /// BEGIN, COMMIT, ROLLBACK, savepoints, SET TRANSACTION somewhere in the text.
        package static let transaction = Effects(rawValue: 1 << 14)
        /// COPY FROM STDIN.
        package static let copyIn = Effects(rawValue: 1 << 15)
        /// A cursor that lives in the transaction: its later FETCH belongs to the same server.
        package static let cursor = Effects(rawValue: 1 << 16)
        /// SET LOCAL: over with the transaction, and to be done again where that moves to.
        package static let local = Effects(rawValue: 1 << 18)
        /// currval, lastval: what this session's own nextval gave, and nobody else's.
        package static let sequenceState = Effects(rawValue: 1 << 19)
        /// NOTIFY, pg_notify, large objects, txid_current …: nothing to track, but the primary's business.
        package static let primaryOnly = Effects(rawValue: 1 << 17)
    }

    package let access: Access
    package let effects: Effects
    /// Why it goes where it goes, for `strata route`, SHOW ROUTES and metrics.
    package let reason: RouteReason
    /// Slots of the relations (of `Freshness.slot(of:)`) that the answer depends on, views resolved, sorted, unique.
    package let reads: [UInt32]
    /// What it reads is not known to the end: it depends on everything.
    package let readsAnything: Bool
    /// Slots of the relations that may be different afterwards, triggers, cascades and rules included.
    package let writes: [UInt32]
    package let writesAnything: Bool
    /// The statements of the text, where the session has to look closer (`effects` is not empty); else empty.
    package let statements: [StatementShape]
    /// Settings that may be different afterwards and that pg_settings does not show (names with a dot, `role`,
    /// `session_authorization`).
    package let unlistedSettings: [String]
    /// A comment or a rule of the layout lets a replica answer however far behind it is; only ever true with `.read`.
    package let ignoresFreshness: Bool
    /// Which database of the layout; `.anywhere` where there is only one.
    package let place: Place
    /// The schemas of what it may touch, sorted; not complete with `readsAnything` or `writesAnything`.
    package let schemas: [String]
    /// The same in 64 bits: two schemas may share one.
    let schemaBits: UInt64
    /// What it counts as while a split is observed; else empty.
    let crossing: [CrossingStep]

    /// Of a schema among 64.
    static func bit(ofSchema name: String) -> UInt64 {
        1 << (name.utf8.reduce(UInt64(14_695_981_039_346_656_037)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 } >> 58)
    }

    package convenience init(
        access: Access, effects: Effects = [], reason: RouteReason, reads: [UInt32] = [], readsAnything: Bool = false,
        writes: [UInt32] = [], writesAnything: Bool = false, statements: [StatementShape] = [],
        unlistedSettings: [String] = [], ignoresFreshness: Bool = false, place: Place = .anywhere,
        schemas: [String] = []
    ) {
        self.init(
            access: access, effects: effects, reason: reason, reads: reads, readsAnything: readsAnything,
            writes: writes, writesAnything: writesAnything, statements: statements,
            unlistedSettings: unlistedSettings, ignoresFreshness: ignoresFreshness, place: place, schemas: schemas,
            crossing: [])
    }

    private init(
        access: Access, effects: Effects, reason: RouteReason, reads: [UInt32], readsAnything: Bool,
        writes: [UInt32], writesAnything: Bool, statements: [StatementShape], unlistedSettings: [String],
        ignoresFreshness: Bool, place: Place, schemas: [String], crossing: [CrossingStep]
    ) {
        self.crossing = crossing
        self.access = access
        self.effects = effects
        self.reason = reason
        self.reads = reads
        self.readsAnything = readsAnything
        self.writes = writes
        self.writesAnything = writesAnything
        self.statements = statements
        self.unlistedSettings = unlistedSettings
        self.ignoresFreshness = ignoresFreshness
        self.place = place
        self.schemas = schemas
        schemaBits = readsAnything || writesAnything ? .max : schemas.reduce(0) { $0 | Self.bit(ofSchema: $1) }
    }

    /// The same, in this place.
    func placed(_ place: Place) -> Decision {
        if place == self.place { return self }
        return Decision(
            access: access, effects: effects, reason: reason, reads: reads, readsAnything: readsAnything,
            writes: writes, writesAnything: writesAnything, statements: statements,
            unlistedSettings: unlistedSettings, ignoresFreshness: ignoresFreshness, place: place, schemas: schemas,
            crossing: crossing)
    }

    /// The same, with what it counts as.
    func observed(_ crossing: [CrossingStep]) -> Decision {
        if crossing.isEmpty { return self }
        return Decision(
            access: access, effects: effects, reason: reason, reads: reads, readsAnything: readsAnything,
            writes: writes, writesAnything: writesAnything, statements: statements,
            unlistedSettings: unlistedSettings, ignoresFreshness: ignoresFreshness, place: place, schemas: schemas,
            crossing: crossing)
    }

    /// What EXECUTE of a statement does, for which this was decided: as `text`, EXECUTE alone, has it, but with no more
    /// than this to be read and written. On the primary, as whatever else belongs to a session.
    func executed(by text: Decision) -> Decision {
        Decision(
            access: .primary, effects: effects.union(.prepared), reason: text.reason, reads: reads,
            readsAnything: readsAnything, writes: writes, writesAnything: writesAnything, statements: text.statements,
            unlistedSettings: unlistedSettings, ignoresFreshness: false, place: place, schemas: schemas,
            crossing: crossing)
    }

    /// Whether a schema may be touched.
    func mayTouch(_ schema: String) -> Bool { readsAnything || writesAnything || schemas.contains(schema) }

    /// Whether rows may be different afterwards.
    package var isWriting: Bool { writesAnything || !writes.isEmpty }
}

/// Why a statement goes where it goes. The text is made only when somebody asks.
package enum RouteReason: Sendable, Hashable {
    /// A read of these tables (none: nothing that could be stale).
    case readOnly
    case hint(String)
    case rule(Int)
    case writes(String)
    case locksRows
    case volatileFunction(String)
    case unknownFunction(String)
    case unknownRelation(String)
    case temporaryTable(String)
    case unloggedTable(String)
    case systemState(String)
    case session(String)
    case transactionControl
    case definition
    case notParsed(String)
    case tooLong
    case catalogUnknown
    /// What it names lives in another database of the layout.
    case elsewhere(String)
    /// In several, or in one whose catalog has not been read.
    case severalDatabases
    case empty
}
