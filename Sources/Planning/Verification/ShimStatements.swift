internal import SQLSyntax

/// UPDATE, DELETE and INSERT through the shim of a table.
struct ShimStatements {
    let shim: Shim
    let target: Relation
    let context: VerificationContext
    /// Names of the shim's columns.
    let shown: Set<String>
    private var columns: [Column] { context.catalog.columns[target.oid] ?? [] }
    private var view: String { shim.display }

    func writes(withRow: Bool) -> [ShimTrial.Write] {
        let key = withRow ? Self.key(of: target, context: context) : nil
        var writes: [ShimTrial.Write] = []
        if let column = updatedColumn {
            let name = SQL.identifier(column)
            let statement = "UPDATE \(view) SET \(name) = \(name) WHERE "
            writes.append(
                .init(
                    operation: "UPDATE", row: key.map { block([statement + match($0)], "UPDATE") },
                    noRows: statement + "false"))
        }
        let delete = "DELETE FROM \(view) WHERE "
        writes.append(
            .init(operation: "DELETE", row: key.map { block([delete + match($0)], "DELETE") }, noRows: delete + "false")
        )
        guard !inserted.isEmpty else { return writes }
        writes.append(
            .init(
                operation: "INSERT", row: key.map { block([delete + match($0), insert(values)], "INSERT") },
                noRows: insert("SELECT \(list("")) FROM \(view) WHERE false")))
        return writes
    }

    /// The columns of a unique key without NULLs; nil where the table has none. The primary key first.
    static func key(of target: Relation, context: VerificationContext) -> [String]? {
        let columns = Dictionary(
            (context.catalog.columns[target.oid] ?? []).map { ($0.number, $0) }
        ) { first, _ in first }
        let candidates = context.lookup.indexes(of: target.oid).filter { index in
            index.isUnique && index.isValid && !index.isPartial && !index.hasExpressions && !index.keys.isEmpty
                && index.keys.allSatisfy { columns[$0]?.notNull == true }
        }
        let index = candidates.first(where: \.isPrimary) ?? candidates.first
        return index?.keys.compactMap { columns[$0]?.name }
    }

    /// One that no index holds where there is one, so that the row's new version costs least.
    private var updatedColumn: String? {
        let indexed = Set(context.lookup.indexes(of: target.oid).flatMap { $0.keys + $0.included })
        let possible = columns.filter { shown.contains($0.name) && !$0.isGenerated && $0.identity != .always }
        return (possible.first { !indexed.contains($0.number) } ?? possible.first)?.name
    }

    /// Generated columns are computed again; identity columns keep their value.
    private var inserted: [String] { columns.filter { shown.contains($0.name) && !$0.isGenerated }.map(\.name) }

    private func list(_ prefix: String) -> String {
        inserted.map { prefix + SQL.identifier($0) }.joined(separator: ", ")
    }

    private var values: String { "VALUES (\(list("strata_row.")))" }

    private func insert(_ rows: String) -> String {
        "INSERT INTO \(view) (\(list(""))) OVERRIDING SYSTEM VALUE \(rows)"
    }

    private func match(_ key: [String]) -> String {
        key.map { "\(SQL.identifier($0)) = strata_row.\(SQL.identifier($0))" }.joined(separator: " AND ")
    }

    /// In one round trip, so that the row is locked no longer than the server itself needs; its values never leave it.
    private func block(_ statements: [String], _ operation: String) -> String {
        let counted = statements.map { statement in
            """
            \(statement);
            GET DIAGNOSTICS strata_count = ROW_COUNT;
            IF strata_count <> 1 THEN
                RAISE EXCEPTION '\(operation) reached % rows instead of 1', strata_count USING ERRCODE = '\(ShimTrial.wrongCount)';
            END IF;
            """
        }.joined(separator: "\n")
        let body = """
            #variable_conflict use_column
            DECLARE strata_row record; strata_count bigint;
            BEGIN
            SELECT * INTO strata_row FROM \(view) LIMIT 1 FOR UPDATE SKIP LOCKED;
            IF NOT FOUND THEN
                PERFORM pg_catalog.set_config('\(ShimTrial.setting)', 'none', true);
                RETURN;
            END IF;
            \(counted)
            PERFORM pg_catalog.set_config('\(ShimTrial.setting)', 'row', true);
            END
            """
        return "DO \(SQL.dollarQuoted(body))"
    }
}
