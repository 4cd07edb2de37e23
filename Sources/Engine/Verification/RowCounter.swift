import Planning
import PostgresDriver
import SQLSyntax

/// Rows: the planner's estimates, or on request every row counted in one snapshot, through the shims too.
struct RowCounter {
    let connection: Connection
    let options: VerifyOptions
    let context: VerificationContext
    let progress: @Sendable (VerifyEvent) -> Void
    private var catalog: Catalog { context.catalog }

    func run(into verification: inout Verification) async throws {
        if options.exactRows { try await count(into: &verification) } else { try await estimate(into: &verification) }
    }

    private func name(_ relation: Relation) -> String {
        display(context.lookup.schemaName(relation.schema), relation.name)
    }

    private func rowsBefore(_ table: Relation) -> (rows: Double, run: Int)? {
        guard let known = context.knownByReference[ObjectReference(.relation, table.oid)], known.entry.estimatedRows > 0
        else { return nil }
        return (known.entry.estimatedRows, known.run)
    }

    private func emptied(_ table: Relation, before: (rows: Double, run: Int)) -> Verification.Check {
        .init(
            .warning, .rows, "now-empty", name(table),
            "it is empty; before run \(before.run) it had about \(grouped(Int64(before.rows))) rows",
            nextStep: "Strata deletes no rows: find out who did, if you did not")
    }

    // MARK: Estimates

    private func estimate(into verification: inout Verification) async throws {
        let tables = context.tables.filter { $0.kind != .partitionedTable }
        let known = tables.filter { $0.kind == .table && $0.estimatedRows >= 0 }
        let rows = known.reduce(Int64(0)) { $0 + Int64($1.estimatedRows) }
        verification.figures.rows = rows
        verification.figures.tablesWithoutRows = tables.count - known.count
        var found: [Verification.Check] = []
        for table in context.tables where table.kind == .table && table.estimatedRows <= 0 {
            guard let before = rowsBefore(table) else { continue }
            switch try await isEmpty(table) {
            case .yes: found.append(emptied(table, before: before))
            case .no: break
            case .unknown(let why): found.append(.init(.skipped, .rows, "not-counted", name(table), why))
            }
        }
        for check in found { verification.add(check) }
        guard found.isEmpty, !context.tables.isEmpty else { return }
        verification.add(
            .init(
                .passed, .rows, "estimated", SQL.identifier(catalog.server.database),
                "about \(counted(Int(rows), "row")) in \(counted(known.count, "table")), as the planner estimates"))
    }

    private enum Answer {
        case yes, no
        case unknown(String)
    }

    private func isEmpty(_ table: Relation) async throws -> Answer {
        do {
            let found = try await connection.rolledBack(.snapshot) { connection in
                try await limit(connection, options.shimTimeout)
                let rows = try await connection.query("SELECT EXISTS (SELECT FROM \(name(table))) AS found")
                return try rows.only().bool("found")
            }
            return found ? .no : .yes
        } catch let error as PostgresError where !error.isConnectionLost {
            return .unknown("whether it has rows could not be read: \(error.message)")
        }
    }

    private func limit(_ connection: Connection, _ statement: Duration) async throws {
        try await connection.execute(
            """
            SET LOCAL lock_timeout = \(options.lockTimeout.milliseconds);
            SET LOCAL statement_timeout = \(statement.milliseconds)
            """)
    }

    // MARK: Counting

    /// Partitions and inheritance children are counted with the tables above them.
    private var roots: [Relation] {
        let all = Set(context.tables.map(\.oid))
        return context.tables.filter { table in !table.parents.contains(where: all.contains) }
            .sorted { name($0) < name($1) }
    }

    private func expected(_ table: Relation) -> Int64 {
        let parts = [table.oid] + context.lookup.descendants(of: table.oid)
        return parts.compactMap { catalog.relations[$0] }.filter { $0.kind == .table }
            .reduce(0) { $0 + Int64(max(0, $1.estimatedRows)) }
    }

    private func count(into verification: inout Verification) async throws {
        let tables = roots.filter { $0.kind != .foreignTable }
        let shims = shimsByTarget()
        let total = tables.reduce(Int64(0)) { $0 + expected($1) }
        let foreign = roots.count - tables.count
        var done: Int64 = 0
        let clock = ContinuousClock()
        let start = clock.now
        verification = try await connection.rolledBack(.snapshot) { [verification] connection in
            var verification = verification
            verification.figures.rowsAreExact = true
            verification.figures.tablesWithoutRows = foreign
            try await limit(connection, options.countTimeout)
            for (position, table) in tables.enumerated() {
                let remaining = done > 0 ? (clock.now - start) * (Double(max(0, total - done)) / Double(done)) : nil
                progress(
                    .counting(
                        name(table), position: position + 1, of: tables.count, rows: verification.figures.rows,
                        expected: total, remaining: remaining))
                try await count(table, shims[table.oid] ?? [], connection, &verification)
                done += expected(table)
            }
            return verification
        }
    }

    private func shimsByTarget() -> [OID: [Shim]] {
        let trials = ShimTrials(context)
        var shims: [OID: [Shim]] = [:]
        for shim in context.lookup.shims.sorted(by: { $0.display < $1.display }) where shim.reference.kind == .relation
        {
            if let target = trials.target(of: shim) { shims[target.oid, default: []].append(shim) }
        }
        return shims
    }

    /// One statement for the table and its shims: the same snapshot, and the locks go with the savepoint.
    private func count(
        _ table: Relation, _ shims: [Shim], _ connection: Connection, _ verification: inout Verification
    ) async throws {
        let sources = [name(table)] + shims.map(\.display)
        let columns = sources.enumerated().map { "(SELECT count(*) FROM \($1)) AS n\($0)" }.joined(separator: ", ")
        do {
            let counts = try await connection.undone { connection in
                let row = try await connection.query("SELECT \(columns)").only()
                return try sources.indices.map { Int64(try row.int("n\($0)")) }
            }
            verification.figures.rows += counts[0]
            for check in compare(table, counts, sources) { verification.add(check) }
        } catch let error as PostgresError where !error.isConnectionLost {
            verification.figures.tablesWithoutRows += 1
            verification.add(
                .init(.skipped, .rows, "not-counted", name(table), "its rows could not be counted: \(error.message)"))
        }
    }

    private func compare(_ table: Relation, _ counts: [Int64], _ sources: [String]) -> [Verification.Check] {
        let differing = zip(counts, sources).dropFirst().filter { $0.0 != counts[0] }
        var found: [Verification.Check] = differing.map { count, shim in
            .init(
                .difference, .rows, "shim-rows-differ", shim,
                "\(counted(Int(count), "row")) through it, \(counted(Int(counts[0]), "row")) in \(name(table))",
                nextStep: "make it again: CREATE OR REPLACE VIEW \(shim) AS SELECT * FROM \(name(table))")
        }
        if counts[0] == 0, let before = rowsBefore(table) { found.append(emptied(table, before: before)) }
        guard found.isEmpty else { return found }
        let through = sources.count > 1 ? ", the same through \(sources.dropFirst().joined(separator: ", "))" : ""
        return [.init(.passed, .rows, "counted", name(table), counted(Int(counts[0]), "row") + through)]
    }
}
