/// A row of pg_class that is not an index or a TOAST table.
package struct Relation: Sendable, Equatable {
    package enum Kind: String, Sendable, Codable {
        case table = "r"
        case partitionedTable = "p"
        case foreignTable = "f"
        case view = "v"
        case materialisedView = "m"
        case sequence = "S"
        case compositeType = "c"

        package var isTable: Bool { self == .table || self == .partitionedTable || self == .foreignTable }
        /// The word in ALTER statements.
        package var keyword: String {
            switch self {
            case .table, .partitionedTable: "TABLE"
            case .foreignTable: "FOREIGN TABLE"
            case .view: "VIEW"
            case .materialisedView: "MATERIALIZED VIEW"
            case .sequence: "SEQUENCE"
            case .compositeType: "TYPE"
            }
        }
    }

    package var oid: OID
    package var schema: OID
    package var name: String
    package var kind: Kind
    package var owner: OID
    package var isUnlogged: Bool
    package var rowSecurity: Bool
    package var forcesRowSecurity: Bool
    /// 0 for partitioned tables, views and foreign tables. Not part of the fingerprint: rewrites change it.
    package var fileNode: OID
    /// Planner's estimate, -1 where never analysed. Not part of the fingerprint.
    package var estimatedRows: Double
    /// Main fork and its TOAST, from relpages; bytes. Not part of the fingerprint.
    package var estimatedBytes: Int64
    package var grants: [Grant]
    package var columnGrants: [ColumnGrant]
    /// Parents by inheritance or partitioning, with whether this is a partition.
    package var parents: [OID]
    package var isPartition: Bool
    package var partitionKey: String?
    package var partitionBound: String?
    /// `reloptions`, sorted; those of its TOAST table with `toast.` in front.
    package var options: [String]
    /// 0 for the default of the database.
    package var tablespace: OID
    /// Row type and, for tables, the array type is found through it.
    package var rowType: OID
    package var replicaIdentity: String
    /// Server and options of a foreign table.
    package var foreignServer: OID?
    package var foreignOptions: [String]
    /// `pg_get_viewdef` of views and materialised views: part of the fingerprint, printed by PostgreSQL with names
    /// as they resolve under an empty search_path; nil for others.
    package var definition: String?
    /// Whether the connected user may alter it (owner or member of the owner).
    package var userOwns: Bool

    package init(
        oid: OID, schema: OID, name: String, kind: Kind, owner: OID, isUnlogged: Bool = false,
        rowSecurity: Bool = false,
        forcesRowSecurity: Bool = false, fileNode: OID = 0, estimatedRows: Double = -1, estimatedBytes: Int64 = 0,
        grants: [Grant] = [], columnGrants: [ColumnGrant] = [], parents: [OID] = [], isPartition: Bool = false,
        partitionKey: String? = nil, partitionBound: String? = nil, options: [String] = [], tablespace: OID = 0,
        rowType: OID = 0, replicaIdentity: String = "d", foreignServer: OID? = nil, foreignOptions: [String] = [],
        definition: String? = nil, userOwns: Bool = true
    ) {
        self.oid = oid
        self.schema = schema
        self.name = name
        self.kind = kind
        self.owner = owner
        self.isUnlogged = isUnlogged
        self.rowSecurity = rowSecurity
        self.forcesRowSecurity = forcesRowSecurity
        self.fileNode = fileNode
        self.estimatedRows = estimatedRows
        self.estimatedBytes = estimatedBytes
        self.grants = grants
        self.columnGrants = columnGrants
        self.parents = parents
        self.isPartition = isPartition
        self.partitionKey = partitionKey
        self.partitionBound = partitionBound
        self.options = options
        self.tablespace = tablespace
        self.rowType = rowType
        self.replicaIdentity = replicaIdentity
        self.foreignServer = foreignServer
        self.foreignOptions = foreignOptions
        self.definition = definition
        self.userOwns = userOwns
    }
}

package struct ColumnGrant: Sendable, Hashable {
    package var column: String
    package var grant: Grant

    package init(column: String, grant: Grant) {
        self.column = column
        self.grant = grant
    }
}

package struct Column: Sendable, Equatable {
    package enum Identity: String, Sendable { case no = "", always = "a", byDefault = "d" }

    package var number: Int16
    package var name: String
    /// `format_type`, schema-qualified where not in pg_catalog.
    package var type: String
    package var typeOID: OID
    package var notNull: Bool
    package var identity: Identity
    package var isGenerated: Bool
    /// `pg_get_expr` of the default or generation expression.
    package var defaultExpression: String?
    /// What differs from the type's own: `collation=… storage=… compression=… statistics=… options=…`; empty as a rule.
    package var settings: String

    package init(
        number: Int16, name: String, type: String, typeOID: OID, notNull: Bool = false, identity: Identity = .no,
        isGenerated: Bool = false, defaultExpression: String? = nil, settings: String = ""
    ) {
        self.number = number
        self.name = name
        self.type = type
        self.typeOID = typeOID
        self.notNull = notNull
        self.identity = identity
        self.isGenerated = isGenerated
        self.defaultExpression = defaultExpression
        self.settings = settings
    }
}

package struct Constraint: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case primaryKey = "p"
        case unique = "u"
        case foreignKey = "f"
        case check = "c"
        case exclusion = "x"
        case trigger = "t"
        case notNull = "n"
    }

    package var oid: OID
    package var name: String
    package var kind: Kind
    /// The table, 0 for a domain's constraint.
    package var relation: OID
    /// The domain, 0 for a table's constraint.
    package var domain: OID
    package var columns: [Int16]
    /// The referenced table of a foreign key, else 0.
    package var referenced: OID
    package var referencedColumns: [Int16]
    /// pg_constraint's letters for ON DELETE and ON UPDATE: a, r, c, n, d.
    package var onDelete: String
    package var onUpdate: String
    package var isValidated: Bool
    /// The constraint of the parent table that this one belongs to (partitions), else 0.
    package var parent: OID
    /// The index that carries a key, else 0.
    package var index: OID
    /// `pg_get_constraintdef`.
    package var definition: String

    package init(
        oid: OID, name: String, kind: Kind, relation: OID, domain: OID = 0, columns: [Int16] = [], referenced: OID = 0,
        referencedColumns: [Int16] = [], onDelete: String = "a", onUpdate: String = "a", isValidated: Bool = true,
        parent: OID = 0, index: OID = 0, definition: String = ""
    ) {
        self.oid = oid
        self.name = name
        self.kind = kind
        self.relation = relation
        self.domain = domain
        self.columns = columns
        self.referenced = referenced
        self.referencedColumns = referencedColumns
        self.onDelete = onDelete
        self.onUpdate = onUpdate
        self.isValidated = isValidated
        self.parent = parent
        self.index = index
        self.definition = definition
    }
}

package struct Index: Sendable, Equatable {
    package var oid: OID
    package var schema: OID
    package var name: String
    package var table: OID
    package var method: String
    /// Key columns in order, 0 for an expression; INCLUDE columns follow in `included`.
    package var keys: [Int16]
    package var included: [Int16]
    /// pg_index.indoption per key: bit 0 descending, bit 1 nulls first.
    package var keyOptions: [Int16]
    package var isUnique: Bool
    package var isPrimary: Bool
    package var isValid: Bool
    package var isReady: Bool
    package var isPartial: Bool
    package var hasExpressions: Bool
    package var isReplicaIdentity: Bool
    /// Index of the partitioned table that this one belongs to, else 0.
    package var parent: OID
    /// `pg_get_indexdef`.
    package var definition: String
    /// 0 for the default of the database.
    package var tablespace: OID
    package var estimatedBytes: Int64

    package init(
        oid: OID, schema: OID, name: String, table: OID, method: String = "btree", keys: [Int16],
        included: [Int16] = [],
        keyOptions: [Int16] = [], isUnique: Bool = false, isPrimary: Bool = false, isValid: Bool = true,
        isReady: Bool = true, isPartial: Bool = false, hasExpressions: Bool = false,
        isReplicaIdentity: Bool = false, parent: OID = 0, definition: String = "", tablespace: OID = 0,
        estimatedBytes: Int64 = 0
    ) {
        self.oid = oid
        self.schema = schema
        self.name = name
        self.table = table
        self.method = method
        self.keys = keys
        self.included = included
        self.keyOptions = keyOptions
        self.isUnique = isUnique
        self.isPrimary = isPrimary
        self.isValid = isValid
        self.isReady = isReady
        self.isPartial = isPartial
        self.hasExpressions = hasExpressions
        self.isReplicaIdentity = isReplicaIdentity
        self.parent = parent
        self.definition = definition
        self.tablespace = tablespace
        self.estimatedBytes = estimatedBytes
    }
}

package struct SequenceDetail: Sendable, Equatable {
    package var oid: OID
    package var typeName: String
    package var start: Int64
    package var increment: Int64
    package var minimum: Int64
    package var maximum: Int64
    package var cache: Int64
    package var cycles: Bool
    /// nil where it was not asked for (see `CatalogReader`), before the first nextval, or where the user may not read it.
    /// Not part of the fingerprint.
    package var lastValue: Int64?
    /// The column that owns it (serial, identity), if any.
    package var ownerTable: OID?
    package var ownerColumn: Int16?
    package var isIdentity: Bool

    package init(
        oid: OID, typeName: String = "bigint", start: Int64 = 1, increment: Int64 = 1, minimum: Int64 = 1,
        maximum: Int64 = .max, cache: Int64 = 1, cycles: Bool = false, lastValue: Int64? = nil,
        ownerTable: OID? = nil, ownerColumn: Int16? = nil, isIdentity: Bool = false
    ) {
        self.oid = oid
        self.typeName = typeName
        self.start = start
        self.increment = increment
        self.minimum = minimum
        self.maximum = maximum
        self.cache = cache
        self.cycles = cycles
        self.lastValue = lastValue
        self.ownerTable = ownerTable
        self.ownerColumn = ownerColumn
        self.isIdentity = isIdentity
    }
}

package struct ExtendedStatistics: Sendable, Equatable {
    package var oid: OID
    package var schema: OID
    package var name: String
    package var table: OID
    package var owner: OID
    package var definition: String

    package init(oid: OID, schema: OID, name: String, table: OID, owner: OID, definition: String = "") {
        self.oid = oid
        self.schema = schema
        self.name = name
        self.table = table
        self.owner = owner
        self.definition = definition
    }
}
