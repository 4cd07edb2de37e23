internal import SQLSyntax

extension CanonicalLineWriter {
    mutating func writeRelations(_ body: (CanonicalLine) -> Void) {
        for relation in catalog.relations.values {
            line.start(Self.word(relation.kind), qualified(relation.schema, relation.name))
            addIdentity(.relation, relation.oid, owner: relation.owner, grants: relation.grants)
            addProperties(of: relation)
            if let detail = catalog.sequences[relation.oid] { addProperties(of: detail) }
            for column in catalog.columns[relation.oid] ?? [] { line.addColumn(column) }
            body(line)
        }
    }

    private static func word(_ kind: Relation.Kind) -> String {
        switch kind {
        case .table: "table"
        case .partitionedTable: "partitioned table"
        case .foreignTable: "foreign table"
        case .view: "view"
        case .materialisedView: "materialised view"
        case .sequence: "sequence"
        case .compositeType: "composite type"
        }
    }

    private mutating func addProperties(of relation: Relation) {
        line.add("unlogged", if: relation.isUnlogged)
        line.add("row_security", if: relation.rowSecurity)
        line.add("force_row_security", if: relation.forcesRowSecurity)
        line.add("inherits", relation.parents.map { self.relation($0) })
        if let key = relation.partitionKey { line.add("partition_key", key) }
        if relation.isPartition { line.add("partition_bound", relation.partitionBound ?? "") }
        line.add("options", relation.options)
        if relation.tablespace != 0 { line.add("tablespace", relation.tablespace) }
        if relation.kind.isTable, relation.replicaIdentity != "d" {
            line.add("replica_identity", relation.replicaIdentity)
        }
        if let server = relation.foreignServer {
            line.add("server", catalog.foreignServers[server]?.name ?? String(server))
            line.add("foreign_options", relation.foreignOptions)
        }
        if let definition = relation.definition { line.add("definition", definition) }
        for (column, list) in Dictionary(grouping: relation.columnGrants, by: \.column).sorted(by: { $0.key < $1.key })
        {
            line.add("column_acl", "\(SQL.identifier(column)): \(access(list.map(\.grant)))")
        }
    }

    private mutating func addProperties(of sequence: SequenceDetail) {
        line.add("type", sequence.typeName)
        line.add(
            "range",
            "start \(sequence.start) increment \(sequence.increment) minimum \(sequence.minimum) "
                + "maximum \(sequence.maximum) cache \(sequence.cache)\(sequence.cycles ? " cycle" : "")")
        if let table = sequence.ownerTable {
            let number = sequence.ownerColumn ?? 0
            let column = catalog.columns[table]?.first { $0.number == number }?.name ?? String(number)
            line.add(
                "owned_by", "\(relation(table)).\(SQL.identifier(column))\(sequence.isIdentity ? " (identity)" : "")")
        }
    }

    mutating func writeKeys(_ body: (CanonicalLine) -> Void) {
        for constraint in catalog.constraints {
            let holder = constraint.relation == 0 ? type(constraint.domain) : relation(constraint.relation)
            line.start("constraint", holder + "." + SQL.identifier(constraint.name))
            line.add("definition", constraint.definition)
            line.add("not_valid", if: !constraint.isValidated)
            line.add("inherited", if: constraint.parent != 0)
            body(line)
        }
        for index in catalog.indexes.values {
            line.start("index", qualified(index.schema, index.name))
            line.add("definition", index.definition)
            line.add("primary", if: index.isPrimary)
            line.add("invalid", if: !index.isValid)
            line.add("not_ready", if: !index.isReady)
            line.add("replica_identity", if: index.isReplicaIdentity)
            if index.parent != 0 { line.add("parent", self.index(index.parent)) }
            if index.tablespace != 0 { line.add("tablespace", index.tablespace) }
            body(line)
        }
        for statistics in catalog.extendedStatistics {
            line.start("statistics", qualified(statistics.schema, statistics.name))
            line.add("owner", role(statistics.owner))
            line.add("definition", statistics.definition)
            body(line)
        }
    }
}
