import PostgresDriver
import SQLSyntax

/// Compares the live tables with those that were built, both as they are after the same event: rows and a checksum of each
/// table, and where they differ row by row, in bounded memory.
struct ReadModelComparison {
    let schema: String
    let rebuilt: String
    let tables: [String]
    /// By table: columns that are left out.
    let notCompared: [String: Set<String>]

    /// A table as one side has it.
    private struct Table {
        var name: String
        var columns: [String]
        /// Of the primary key; empty: all columns.
        var key: [String]
    }

    /// - Parameters:
    ///   - live: in a transaction that sees one state of the live tables.
    ///   - built: in another one; nobody writes to the tables that it reads.
    func run(position: Int, live: Connection, built: Connection) async throws -> ReadModelReport {
        var report = ReadModelReport(position: position, tables: [])
        for table in try await columns(on: live) {
            async let first = checksum(table, in: schema, live)
            let second = try await checksum(table, in: rebuilt, built)
            let (liveSide, rebuiltSide) = (try await first, second)
            var found = ReadModelReport.Table(
                name: table.name, liveRows: liveSide.rows, rebuiltRows: rebuiltSide.rows,
                liveChecksum: liveSide.checksum, rebuiltChecksum: rebuiltSide.checksum)
            if !found.isEqual { found.difference = try await difference(table, live, built) }
            report.tables.append(found)
        }
        return report
    }

    private func columns(on connection: Connection) async throws -> [Table] {
        let rows = try await connection.query(
            """
            SELECT c.relname AS name,
                ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS columns,
                coalesce((SELECT ARRAY(SELECT a.attname::text FROM unnest(x.indkey[0:x.indnkeyatts - 1]) k JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k)
                    FROM pg_index x WHERE x.indrelid = c.oid AND x.indisprimary), '{}') AS key
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = ANY ($2) ORDER BY 1
            """, [.text(schema), .textArray(tables)])
        return try rows.map { row in
            let name = try row.string("name")
            let left = notCompared[name] ?? []
            let key = try row.textArray("key")
            return Table(
                name: name, columns: try row.textArray("columns").filter { !left.contains($0) },
                key: left.isDisjoint(with: key) ? key : [])
        }
    }

    private func checksum(
        _ table: Table, in schema: String, _ connection: Connection
    ) async throws -> (rows: Int, checksum: String) {
        let row = try await connection.query(
            """
            SELECT count(*) AS rows, coalesce(sum(hashtextextended(\(Self.row(table.columns))::text, 0)::numeric), 0)::text AS checksum
            FROM \(SQL.qualified(schema, table.name)) t
            """
        ).only()
        return (try row.int("rows"), try row.string("checksum"))
    }

    private static func row(_ columns: [String]) -> String {
        "ROW(" + columns.map { "t." + SQL.identifier($0) }.joined(separator: ", ") + ")"
    }

    // MARK: Row by row

    private func difference(
        _ table: Table, _ live: Connection, _ built: Connection
    ) async throws -> ReadModelReport.Difference {
        var merge = ReadModelMerge(columns: table.columns)
        var left = RowsOfOne(connection: live, columns: table.columns.count)
        var right = RowsOfOne(connection: built, columns: table.columns.count)
        try await left.open(query(table, in: schema))
        try await right.open(query(table, in: rebuilt))
        var (one, other) = (try await left.next(), try await right.next())
        while true {
            try Task.checkCancellation()
            switch merge.take(one, other) {
            case .live: one = try await left.next()
            case .rebuilt: other = try await right.next()
            case .both: (one, other) = (try await left.next(), try await right.next())
            case .end:
                try await left.close()
                try await right.close()
                return merge.difference
            }
        }
    }

    private func query(_ table: Table, in schema: String) -> String {
        let key = table.key.isEmpty ? table.columns : table.key
        let hashes = table.columns.map { "hashtextextended(t.\(SQL.identifier($0))::text, 0)" }
        return """
            SELECT \(Self.row(key))::text AS key, ARRAY[\(hashes.joined(separator: ", "))]::text AS hashes
            FROM \(SQL.qualified(schema, table.name)) t ORDER BY \(Self.row(key))::text COLLATE "C"
            """
    }

    /// A cursor, some rows at a time.
    private struct RowsOfOne {
        let connection: Connection
        let columns: Int
        private var rows: [ReadModelMerge.Row] = []
        private var index = 0
        private var isAtEnd = false

        init(connection: Connection, columns: Int) { (self.connection, self.columns) = (connection, columns) }

        func open(_ query: String) async throws {
            try await connection.execute("DECLARE strata_compared NO SCROLL CURSOR FOR \(query)")
        }

        mutating func next() async throws -> ReadModelMerge.Row? {
            if index == rows.count, !isAtEnd {
                rows = try await connection.query("FETCH 1000 FROM strata_compared").map { row in
                    let hashes = try row.string("hashes").dropFirst().dropLast().split(separator: ",")
                    return ReadModelMerge.Row(key: try row.string("key"), hashes: hashes.map(String.init))
                }
                (index, isAtEnd) = (0, rows.count < 1_000)
            }
            guard index < rows.count else { return nil }
            index += 1
            return rows[index - 1]
        }

        func close() async throws { try await connection.execute("CLOSE strata_compared") }
    }
}
