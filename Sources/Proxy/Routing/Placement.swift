package import SQLSyntax

/// Which database of the layout a statement belongs to, by the schemas of what it names. Pure.
///
/// A schema that the layout lists belongs to the database that it says, every other one to the main database. What is in
/// a schema is looked up in the catalog of the schema's own database: a copy that was left behind elsewhere does not count.
package struct Placement: Sendable {
    /// The database of each listed schema, as an index of `catalogs`; 0 is the main one.
    let owners: [String: Int]
    /// As the layout names them.
    package let databases: [String]
    let catalogs: [RoutingCatalog]
    /// Schemas that are to leave the main database, which serves them until they do.
    package let stillHere: Set<String>
    /// Where schemas are to be, as long as some are not there yet: what would cross that is counted.
    let cut: SchemaCut?
    /// Names in the main database's schemas that stand for something elsewhere.
    let oldNames: OldNamePlaces
    /// Databases that have a copy of a table of the main database, whole and kept up to date.
    let copies: CopyPlaces.Places

    /// - Returns: nil where every schema lives in the main database, so that there is nothing to choose.
    package init?(
        schemas: [String: String], databases: [String], catalogs: [RoutingCatalog], routes: [String: String] = [:]
    ) {
        var owners: [String: Int] = [:]
        for (schema, database) in schemas { owners[schema] = databases.firstIndex(of: database) ?? 0 }
        guard owners.values.contains(where: { $0 != 0 }), catalogs.count == databases.count else { return nil }
        let routes = routes.compactMapValues { databases.firstIndex(of: $0) }
        stillHere = StillHere.schemas(owners, catalogs: catalogs, routes: routes)
        copies = CopyPlaces.find(owners, catalogs: catalogs)
        cut = stillHere.isEmpty ? nil : SchemaCut(owners: owners, copies: copies)
        for schema in stillHere { owners[schema] = 0 }
        for (schema, database) in routes where owners[schema] != nil { owners[schema] = database }
        self.owners = owners
        self.databases = databases
        self.catalogs = catalogs
        oldNames = OldNamePlaces(owners: owners, catalogs: catalogs)
    }

    /// - Parameters:
    ///   - path: the session's `search_path`; nil: not known, as after a change within a transaction.
    package func place(_ shapes: [StatementShape], path: SearchPath?, role: String) -> Decision.Place {
        var search = PlacementSearch(placement: self, path: path?.schemas.map { $0 == "$user" ? role : $0 })
        for shape in shapes { search.addRelations(shape) }
        if search.found.count <= 1 { for shape in shapes { search.addRoutines(shape) } }
        if let unread = search.unread { return .unknown(database: unread) }
        if let missing = search.missing { return .missing(missing) }
        search.settleCopies()
        switch search.found.count {
        case 0 where !search.choices.isEmpty:
            return search.choices.count == 1 ? .database(search.choices[0]) : .oneOf(search.choices)
        case 0: return search.isUnresolved ? .unresolved : .anywhere
        case 1: return .database(search.found[0].database)
        default: return .several(search.found)
        }
    }

    /// Which names live where, for people.
    static func list(_ names: [Decision.Named], _ databases: [String]) -> String {
        names.map { "\($0.name) lives in database \"\(databases[$0.database])\"" }.joined(separator: ", ")
    }

    func owner(_ schema: String) -> Int { owners[schema] ?? 0 }

    /// What every database has.
    static func isEverywhere(_ schema: String) -> Bool {
        schema == "pg_catalog" || schema == "information_schema" || schema.hasPrefix("pg_temp")
            || schema.hasPrefix("pg_toast")
    }
}

extension Decision {
    /// Where it lives, for layouts with several databases.
    package enum Place: Sendable, Equatable {
        /// It names nothing that one database has and another has not.
        case anywhere
        /// As `anywhere`, but it names a relation that no catalog has.
        case unresolved
        case database(Int)
        /// It only reads what each of these has, the first as its own, the others as a copy.
        case oneOf([Int])
        /// It needs several databases at once: what it names in each, one name for each.
        case several([Named])
        /// An old name of something that lives in this database, which does not have the name.
        case missing(Named)
        /// The catalog of this database is needed to tell, and has not been read yet.
        case unknown(database: Int)
    }

    package struct Named: Sendable, Equatable {
        package let database: Int
        /// A relation, function or schema, as written, with its schema where it was found by search_path.
        package let name: String
    }
}

/// One statement text on its way to a place.
private struct PlacementSearch {
    let placement: Placement
    let path: [String]?
    /// The first name that was found for each database, in the order in which they were found.
    private(set) var found: [Decision.Named] = []
    private(set) var unread: Int?
    private(set) var missing: Decision.Named?
    private(set) var isUnresolved = false
    /// Reads of tables with copies, each with its home and the databases that can answer it.
    private var copied: [(name: Decision.Named, places: [Int])] = []
    /// Where all of these can be answered, their home first; empty without any.
    private(set) var choices: [Int] = []

    init(placement: Placement, path: [String]?) {
        self.placement = placement
        self.path = path
    }

    private mutating func add(_ database: Int, _ name: String) {
        guard !found.contains(where: { $0.database == database }) else { return }
        found.append(.init(database: database, name: name))
    }

    // MARK: Relations and schemas

    mutating func addRelations(_ shape: StatementShape) {
        for schema in shape.schemas where !Placement.isEverywhere(schema) { add(placement.owner(schema), schema) }
        let mayUseCopies = shape.mayReadCopies
        for name in shape.reads where !add(relation: name, mayUseCopies: mayUseCopies) { isUnresolved = true }
        for name in shape.writes where !add(relation: name, isDefined: shape.kind == .definition) {
            if shape.makesRelations { addNew(name) } else { isUnresolved = true }
        }
    }

    /// - Parameters:
    ///   - isDefined: the name itself is defined, altered or dropped, and nothing read by it.
    ///   - mayUseCopies: a copy of the table will do.
    /// - Returns: false where there is none of this name.
    private mutating func add(
        relation name: QualifiedName, isDefined: Bool = false, mayUseCopies: Bool = false
    ) -> Bool {
        if let schema = name.schema {
            if Placement.isEverywhere(schema) || addOld(schema, name.name, isDefined) { return true }
            if mayUseCopies, addCopied(schema, name.name) { return true }
            add(placement.owner(schema), name.description)
            return true
        }
        if placement.catalogs[0].has(relation: name.name, in: "pg_catalog") { return true }
        guard let path else { return addAll(named: name.name) }
        for schema in path where !Placement.isEverywhere(schema) {
            if addOld(schema, name.name, isDefined) { return true }
            let owner = placement.owner(schema)
            guard placement.catalogs[owner].isKnown else {
                // Anything could be in there.
                if owner != 0 { unread = owner }
                return true
            }
            if placement.catalogs[owner].has(relation: name.name, in: schema) {
                if mayUseCopies, addCopied(schema, name.name) { return true }
                add(owner, SQL.qualified(schema, name.name))
                return true
            }
        }
        return false
    }

    /// The path is not known: whatever has this name where it belongs.
    private mutating func addAll(named name: String) -> Bool {
        var isFound = false
        for (database, catalog) in placement.catalogs.enumerated() {
            for schema in catalog.schemas(ofRelation: name) {
                if addOld(schema, name) {
                    isFound = true
                } else if placement.owner(schema) == database {
                    add(database, SQL.qualified(schema, name))
                    isFound = true
                }
            }
        }
        return isFound
    }

    /// - Returns: whether it is an old name of something elsewhere.
    private mutating func addOld(_ schema: String, _ name: String, _ isDefined: Bool = false) -> Bool {
        guard let place = placement.oldNames.relations[QualifiedName(schema: schema, name: name)] else { return false }
        if isDefined, case .missing = place { return false }
        add(place, SQL.qualified(schema, name))
        return true
    }

    private mutating func addCopied(_ schema: String, _ name: String) -> Bool {
        guard let places = placement.copies[QualifiedName(schema: schema, name: name)] else { return false }
        copied.append((.init(database: places[0], name: SQL.qualified(schema, name)), places))
        choices = copied.count == 1 ? places : choices.filter { places.contains($0) }
        return true
    }

    /// Where something else says which database it is, that has to have the copies.
    mutating func settleCopies() {
        let bound = found.first?.database
        for (name, places) in copied where bound.map({ !places.contains($0) }) ?? choices.isEmpty {
            add(name.database, name.name)
        }
    }

    private mutating func add(_ place: OldNamePlaces.Place, _ name: String) {
        switch place {
        case .database(let index): add(index, name)
        case .missing(let index): missing = missing ?? Decision.Named(database: index, name: name)
        case .several(let names): for name in names { add(name.database, name.name) }
        case .unread(let index): unread = unread ?? index
        }
    }

    /// CREATE TABLE and its kin: without a schema it comes into being in the first of the path that is there.
    private mutating func addNew(_ name: QualifiedName) {
        for schema in path ?? [] where !Placement.isEverywhere(schema) {
            let owner = placement.owner(schema)
            guard placement.catalogs[owner].names.schemas[schema] != nil else { continue }
            return add(owner, SQL.qualified(schema, name.name))
        }
    }

    // MARK: Functions, operators and types

    /// These bind a statement only where its relations do not: extensions put the same functions into every database.
    mutating func addRoutines(_ shape: StatementShape) {
        for name in shape.functions where !addOld(function: name) { add(name) { $0.has(function: $1, in: $2) } }
        for name in shape.operators { add(name) { $0.has(operator: $1, in: $2) } }
        for name in shape.types { add(name) { $0.has(type: $1, in: $2) } }
    }

    /// - Returns: whether it is one of the main database's that only uses what has left.
    private mutating func addOld(function name: QualifiedName) -> Bool {
        guard !placement.oldNames.functions.isEmpty else { return false }
        if name.schema == nil, placement.catalogs[0].has(function: name.name, in: "pg_catalog") { return false }
        for schema in name.schema.map({ [$0] }) ?? path ?? [] where !Placement.isEverywhere(schema) {
            if let place = placement.oldNames.functions[QualifiedName(schema: schema, name: name.name)] {
                add(place, SQL.qualified(schema, name.name))
                return true
            }
            if placement.catalogs[placement.owner(schema)].has(function: name.name, in: schema) { return false }
        }
        return false
    }

    private mutating func add(_ name: QualifiedName, _ has: (RoutingCatalog, String, String) -> Bool) {
        if let schema = name.schema, Placement.isEverywhere(schema) { return }
        if name.schema == nil, has(placement.catalogs[0], name.name, "pg_catalog") { return }
        let schemas = (name.schema.map { [$0] } ?? path ?? []).filter { !Placement.isEverywhere($0) }
        if found.isEmpty, !choices.isEmpty {
            let having = choices.filter { index in schemas.contains { has(placement.catalogs[index], name.name, $0) } }
            if let first = having.first {
                // One that writes has its effect where it is at home.
                let writes = schemas.contains { placement.catalogs[first].writes(function: name.name, in: $0) }
                choices = writes ? [first] : having
                return
            }
        }
        if let bound = found.first?.database,
            schemas.contains(where: { has(placement.catalogs[bound], name.name, $0) })
        {
            return
        }
        for schema in schemas {
            let owner = placement.owner(schema)
            guard has(placement.catalogs[owner], name.name, schema) else { continue }
            return add(owner, SQL.qualified(schema, name.name))
        }
    }
}

extension StatementShape {
    /// A relation that it names among `writes` may be one that it makes.
    fileprivate var makesRelations: Bool { kind == .definition || definesRelation }

    /// What it reads it neither locks nor depends on beyond its own time.
    fileprivate var mayReadCopies: Bool {
        guard !locksRows else { return false }
        switch kind {
        case .select, .write, .createTemporary, .explain, .declareCursor, .prepare, .copyTo: return true
        default: return false
        }
    }
}

extension RoutingCatalog {
    fileprivate func has(relation: String, in schema: String) -> Bool {
        names.schemas[schema].map { names.relations[NameKey(schema: $0, name: relation)] != nil } ?? false
    }

    fileprivate func has(function: String, in schema: String) -> Bool {
        names.schemas[schema].map { names.functions[NameKey(schema: $0, name: function)] != nil } ?? false
    }

    /// Whether one of this name may write.
    fileprivate func writes(function: String, in schema: String) -> Bool {
        guard let oid = names.schemas[schema] else { return false }
        return names.functions[NameKey(schema: oid, name: function)]?.contains { functions[$0]?.needsPrimary ?? true }
            ?? false
    }

    fileprivate func has(operator name: String, in schema: String) -> Bool {
        names.schemas[schema].map { operators[NameKey(schema: $0, name: name)] != nil } ?? false
    }

    fileprivate func has(type: String, in schema: String) -> Bool {
        guard let oid = names.schemas[schema] else { return false }
        let key = NameKey(schema: oid, name: type)
        return types[key] != nil || names.relations[key] != nil
    }

    fileprivate func schemas(ofRelation name: String) -> [String] {
        (names.relationsNamed[name] ?? []).compactMap { relations[$0].flatMap { schemaNames[$0.schema] } }
    }
}
