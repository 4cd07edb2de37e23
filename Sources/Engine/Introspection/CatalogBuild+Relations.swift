import Planning
import PostgresDriver

extension CatalogBuild {
    mutating func readRelations() async throws {
        let found = try await rows(
            """
            SELECT c.oid, c.relnamespace, c.relname, c.relkind, c.relowner, c.relfilenode, c.reltuples,
                   (c.relpersistence = 'u')::integer + 2 * c.relrowsecurity::integer
                       + 4 * c.relforcerowsecurity::integer + 8 * c.relispartition::integer
                       + 16 * (c.relacl IS NOT NULL OR c.relispartition OR c.relkind IN ('p', 'f')
                               OR c.reloptions IS NOT NULL OR t.reloptions IS NOT NULL)::integer AS flags,
                   (c.relpages::bigint + COALESCE(t.relpages, 0)) * current_setting('block_size')::integer AS bytes,
                   c.relacl::text AS acl, c.reltype, c.relreplident, c.reltablespace,
                   CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END AS partition_key,
                   CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, 0) END AS partition_bound,
                   c.reloptions, t.reloptions AS toast_options, f.ftserver, f.ftoptions
              FROM pg_class c
              LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
              LEFT JOIN pg_foreign_table f ON f.ftrelid = c.oid
             WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c') AND c.relnamespace NOT IN \(Self.hiddenSchemas)
            """)
        catalog.relations.reserveCapacity(found.count)
        for row in found {
            let oid = try row.uint32("oid")
            catalog.relations[oid] = try relation(oid, row)
        }
    }

    private mutating func relation(_ oid: OID, _ row: Row) throws -> Relation {
        let letter = try row.string("relkind")
        guard let kind = Relation.Kind(rawValue: letter) else {
            throw ConcurrentChange(what: "relation kind \(letter)")
        }
        let owner = try row.uint32("relowner")
        let flags = try row.int("flags")
        var relation = Relation(
            oid: oid, schema: try row.uint32("relnamespace"), name: strings.shared(try row.string("relname")),
            kind: kind, owner: owner, isUnlogged: flags & 1 != 0, rowSecurity: flags & 2 != 0,
            forcesRowSecurity: flags & 4 != 0, fileNode: try row.uint32("relfilenode"),
            estimatedRows: try row.double("reltuples"), estimatedBytes: Int64(try row.int("bytes")),
            isPartition: flags & 8 != 0, tablespace: try row.uint32("reltablespace"),
            rowType: try row.uint32("reltype"), replicaIdentity: try row.string("relreplident"),
            userOwns: owned.contains(owner))
        let acl = flags & 16 == 0 ? nil : try readUnusual(&relation, row)
        relation.grants = try grants(acl, kind: kind == .sequence ? "s" : "r", owner: owner)
        return relation
    }

    /// What few relations have: asking each of 100,000 for it takes longer than the query. Returns the ACL.
    private func readUnusual(_ relation: inout Relation, _ row: Row) throws -> String? {
        relation.partitionKey = try row.optionalString("partition_key")
        relation.partitionBound = try row.optionalString("partition_bound")
        let toast = try row.optionalTextArray("toast_options") ?? []
        relation.options = ((try row.optionalTextArray("reloptions") ?? []) + toast.map { "toast." + $0 }).sorted()
        relation.foreignServer = try row.optionalUInt32("ftserver")
        relation.foreignOptions = try row.optionalTextArray("ftoptions") ?? []
        return try row.optionalString("acl")
    }

    /// Defaults and partition bounds name no columns. Without a table to look columns up in, pg_get_expr neither locks
    /// nor opens it, which is most of its time.
    mutating func readColumns() async throws {
        let compression = server.isAtLeast(14) ? "NULLIF(a.attcompression::text, '')" : "NULL::text"
        let unusual = """
            (a.attacl IS NOT NULL OR a.attcollation <> t.typcollation OR a.attstorage <> t.typstorage
             OR \(compression) IS NOT NULL OR a.attstattarget >= 0 OR a.attoptions IS NOT NULL
             OR a.attfdwoptions IS NOT NULL)
            """
        let found = try await rows(
            """
            SELECT a.attrelid, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.atttypid,
                   a.attnotnull::integer + 2 * (a.attgenerated <> '')::integer + 4 * (a.attidentity = 'a')::integer
                       + 8 * (a.attidentity = 'd')::integer + 16 * COALESCE(\(unusual), false)::integer AS flags,
                   pg_get_expr(d.adbin, CASE WHEN a.attgenerated = '' THEN 0 ELSE d.adrelid END) AS expression,
                   a.attacl::text AS acl,
                   CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation END AS collation_oid,
                   CASE WHEN \(unusual) THEN concat_ws(' ',
                       CASE WHEN a.attcollation <> t.typcollation
                            THEN 'collation=' || a.attcollation::regcollation::text END,
                       CASE WHEN a.attstorage <> t.typstorage THEN 'storage=' || a.attstorage::text END,
                       'compression=' || \(compression),
                       CASE WHEN a.attstattarget >= 0 THEN 'statistics=' || a.attstattarget END,
                       'options=' || a.attoptions::text, 'foreign=' || a.attfdwoptions::text) END AS settings
              FROM pg_attribute a
              JOIN pg_class c ON c.oid = a.attrelid
              JOIN pg_type t ON t.oid = a.atttypid
              LEFT JOIN pg_attrdef d ON a.atthasdef AND d.adrelid = a.attrelid AND d.adnum = a.attnum
             WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'c') AND c.relnamespace NOT IN \(Self.hiddenSchemas)
               AND a.attnum > 0 AND NOT a.attisdropped
             ORDER BY a.attrelid, a.attnum
            """)
        catalog.columns.reserveCapacity(catalog.relations.count)
        var columns: [Planning.Column] = []
        var current: OID = 0
        for row in found {
            let relation = try row.uint32("attrelid")
            if relation != current {
                catalog.columns[current] = columns
                columns = []
                current = relation
            }
            columns.append(try column(of: relation, row))
        }
        catalog.columns[current] = columns
        catalog.columns[0] = nil
    }

    private mutating func column(of relation: OID, _ row: Row) throws -> Planning.Column {
        let flags = try row.int("flags")
        var column = Planning.Column(
            number: Int16(truncatingIfNeeded: try row.int("attnum")), name: strings.shared(try row.string("attname")),
            type: strings.shared(try row.string("type")), typeOID: try row.uint32("atttypid"),
            notNull: flags & 1 != 0, identity: flags & 4 != 0 ? .always : flags & 8 != 0 ? .byDefault : .no,
            isGenerated: flags & 2 != 0,
            defaultExpression: try row.optionalString("expression").map { strings.shared($0) })
        if flags & 16 != 0 { try readUnusual(&column, of: relation, row) }
        return column
    }

    private mutating func readUnusual(_ column: inout Planning.Column, of relation: OID, _ row: Row) throws {
        column.settings = strings.shared(try row.optionalString("settings") ?? "")
        if let acl = try row.optionalString("acl") {
            let name = column.name
            let list = try grants(acl, kind: "c", owner: 0).map { ColumnGrant(column: name, grant: $0) }
            catalog.relations[relation]?.columnGrants += list
        }
        if let collation = try row.optionalUInt32("collation_oid") {
            unusualCollations[ColumnKey(relation: relation, number: column.number)] = collation
        }
    }

    mutating func readSequences() async throws {
        let found = try await rows(
            """
            SELECT s.seqrelid, format_type(s.seqtypid, NULL) AS type, s.seqstart, s.seqincrement, s.seqmin, s.seqmax,
                   s.seqcache, s.seqcycle, d.refobjid, d.refobjsubid, COALESCE(d.deptype = 'i', false) AS identity
              FROM pg_sequence s
              JOIN pg_class c ON c.oid = s.seqrelid
              LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid AND d.objsubid = 0
                   AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
             WHERE c.relnamespace NOT IN \(Self.hiddenSchemas)
            """)
        catalog.sequences.reserveCapacity(found.count)
        for row in found {
            let oid = try row.uint32("seqrelid")
            catalog.sequences[oid] = SequenceDetail(
                oid: oid, typeName: try row.string("type"), start: Int64(try row.int("seqstart")),
                increment: Int64(try row.int("seqincrement")), minimum: Int64(try row.int("seqmin")),
                maximum: Int64(try row.int("seqmax")), cache: Int64(try row.int("seqcache")),
                cycles: try row.bool("seqcycle"), ownerTable: try row.optionalUInt32("refobjid"),
                ownerColumn: try row.optionalInt("refobjsubid").map { Int16(truncatingIfNeeded: $0) },
                isIdentity: try row.bool("identity"))
        }
    }

    /// Parents of tables in the order of their columns, and of the indexes of partitions.
    mutating func readInheritance() async throws {
        let found = try await rows("SELECT inhrelid, inhparent FROM pg_inherits ORDER BY inhrelid, inhseqno")
        for row in found {
            let child = try row.uint32("inhrelid")
            let parent = try row.uint32("inhparent")
            if catalog.indexes[child] != nil {
                catalog.indexes[child]?.parent = parent
            } else {
                catalog.relations[child]?.parents.append(parent)
            }
        }
    }
}
