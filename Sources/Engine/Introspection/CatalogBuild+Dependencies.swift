import Planning
import PostgresDriver

extension CatalogBuild {
    mutating func readDependencies() async throws {
        try await readComments()
        // Objects made by initdb have lower OIDs. Left out: an object's schema, the parts it is made of (a, i, P, S),
        // and what a foreign key points to, which the constraint itself says.
        let found = try await rows(
            """
            SELECT \(Self.className("d.classid")) AS class, d.objid, d.objsubid,
                   \(Self.className("d.refclassid")) AS referenced_class, d.refobjid, d.refobjsubid, d.deptype,
                   (SELECT r.ev_class FROM pg_rewrite r WHERE d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
                       AND r.rulename = '_RETURN') AS view,
                   (SELECT ARRAY[a.adrelid::bigint, a.adnum] FROM pg_attrdef a
                     WHERE d.classid = 'pg_attrdef'::regclass AND a.oid = d.objid) AS default_column
              FROM pg_depend d
             WHERE d.deptype IN ('n', 'x') AND d.objid >= 16384 AND d.refobjid >= 16384
               AND d.refclassid <> 'pg_namespace'::regclass
               AND NOT (d.classid = 'pg_constraint'::regclass AND d.refclassid = 'pg_class'::regclass)
            """)
        catalog.dependencies.reserveCapacity(found.count)
        for row in found {
            var dependent = reference(try row.string("class"), try row.uint32("objid"))
            var column = Int32(truncatingIfNeeded: try row.int("objsubid"))
            if let view = try row.optionalUInt32("view") { dependent = ObjectReference(.relation, view) }
            if let place = try row.optionalIntArray("default_column"), place.count == 2 {
                dependent = ObjectReference(.columnDefault, OID(truncatingIfNeeded: place[0]))
                column = Int32(truncatingIfNeeded: place[1])
            }
            let referenced = reference(try row.string("referenced_class"), try row.uint32("refobjid"))
            if dependent == referenced { continue }
            catalog.dependencies.append(
                Dependency(
                    dependent: dependent, dependentColumn: column, referenced: referenced,
                    referencedColumn: Int32(truncatingIfNeeded: try row.int("refobjsubid")),
                    type: try row.string("deptype")))
        }
    }

    private mutating func readComments() async throws {
        let found = try await rows(
            """
            SELECT \(Self.className("classoid")) AS class, objoid, objsubid, description FROM pg_description
             WHERE objoid >= 16384 OR classoid = 'pg_namespace'::regclass
            """)
        for row in found {
            let object = reference(try row.string("class"), try row.uint32("objoid"))
            if object.kind == .other || object.kind == .schema && catalog.schemas[object.oid] == nil { continue }
            catalog.comments.append(
                Comment(
                    object: object, subobject: Int32(truncatingIfNeeded: try row.int("objsubid")),
                    text: strings.shared(try row.string("description"))))
        }
    }

    /// A short word for the catalog that an object is a row of.
    static func className(_ column: String) -> String {
        "(CASE \(column) WHEN 'pg_class'::regclass THEN 'class' WHEN 'pg_type'::regclass THEN 'type'"
            + " WHEN 'pg_proc'::regclass THEN 'proc' ELSE \(column)::regclass::text END)"
    }

    /// Indexes are rows of pg_class too; what is neither a known relation nor an index counts as a relation.
    func reference(_ name: String, _ oid: OID) -> ObjectReference {
        if name == "class" { return ObjectReference(catalog.indexes[oid] == nil ? .relation : .index, oid) }
        return ObjectReference(Self.kinds[name] ?? .other, oid)
    }

    private static let kinds: [String: ObjectReference.Kind] = [
        "type": .type, "proc": .function, "pg_namespace": .schema, "pg_constraint": .constraint,
        "pg_trigger": .trigger, "pg_policy": .policy, "pg_rewrite": .rule, "pg_attrdef": .columnDefault,
        "pg_publication": .publication, "pg_statistic_ext": .statistics, "pg_extension": .extension,
        "pg_collation": .collation, "pg_operator": .operator,
    ]
}
