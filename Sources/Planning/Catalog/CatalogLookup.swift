internal import SQLSyntax

/// Look-ups in a catalog by name and by relation, each in time proportional to its answer. Built once, in linear time.
///
/// Lists are in the order of the catalog's own lists, or of OIDs.
package struct CatalogLookup: Sendable {
    /// Comments that begin so mark Strata's compatibility objects; the new name follows as SQL.
    package static let shimPrefix = "strata:shim "

    let catalog: Catalog
    private let schemaOIDs: [String: OID]
    private let relationNames: NameIndex
    private let functionNames: NameIndex
    private let typeNames: NameIndex
    private let indexNames: NameIndex
    private let relationOIDs: [OID]
    private let relationsBySchema: Groups<OID>
    private let indexOIDs: [OID]
    private let indexesByTable: Groups<OID>
    private let childrenByParent: [OID: [OID]]
    private let constraintsByRelation: Groups<OID>
    private let foreignKeysByReferenced: Groups<OID>
    private let triggersByRelation: Groups<OID>
    private let triggersByFunction: Groups<OID>
    private let policiesByRelation: Groups<OID>
    private let rulesByRelation: Groups<OID>
    private let relationByRule: [OID: OID]
    private let ownedSequences: [OID]
    private let sequencesByOwner: Groups<OID>
    private let statisticsByTable: Groups<OID>
    private let commentsByObject: Groups<ObjectReference>
    private let dependentsByReferenced: Groups<ObjectReference>
    private let dependenciesByDependent: Groups<ObjectReference>
    private let sequenceDefaults: SequenceDefaults
    let shimTargets: [ObjectReference: String]
    let searchPaths: [SettingScope: String]

    package init(_ catalog: Catalog) {
        self.catalog = catalog
        schemaOIDs = Dictionary(catalog.schemas.values.map { ($0.name, $0.oid) }) { first, _ in first }
        relationNames = NameIndex(catalog.relations.values.map { ($0.oid, $0.schema, $0.name) })
        functionNames = NameIndex(catalog.functions.values.map { ($0.oid, $0.schema, $0.name) })
        typeNames = NameIndex(catalog.types.values.map { ($0.oid, $0.schema, $0.name) })
        indexNames = NameIndex(catalog.indexes.values.map { ($0.oid, $0.schema, $0.name) })
        relationOIDs = catalog.relations.keys.sorted()
        relationsBySchema = Groups(relationOIDs) { catalog.relations[$0]?.schema }
        indexOIDs = catalog.indexes.keys.sorted()
        indexesByTable = Groups(indexOIDs) { catalog.indexes[$0]?.table }
        childrenByParent = Self.children(relationOIDs, catalog)
        constraintsByRelation = Groups(catalog.constraints) { $0.relation == 0 ? $0.domain : $0.relation }
        foreignKeysByReferenced = Groups(catalog.constraints) { $0.kind == .foreignKey ? $0.referenced : nil }
        triggersByRelation = Groups(catalog.triggers, by: \.relation)
        triggersByFunction = Groups(catalog.triggers, by: \.function)
        policiesByRelation = Groups(catalog.policies, by: \.relation)
        rulesByRelation = Groups(catalog.rules, by: \.relation)
        relationByRule = Dictionary(catalog.rules.map { ($0.oid, $0.relation) }) { first, _ in first }
        ownedSequences = catalog.sequences.keys.sorted()
        sequencesByOwner = Groups(ownedSequences) { catalog.sequences[$0]?.ownerTable }
        statisticsByTable = Groups(catalog.extendedStatistics, by: \.table)
        commentsByObject = Groups(catalog.comments, by: \.object)
        dependentsByReferenced = Groups(catalog.dependencies, by: \.referenced)
        dependenciesByDependent = Groups(catalog.dependencies, by: \.dependent)
        sequenceDefaults = SequenceDefaults(catalog)
        shimTargets = Self.shimTargets(catalog)
        searchPaths = Self.searchPaths(catalog)
    }

    // MARK: By name

    package func schema(named name: String) -> Schema? { schemaOIDs[name].flatMap { catalog.schemas[$0] } }
    /// The name of a schema; for one outside the catalog (pg_catalog and the like) `pg_catalog`.
    package func schemaName(_ oid: OID) -> String { catalog.schemas[oid]?.name ?? "pg_catalog" }

    package func relation(schema: String, name: String) -> Relation? {
        oids(relationNames, schema, name).first.flatMap { catalog.relations[$0] }
    }
    package func relations(named name: String) -> [Relation] {
        relationNames.oids(named: name).compactMap { catalog.relations[$0] }
    }
    package func relations(inSchema schema: OID) -> [Relation] {
        relationsBySchema.members(schema, in: relationOIDs).compactMap { catalog.relations[$0] }
    }
    package func indexes(named name: String) -> [Index] {
        indexNames.oids(named: name).compactMap { catalog.indexes[$0] }
    }
    package func index(schema: String, name: String) -> Index? {
        oids(indexNames, schema, name).first.flatMap { catalog.indexes[$0] }
    }

    package func type(schema: String, name: String) -> UserType? {
        oids(typeNames, schema, name).first.flatMap { catalog.types[$0] }
    }
    package func types(named name: String) -> [UserType] {
        typeNames.oids(named: name).compactMap { catalog.types[$0] }
    }

    package func functions(named name: String) -> [Function] {
        functionNames.oids(named: name).compactMap { catalog.functions[$0] }
    }
    package func functions(schema: String, name: String) -> [Function] {
        oids(functionNames, schema, name).compactMap { catalog.functions[$0] }
    }

    private func oids(_ index: NameIndex, _ schema: String, _ name: String) -> [OID] {
        schemaOIDs[schema].map { index.oids(schema: $0, name: name) } ?? []
    }

    // MARK: By relation

    /// Partitions and inheritance children, direct ones.
    package func children(of relation: OID) -> [OID] { childrenByParent[relation] ?? [] }

    /// Children and their children, parents before children, each once.
    package func descendants(of relation: OID) -> [OID] {
        var found: [OID] = []
        var seen: Set<OID> = [relation]
        var next = children(of: relation)
        while !next.isEmpty {
            let level = next.filter { seen.insert($0).inserted }
            found += level
            next = level.flatMap { children(of: $0) }
        }
        return found
    }

    /// Those of a domain are found under the domain's OID.
    package func constraints(of relation: OID) -> [Constraint] {
        constraintsByRelation.members(relation, in: catalog.constraints)
    }
    /// Foreign keys of other tables, and of itself, that point to the table.
    package func incomingForeignKeys(of relation: OID) -> [Constraint] {
        foreignKeysByReferenced.members(relation, in: catalog.constraints)
    }
    package func indexes(of relation: OID) -> [Index] {
        indexesByTable.members(relation, in: indexOIDs).compactMap { catalog.indexes[$0] }
    }
    package func triggers(of relation: OID) -> [Trigger] { triggersByRelation.members(relation, in: catalog.triggers) }
    package func triggers(calling function: OID) -> [Trigger] {
        triggersByFunction.members(function, in: catalog.triggers)
    }
    package func policies(of relation: OID) -> [Policy] { policiesByRelation.members(relation, in: catalog.policies) }
    package func rules(of relation: OID) -> [Rule] { rulesByRelation.members(relation, in: catalog.rules) }
    package func statistics(of relation: OID) -> [ExtendedStatistics] {
        statisticsByTable.members(relation, in: catalog.extendedStatistics)
    }
    package func sequences(ownedBy relation: OID) -> [OID] { sequencesByOwner.members(relation, in: ownedSequences) }
    /// Sequences that the table's column defaults draw from, bound by OID.
    package func sequences(inDefaultsOf relation: OID) -> [OID] { sequenceDefaults.sequences[relation] ?? [] }
    package func tables(withDefaultsUsing sequence: OID) -> [OID] { sequenceDefaults.tables[sequence] ?? [] }
    package func relation(ofRule rule: OID) -> Relation? { relationByRule[rule].flatMap { catalog.relations[$0] } }

    // MARK: By object

    package func comments(on object: ObjectReference) -> [Comment] {
        commentsByObject.members(object, in: catalog.comments)
    }
    /// What needs the object.
    package func dependents(on object: ObjectReference) -> [Dependency] {
        dependentsByReferenced.members(object, in: catalog.dependencies)
    }
    /// What the object needs.
    package func dependencies(of object: ObjectReference) -> [Dependency] {
        dependenciesByDependent.members(object, in: catalog.dependencies)
    }
    /// The extension that an object belongs to.
    package func owningExtension(of object: ObjectReference) -> Extension? {
        catalog.extensionMembers[object].flatMap { catalog.extensions[$0] }
    }
}
