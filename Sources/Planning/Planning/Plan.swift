/// Ordered steps from the catalog a database has to the layout it should have. Data only: rendering, saving and applying
/// are done elsewhere.
package struct Plan: Sendable, Equatable, Codable {
    /// Raised when the meaning of a saved plan changes; a plan of another format is refused.
    package static let currentFormat = 1

    package var format = Plan.currentFormat
    package var server: ServerFacts
    /// Fingerprint of the whole catalog it was made from.
    package var fingerprint: String
    /// Fingerprint of the layout's meaning (not of its text).
    package var layoutFingerprint: String
    package var steps: [Step] = []
    package var hazards: [Hazard] = []
    /// Things worth knowing that need no consent.
    package var notes: [Diagnostic] = []
    /// Objects that no schema of the layout lists, by `kind schema.name`.
    package var unplaced: [String] = []
    /// One line for each object that the steps touch, as it was: what apply, verify and rollback compare with.
    package var baseline: [BaselineEntry] = []
    /// Schemas that the layout places on another database: what that takes. The steps prepare them here; nil: there is
    /// none, or none of which anything is here.
    package var splits: [SplitReport]?
    /// What Strata keeps in schemas of its own here; nil: nothing.
    package var components: [PlannedComponent]?

    package init(server: ServerFacts, fingerprint: String, layoutFingerprint: String) {
        self.server = server
        self.fingerprint = fingerprint
        self.layoutFingerprint = layoutFingerprint
    }

    package var isEmpty: Bool { steps.isEmpty }

    /// Steps in order, those that share a transaction together.
    package var groups: [StepGroup] {
        var groups: [StepGroup] = []
        for step in steps {
            if let last = groups.last, last.number == step.group {
                groups[groups.count - 1].steps.append(step)
            } else {
                groups.append(StepGroup(number: step.group, steps: [step]))
            }
        }
        return groups
    }
}

/// Steps that are applied and undone together: one transaction, or one step that must stand outside of one.
package struct StepGroup: Sendable, Equatable {
    package var number: Int
    package var steps: [Step]

    package init(number: Int, steps: [Step]) {
        self.number = number
        self.steps = steps
    }

    package var inTransaction: Bool { steps.allSatisfy(\.inTransaction) }
}

package struct Step: Sendable, Equatable, Codable {
    package enum Kind: String, Sendable, Codable {
        case createSchema = "create_schema"
        case grant
        case defaultPrivileges = "default_privileges"
        case setSearchPath = "set_search_path"
        case moveTable = "move_table"
        case moveView = "move_view"
        case moveSequence = "move_sequence"
        case moveType = "move_type"
        case moveFunction = "move_function"
        case moveStatistics = "move_statistics"
        case createShim = "create_shim"
        case dropShim = "drop_shim"
        case setForeignOptions = "set_foreign_options"
        case appendOnly = "append_only"
        case buildIndex = "build_index"
        case attachIndex = "attach_index"
        case makePart = "make_part"
        case renewPart = "renew_part"
    }

    /// How long the lock is held, by what the statement does, not by measurement.
    package enum Duration: String, Sendable, Codable {
        /// Changes the catalog only: milliseconds, however big the table.
        case catalogOnly = "catalog_only"
        /// Reads the whole table without blocking writes.
        case scansTable = "scans_table"
    }

    /// Position in the plan, from 1.
    package var number: Int
    /// Steps of one group share a transaction.
    package var group: Int
    package var kind: Kind
    /// For people: `public.animals`.
    package var object: String
    /// Statements without their final semicolon.
    package var statements: [String]
    /// Statements that undo it, in the order in which they are to run.
    package var undo: [String]
    package var locks: [Lock]
    package var duration: Duration
    package var inTransaction: Bool
    package var reason: String
    /// What must be there, under this name, for the step to be safe: checked in the step's own transaction.
    package var expects: [ObjectPin]
    /// The same for undoing it.
    package var undoExpects: [ObjectPin]
    /// For `build_index`: the index that must come out of it valid.
    package var index: IndexPin?

    package init(
        kind: Kind, object: String, statements: [String], undo: [String], locks: [Lock] = [],
        duration: Duration = .catalogOnly, inTransaction: Bool = true, reason: String, expects: [ObjectPin] = [],
        undoExpects: [ObjectPin] = [], index: IndexPin? = nil
    ) {
        number = 0
        group = 0
        self.kind = kind
        self.object = object
        self.statements = statements
        self.undo = undo
        self.locks = locks
        self.duration = duration
        self.inTransaction = inTransaction
        self.reason = reason
        self.expects = expects
        self.undoExpects = undoExpects
        self.index = index
    }
}

/// A lock a step takes, in PostgreSQL's words: `ACCESS EXCLUSIVE` on `public.animals`.
package struct Lock: Sendable, Hashable, Codable {
    package var mode: String
    package var object: String
    /// pg_class OID, for looking up who holds it; 0 where it is not a relation.
    package var oid: OID

    package init(_ mode: String, _ object: String, oid: OID) {
        self.mode = mode
        self.object = object
        self.oid = oid
    }
}

/// An object that has to exist with this OID under this name.
package struct ObjectPin: Sendable, Hashable, Codable {
    package enum Catalog: String, Sendable, Codable { case relation, type, function, statistics }

    package var catalog: Catalog
    package var oid: OID
    package var schema: String
    package var name: String

    package init(_ catalog: Catalog, oid: OID, schema: String, name: String) {
        self.catalog = catalog
        self.oid = oid
        self.schema = schema
        self.name = name
    }
}

package struct IndexPin: Sendable, Hashable, Codable {
    package var schema: String
    package var name: String

    package init(schema: String, name: String) {
        self.schema = schema
        self.name = name
    }
}

/// Something that may break, or that has to be agreed to, if the plan is applied.
package struct Hazard: Sendable, Hashable, Codable {
    package enum Code: String, Sendable, Codable, CaseIterable {
        /// A function, default, foreign table or job names an object by text and will not find it.
        case bindsByName = "BINDS_BY_NAME"
        /// Statements that a compatibility view cannot carry.
        case shimInsufficient = "SHIM_INSUFFICIENT"
        /// `compatibility: none` or `search_path`: some old names stop working.
        case oldNameFails = "OLD_NAME_FAILS"
        /// The same unqualified name stands for different tables on one search_path.
        case nameShadowed = "NAME_SHADOWED"
        /// Rows stop arriving at a subscriber, or a subscription stops.
        case stopsReplicating = "STOPS_REPLICATING"
        /// A referential check would be refused for want of USAGE.
        case breaksReferentialCheck = "BREAKS_REFERENTIAL_CHECK"
        /// Before PostgreSQL 15 a view runs with its owner's rights, which bypasses row security.
        case rowSecurityBypassed = "ROW_SECURITY_BYPASSED"
        /// A trigger function reads the name of the schema, which changes.
        case readsSchemaName = "READS_SCHEMA_NAME"
        /// Event triggers run on the plan's own statements.
        case firesEventTrigger = "FIRES_EVENT_TRIGGER"
        /// What a function executes cannot be known from its text.
        case untrackableDependencies = "HAS_UNTRACKABLE_DEPENDENCIES"
        /// Deletes or updates that reach an append-only table by a foreign key's action will be refused.
        case appendOnlyCascade = "APPEND_ONLY_CASCADE"
        /// A large index is built: disk, I/O and time.
        case indexBuild = "INDEX_BUILD"
        /// contract: statements still used the shim.
        case shimInUse = "SHIM_IN_USE"
        /// contract: whether the shim is in use cannot be known.
        case useUnknown = "USE_UNKNOWN"
    }

    package var code: Code
    package var object: String
    package var message: String
    package var remedy: String
    /// The line of a function's body that it is about, from 1.
    package var line: Int?
    /// That line's text, trimmed, at most 120 characters.
    package var excerpt: String?

    package init(
        _ code: Code, object: String, message: String, remedy: String, line: Int? = nil, excerpt: String? = nil
    ) {
        self.code = code
        self.object = object
        self.message = message
        self.remedy = remedy
        self.line = line
        self.excerpt = excerpt
    }
}

/// One touched object as it was before the run.
package struct BaselineEntry: Sendable, Hashable, Codable {
    package var catalog: ObjectPin.Catalog
    package var oid: OID
    /// `schema.name` before and after, as stored.
    package var schema: String
    package var name: String
    package var newSchema: String
    package var kind: String
    package var fileNode: OID
    package var estimatedRows: Double
    package var constraints: Int
    package var unvalidatedConstraints: Int
    package var indexes: Int
    package var invalidIndexes: Int
    package var triggers: Int
    package var policies: Int
    package var comments: Int
    package var columns: Int
    /// Partitions attached to it, directly.
    package var partitions: Int
    /// Last value of each sequence the table owns, or of the sequence itself.
    package var sequenceValues: [String: Int64]
    package var grants: [String]
    /// Whether Strata left a shim under the old name.
    package var shim: Bool

    package init(catalog: ObjectPin.Catalog, oid: OID, schema: String, name: String, newSchema: String, kind: String) {
        self.catalog = catalog
        self.oid = oid
        self.schema = schema
        self.name = name
        self.newSchema = newSchema
        self.kind = kind
        fileNode = 0
        estimatedRows = -1
        constraints = 0
        unvalidatedConstraints = 0
        indexes = 0
        invalidIndexes = 0
        triggers = 0
        policies = 0
        comments = 0
        columns = 0
        partitions = 0
        sequenceValues = [:]
        grants = []
        shim = false
    }
}
