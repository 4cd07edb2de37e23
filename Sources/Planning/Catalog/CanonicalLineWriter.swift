internal import SQLSyntax

/// Writes a catalog's lines; the groups of objects are in extensions of this type.
struct CanonicalLineWriter {
    let catalog: Catalog
    var line = CanonicalLine()
    /// Objects whose comment begins with `strata:`: each run makes them with a new OID.
    let remade: Set<ObjectReference>
    private var accessLists: [[Grant]: String] = [:]
    private let roleNames: [OID: String]
    private let schemaNames: [OID: String]

    init(_ catalog: Catalog) {
        self.catalog = catalog
        let marks = catalog.comments.filter { $0.subobject == 0 && $0.text.hasPrefix("strata:") }
        remade = Set(marks.map(\.object))
        roleNames = catalog.roles.mapValues { SQL.identifier($0.name) }
        schemaNames = catalog.schemas.mapValues { SQL.identifier($0.name) }
    }

    // MARK: Names

    /// 0 is PUBLIC; a role that is gone keeps its number.
    func role(_ oid: OID) -> String { oid == 0 ? "PUBLIC" : roleNames[oid] ?? String(oid) }

    /// 0 is every schema; one outside the catalog keeps its number (pg_catalog is 11 everywhere).
    func schema(_ oid: OID) -> String {
        if oid == 0 { return "*" }
        return schemaNames[oid] ?? (oid == 11 ? "pg_catalog" : String(oid))
    }

    func qualified(_ schema: OID, _ name: String) -> String { self.schema(schema) + "." + SQL.identifier(name) }

    func relation(_ oid: OID) -> String {
        guard let found = catalog.relations[oid] else { return String(oid) }
        return qualified(found.schema, found.name)
    }

    func index(_ oid: OID) -> String {
        guard let found = catalog.indexes[oid] else { return String(oid) }
        return qualified(found.schema, found.name)
    }

    func type(_ oid: OID) -> String {
        guard let found = catalog.types[oid] else { return String(oid) }
        return qualified(found.schema, found.name)
    }

    func function(_ oid: OID) -> String {
        guard let found = catalog.functions[oid] else { return String(oid) }
        return qualified(found.schema, found.name) + "(\(found.identityArguments))"
    }

    // MARK: Attributes that many kinds share

    /// `app=SELECT,UPDATE*/owner; PUBLIC=…`: the star is the grant option. Sorted by name, because OIDs differ.
    mutating func access(_ grants: [Grant]) -> String {
        if let known = accessLists[grants] { return known }
        var privileges: [String: [String]] = [:]
        for grant in grants {
            let pair = "\(role(grant.grantee))\u{1}\(role(grant.grantor))"
            privileges[pair, default: []].append(grant.privilege + (grant.grantable ? "*" : ""))
        }
        let entries = privileges.sorted { $0.key < $1.key }.map { pair, list in
            let names = pair.split(separator: "\u{1}")
            return "\(names.first ?? "")=\(list.sorted().joined(separator: ","))/\(names.last ?? "")"
        }
        let text = entries.joined(separator: "; ")
        accessLists[grants] = text
        return text
    }

    /// OID (unless a run makes the object), owner, privileges and extension.
    mutating func addIdentity(_ kind: ObjectReference.Kind, _ oid: OID, owner: OID, grants: [Grant]) {
        let reference = ObjectReference(kind, oid)
        if !remade.contains(reference) { line.add("oid", oid) }
        line.add("owner", role(owner))
        line.add("acl", access(grants))
        if let owner = catalog.extensionMembers[reference] {
            line.add("extension", catalog.extensions[owner]?.name ?? String(owner))
        }
    }

    // MARK: Schemas

    mutating func writeSchemas(_ body: (CanonicalLine) -> Void) {
        for schema in catalog.schemas.values {
            line.start("schema", SQL.identifier(schema.name))
            line.add("owner", role(schema.owner))
            line.add("acl", access(schema.grants))
            body(line)
        }
        for entry in catalog.defaultPrivileges {
            line.start(
                "default privileges", "of \(role(entry.role)) in \(schema(entry.schema)) for \(entry.objectType)")
            line.add("acl", access(entry.grants))
            body(line)
        }
    }
}
