import SQLSyntax

/// What routing has to know of a database: names to OIDs, and what reading, writing and calling each of them touches.
/// Read at one moment and never changed; `token` tells whether it still holds.
package final class RoutingCatalog: Sendable {
    /// Objects below were made by initdb.
    static let firstUserOID: UInt32 = 16_384
    /// `pg_class`, standing for definitions and rights: DDL marks everything, so this as well.
    static let definitions: UInt32 = 1_259
    static let systemSchema: UInt32 = 11

    /// False for `unknown`: nothing could be read yet.
    package let isKnown: Bool
    /// What `token(_:)` gave when this was read.
    package let token: String
    /// `search_path` of the server's configuration, and what ALTER DATABASE and ALTER ROLE say instead.
    package let searchPaths: SearchPathDefaults
    let names: NameIndex
    let schemaNames: [UInt32: String]
    /// Schemas of which not everybody has USAGE, with those roles that have; names there are invisible to the others.
    let guardedSchemas: [UInt32: Set<String>]
    let relations: [UInt32: RoutingRelation]
    /// Schemas that have relations.
    let filledSchemas: Set<UInt32>
    /// Schemas that a split copies here, and those that one copies from here.
    let incoming: Set<String>
    let leaving: Set<String>
    /// Schemas that a split has taken from here: what is left of them is not they.
    let left: Set<String>
    /// Tables that are copies of those of another database, and have all their rows.
    let copies: Set<QualifiedName>
    /// Views under old names, which go where their tables go.
    let shims: Set<UInt32>
    let functions: [UInt32: RoutingFunction]
    /// Functions of operators that users made.
    let operators: [NameKey: [UInt32]]
    let types: [NameKey: RoutingType]
    /// Volatile functions that run without being named: of operators with PostgreSQL's own names, and of casts.
    let ambientFunctions: [UInt32]
    let eventTriggerFunctions: [UInt32]
    /// Views' queries and row security policies.
    let onRead: [UInt32: Touches]
    /// Triggers, rules, defaults, policies; for a view the tables below it.
    let onWrite: [UInt32: Touches]
    /// Tables whose foreign keys act when this one's rows change.
    let cascades: [UInt32: [UInt32]]
    /// All tables with a foreign key to this one, for TRUNCATE … CASCADE.
    let referencing: [UInt32: [UInt32]]
    let children: [UInt32: [UInt32]]
    private let parents: [UInt32: [UInt32]]
    /// Tables with a child that no replica can read.
    private let reluctantParents: [UInt32: RouteReason]

    init(_ parts: Parts) {
        isKnown = parts.isKnown
        token = parts.token
        searchPaths = parts.searchPaths
        names = parts.names
        schemaNames = Dictionary(parts.names.schemas.map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        guardedSchemas = parts.guardedSchemas
        relations = parts.relations
        filledSchemas = Set(parts.relations.values.lazy.map(\.schema))
        incoming = parts.incoming
        leaving = parts.leaving
        left = parts.left
        copies = parts.copies
        shims = parts.shims
        functions = parts.functions
        operators = parts.operators
        types = parts.types
        ambientFunctions = parts.ambientFunctions
        eventTriggerFunctions = parts.eventTriggerFunctions
        onRead = parts.onRead
        onWrite = parts.onWrite
        cascades = parts.cascades
        referencing = parts.referencing
        children = parts.children
        parents = parts.parents
        reluctantParents = parts.reluctantParents()
    }

    /// For the time before a server has answered: every table and function is unknown, so all goes to the primary.
    package static let unknown = RoutingCatalog(Parts())

    package var relationCount: Int { relations.count }

    /// All tables above this one, nearest first; each once.
    func ancestors(of oid: UInt32) -> [UInt32] {
        guard var level = parents[oid] else { return [] }
        var result: [UInt32] = []
        while !level.isEmpty {
            let new = level.filter { !result.contains($0) }
            result += new
            level = new.flatMap { parents[$0] ?? [] }
        }
        return result
    }

    /// Why a relation cannot be read on a replica; nil where it can.
    func primaryReason(toRead relation: RoutingRelation) -> RouteReason? {
        if relation.persistence == .temporary { return .temporaryTable(name(of: relation)) }
        if relation.persistence == .unlogged { return .unloggedTable(name(of: relation)) }
        if relation.isSystem { return .systemState(name(of: relation)) }
        // A sequence moves without a commit, and a foreign table's rows are on a server that nobody compares.
        if relation.kind == .sequence || relation.kind == .foreignTable { return .systemState(name(of: relation)) }
        return reluctantParents[relation.oid]
    }

    func primaryReason(toCall function: RoutingFunction) -> RouteReason {
        let name = name(of: function)
        return function.volatility == .volatile ? .volatileFunction(name) : .systemState(name)
    }

    func name(of relation: RoutingRelation) -> String {
        SQL.qualified(schemaNames[relation.schema], relation.name)
    }

    func name(of function: RoutingFunction) -> String {
        if function.schema == Self.systemSchema { return function.name + "()" }
        return SQL.qualified(schemaNames[function.schema], function.name) + "()"
    }

    /// `schema.table` of an OID; nil for what is no relation.
    package func relationName(_ oid: UInt32) -> String? { relations[oid].map { name(of: $0) } }
}

/// A name in a schema.
struct NameKey: Hashable, Sendable {
    let schema: UInt32
    let name: String
}

struct RoutingRelation: Sendable {
    enum Kind: String, Sendable {
        case table = "r"
        case partitioned = "p"
        case view = "v"
        case materializedView = "m"
        case foreignTable = "f"
        case sequence = "S"
    }
    enum Persistence: String, Sendable {
        case permanent = "p"
        case unlogged = "u"
        case temporary = "t"
    }

    let oid: UInt32
    let schema: UInt32
    let name: String
    let kind: Kind
    let persistence: Persistence
    /// In `pg_catalog` or `information_schema`.
    var isSystem = false
}

struct RoutingFunction: Sendable {
    enum Volatility: String, Sendable, Comparable {
        case immutable = "i"
        case stable = "s"
        case volatile = "v"

        static func < (left: Self, right: Self) -> Bool { left.order < right.order }
        private var order: Int { self == .immutable ? 0 : self == .stable ? 1 : 2 }
    }

    let oid: UInt32
    let schema: UInt32
    let name: String
    let volatility: Volatility
    let language: String
    /// Whether a statement that calls it belongs to the primary.
    var needsPrimary = false
    /// Whether its answer depends on definitions or rights.
    var looksAtCatalog = false
    var touches = Touches()
}

struct RoutingType: Sendable {
    let oid: UInt32
    /// The function that reads the type's text form, where users made it.
    let inputFunction: UInt32?
}
