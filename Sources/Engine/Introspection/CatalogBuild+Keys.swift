import Planning
import PostgresDriver

extension CatalogBuild {
    /// NOT NULL constraints, rows of their own from 18 on, are left out: the columns say it on every version.
    mutating func readConstraints() async throws {
        let later = server.isAtLeast(18) ? " AND o.conenforced AND NOT o.conperiod" : ""
        let nulls = server.isAtLeast(15) ? " AND NOT i.indnullsnotdistinct" : ""
        let setColumns = server.isAtLeast(15) ? " AND o.confdelsetcols IS NULL" : ""
        let found = try await rows(
            """
            SELECT o.oid, o.conname, o.contype, o.conrelid, o.contypid, o.conkey::text AS columns, o.confrelid,
                   o.confkey::text AS referenced_columns, o.confdeltype, o.confupdtype, o.convalidated, o.conparentid,
                   o.conindid,
                   CASE WHEN o.contype IN ('p', 'u') AND NOT o.condeferrable AND i.indnatts = i.indnkeyatts
                             \(nulls)\(later) THEN NULL
                        WHEN o.contype = 'f' AND NOT o.condeferrable AND o.convalidated AND o.confmatchtype = 's'
                             AND t.relnamespace NOT IN \(Self.hiddenSchemas)\(setColumns)\(later) THEN NULL
                        ELSE COALESCE(pg_get_constraintdef(o.oid), '') END AS definition
              FROM pg_constraint o
              LEFT JOIN pg_index i ON i.indexrelid = o.conindid
              LEFT JOIN pg_class t ON t.oid = o.confrelid
             WHERE o.contype <> 'n' AND o.connamespace NOT IN \(Self.hiddenSchemas)
            """)
        let printer = KeyPrinter(catalog)
        catalog.constraints.reserveCapacity(found.count)
        for row in found {
            var constraint = try constraint(row)
            if let printed = try row.optionalString("definition") {
                guard !printed.isEmpty else { throw ConcurrentChange(what: "constraint \(constraint.name)") }
                constraint.definition = strings.shared(printed)
            } else {
                let printed = try printer.definition(of: constraint)
                constraint.definition = constraint.kind == .foreignKey ? printed : strings.shared(printed)
            }
            catalog.constraints.append(constraint)
        }
    }

    private mutating func constraint(_ row: Row) throws -> Constraint {
        let letter = try row.string("contype")
        guard let kind = Constraint.Kind(rawValue: letter) else {
            throw ConcurrentChange(what: "a constraint of kind \(letter)")
        }
        let carriesKey = kind == .primaryKey || kind == .unique || kind == .exclusion
        return Constraint(
            oid: try row.uint32("oid"), name: try row.string("conname"), kind: kind,
            relation: try row.uint32("conrelid"), domain: try row.uint32("contypid"),
            columns: strings.numbers(try row.optionalString("columns")), referenced: try row.uint32("confrelid"),
            referencedColumns: strings.numbers(try row.optionalString("referenced_columns")),
            onDelete: try row.string("confdeltype").trimmed, onUpdate: try row.string("confupdtype").trimmed,
            isValidated: try row.bool("convalidated"), parent: try row.uint32("conparentid"),
            index: carriesKey ? try row.uint32("conindid") : 0)
    }

    mutating func readIndexes() async throws {
        let plainClasses = try await readPlainOperatorClasses()
        let nulls = server.isAtLeast(15) ? " AND NOT i.indnullsnotdistinct" : ""
        let found = try await rows(
            """
            SELECT c.oid, c.relnamespace, c.relname, i.indrelid, m.amname, i.indkey::text AS columns, i.indnkeyatts,
                   i.indoption::text AS options, i.indisunique::integer + 2 * i.indisprimary::integer
                       + 4 * i.indisvalid::integer + 8 * i.indisready::integer + 16 * (i.indpred IS NOT NULL)::integer
                       + 32 * (i.indexprs IS NOT NULL)::integer + 64 * i.indisreplident::integer
                       + 128 * (m.amname = 'btree' AND c.relkind = 'i' AND i.indpred IS NULL AND i.indexprs IS NULL
                                AND c.reloptions IS NULL\(nulls))::integer AS flags,
                   c.reltablespace, c.relpages::bigint * current_setting('block_size')::integer AS bytes,
                   i.indclass::text AS classes, i.indcollation::text AS collations
              FROM pg_index i
              JOIN pg_class c ON c.oid = i.indexrelid
              JOIN pg_am m ON m.oid = c.relam
             WHERE c.relnamespace NOT IN \(Self.hiddenSchemas)
            """)
        let printer = KeyPrinter(catalog)
        var others: [OID] = []
        catalog.indexes.reserveCapacity(found.count)
        for row in found {
            let flags = try row.int("flags")
            var index = try index(row, flags)
            let classes = strings.oids(try row.string("classes"))
            let collations = strings.oids(try row.string("collations"))
            if flags & 128 != 0, hasPlainKeys(index, classes, collations, plainClasses) {
                index.definition = try printer.definition(of: index)
            } else {
                others.append(index.oid)
            }
            catalog.indexes[index.oid] = index
        }
        try await readIndexDefinitions(others)
    }

    private mutating func index(_ row: Row, _ flags: Int) throws -> Index {
        let columns = strings.numbers(try row.string("columns"))
        let keyCount = try row.int("indnkeyatts")
        let isSplit = columns.count > keyCount
        return Index(
            oid: try row.uint32("oid"), schema: try row.uint32("relnamespace"),
            name: strings.shared(try row.string("relname")), table: try row.uint32("indrelid"),
            method: try row.string("amname"), keys: isSplit ? Array(columns.prefix(keyCount)) : columns,
            included: isSplit ? Array(columns.dropFirst(keyCount)) : [],
            keyOptions: strings.numbers(try row.string("options")), isUnique: flags & 1 != 0, isPrimary: flags & 2 != 0,
            isValid: flags & 4 != 0, isReady: flags & 8 != 0, isPartial: flags & 16 != 0,
            hasExpressions: flags & 32 != 0, isReplicaIdentity: flags & 64 != 0,
            tablespace: try row.uint32("reltablespace"), estimatedBytes: Int64(try row.int("bytes")))
    }

    /// The btree operator class that each type has by default, by the type's OID.
    private mutating func readPlainOperatorClasses() async throws -> [OID: OID] {
        let found = try await rows(
            """
            SELECT o.opcintype, o.oid FROM pg_opclass o JOIN pg_am m ON m.oid = o.opcmethod
             WHERE m.amname = 'btree' AND o.opcdefault
            """)
        var classes: [OID: OID] = [:]
        for row in found { classes[try row.uint32("opcintype")] = try row.uint32("oid") }
        classes[Self.varchar] = classes[Self.text]
        return classes
    }

    private static let text: OID = 25
    private static let varchar: OID = 1043
    private static let defaultCollations: Set<OID> = [0, 100]

    /// Whether every key is a column with the operator class and the collation that it gets by itself.
    private func hasPlainKeys(
        _ index: Index, _ classes: [OID], _ collations: [OID], _ plainClasses: [OID: OID]
    ) -> Bool {
        guard let columns = catalog.columns[index.table], classes.count == index.keys.count,
            collations.count == index.keys.count
        else { return false }
        for (position, number) in index.keys.enumerated() {
            guard let column = KeyPrinter.column(number, in: columns), plainClasses[column.typeOID] == classes[position]
            else { return false }
            let unusual = unusualCollations[ColumnKey(relation: index.table, number: number)]
            let isPlain =
                unusual.map { $0 == collations[position] } ?? Self.defaultCollations.contains(collations[position])
            if !isPlain { return false }
        }
        return true
    }

    private mutating func readIndexDefinitions(_ indexes: [OID]) async throws {
        let found = try await rows(
            "SELECT oid, pg_get_indexdef(oid) AS definition FROM unnest($1::oid[]) AS oid", [.oidArray(indexes)])
        for row in found {
            guard let definition = try row.optionalString("definition") else {
                throw ConcurrentChange(what: "an index")
            }
            catalog.indexes[try row.uint32("oid")]?.definition = definition
        }
    }
}

extension String {
    /// pg_constraint has a space where a letter does not apply.
    fileprivate var trimmed: String { self == " " ? "" : self }
}
