import Planning
import SQLSyntax
import Testing

/// Builds catalogs without a server: object by object, or roughly from the CREATE TABLE statements of a script.
struct CatalogMaker {
    var catalog = Catalog()
    private var nextOID: OID = 16_384
    private var oids: [QualifiedName: OID] = [:]

    init(schemas: [String] = ["public"]) {
        catalog.server.database = "test"
        catalog.server.userOID = 10
        catalog.server.isSuperuser = true
        catalog.server.version = 150_000
        catalog.roles[10] = Role(oid: 10, name: "postgres", isSuperuser: true)
        for name in schemas { schema(name) }
    }

    private mutating func newOID() -> OID {
        nextOID += 1
        return nextOID
    }

    @discardableResult
    mutating func schema(_ name: String) -> OID {
        if let found = catalog.schemas.values.first(where: { $0.name == name }) { return found.oid }
        let oid = newOID()
        catalog.schemas[oid] = Schema(
            oid: oid, name: name, owner: 10, grants: [], userCanCreate: true, userHasUsage: true)
        return oid
    }

    /// Columns are `name`, or `name!` for NOT NULL, or `name:type` with the OID of a type.
    @discardableResult
    mutating func table(
        _ name: String, _ columns: [String] = ["id!"], in schema: String = "public", kind: Relation.Kind = .table,
        parent: OID? = nil, isPartition: Bool = false
    ) -> OID {
        let oid = newOID()
        catalog.relations[oid] = Relation(
            oid: oid, schema: self.schema(schema), name: name, kind: kind, owner: 10,
            parents: parent.map { [$0] } ?? [],
            isPartition: isPartition, rowType: newOID())
        catalog.columns[oid] = columns.enumerated().map { number, column in
            let parts = column.split(separator: ":")
            let type = parts.count > 1 ? OID(parts[1]) ?? 25 : 25
            return Column(
                number: Int16(number + 1), name: parts[0].filter { $0 != "!" }, type: "text", typeOID: type,
                notNull: parts[0].hasSuffix("!"))
        }
        oids[QualifiedName(schema: schema, name: name)] = oid
        return oid
    }

    mutating func key(_ from: OID, _ column: String, _ to: OID, onDelete: String = "a") {
        let number = catalog.columns[from]?.first { $0.name == column }?.number ?? 1
        let oid = newOID()
        catalog.constraints.append(
            Constraint(
                oid: oid, name: "key_\(oid)", kind: .foreignKey, relation: from, columns: [number], referenced: to,
                onDelete: onDelete))
    }

    mutating func view(_ name: String, of relations: [OID], in schema: String = "public") -> OID {
        let oid = table(name, [], in: schema, kind: .view)
        for relation in relations { depend(ObjectReference(.relation, oid), on: ObjectReference(.relation, relation)) }
        return oid
    }

    mutating func depend(_ dependent: ObjectReference, on referenced: ObjectReference) {
        catalog.dependencies.append(Dependency(dependent: dependent, referenced: referenced, type: "n"))
    }

    mutating func function(
        _ name: String, _ types: [String] = [], in schema: String = "public", source: String = "SELECT 1"
    ) -> OID {
        let oid = newOID()
        catalog.functions[oid] = Function(
            oid: oid, schema: self.schema(schema), name: name, owner: 10, language: "sql",
            identityArguments: types.joined(separator: ", "), arguments: types.joined(separator: ", "),
            result: "integer",
            inputTypes: types, source: source)
        return oid
    }

    mutating func type(_ name: String, in schema: String = "public") -> OID {
        let oid = newOID()
        catalog.types[oid] = UserType(
            oid: oid, schema: self.schema(schema), name: name, kind: .enumeration, owner: 10, labels: ["a"])
        return oid
    }

    mutating func role(_ name: String) -> OID {
        let oid = newOID()
        catalog.roles[oid] = Role(oid: oid, name: name)
        return oid
    }

    // MARK: From a script

    /// Tables, columns, foreign keys, unique keys; types, functions and views are left out.
    init(script: String) throws {
        self.init()
        let statements = try SQLParser.parse(script)
        for statement in statements where statement.kind == "CreateSchemaStmt" {
            if let name = statement.node["schemaname"]?.string { schema(name) }
        }
        let tables = statements.filter { $0.kind == "CreateStmt" }
        for statement in tables { readTable(statement.node) }
        for statement in tables { try readKeys(statement.node) }
        for statement in statements where statement.kind == "AlterTableStmt" {
            guard let table = statement.node["relation"].flatMap({ oids[name($0)] }) else { continue }
            for command in statement.node["cmds"]?.children ?? [] {
                guard let node = command["AlterTableCmd"]?["def"]?["Constraint"] else { continue }
                try readConstraint(node, table, column: nil)
            }
        }
    }

    private func name(_ node: SyntaxNode) -> QualifiedName {
        QualifiedName(schema: node["schemaname"]?.string ?? "public", name: node["relname"]?.string ?? "")
    }

    private mutating func readTable(_ node: SyntaxNode) {
        guard let relation = node["relation"] else { return }
        let name = name(relation)
        let parent = node["inhRelations"]?.children.first?["RangeVar"].flatMap { oids[self.name($0)] }
        let columns = (node["tableElts"]?.children ?? []).compactMap { element -> String? in
            guard let column = element["ColumnDef"], let name = column["colname"]?.string else { return nil }
            let kinds = (column["constraints"]?.children ?? []).compactMap { $0["Constraint"]?["contype"]?.string }
            return kinds.contains { $0 == "CONSTR_NOTNULL" || $0 == "CONSTR_PRIMARY" } ? name + "!" : name
        }
        table(
            name.name, columns, in: name.schema ?? "public", kind: node["partspec"] == nil ? .table : .partitionedTable,
            parent: parent, isPartition: node["partbound"] != nil)
    }

    private mutating func readKeys(_ node: SyntaxNode) throws {
        guard let table = node["relation"].flatMap({ oids[name($0)] }) else { return }
        for element in node["tableElts"]?.children ?? [] {
            if let constraint = element["Constraint"] { try readConstraint(constraint, table, column: nil) }
            guard let column = element["ColumnDef"], let name = column["colname"]?.string else { continue }
            for constraint in column["constraints"]?.children ?? [] {
                if let node = constraint["Constraint"] { try readConstraint(node, table, column: name) }
            }
        }
    }

    private mutating func readConstraint(_ node: SyntaxNode, _ table: OID, column: String?) throws {
        let kind = node["contype"]?.string
        if kind == "CONSTR_FOREIGN" {
            let target = try #require(node["pktable"].flatMap { oids[name($0)] })
            let written = try #require(column ?? node["fk_attrs"]?.strings.first)
            key(table, written, target, onDelete: node["fk_del_action"]?.string ?? "a")
        } else if kind == "CONSTR_UNIQUE" || kind == "CONSTR_PRIMARY" {
            let names = column.map { [$0] } ?? node["keys"]?.strings ?? []
            let numbers = names.compactMap { name in catalog.columns[table]?.first { $0.name == name }?.number }
            let oid = newOID()
            catalog.indexes[oid] = Index(
                oid: oid, schema: catalog.relations[table]?.schema ?? 0, name: "index_\(oid)", table: table,
                keys: numbers,
                isUnique: true, isPrimary: kind == "CONSTR_PRIMARY")
        }
    }
}
