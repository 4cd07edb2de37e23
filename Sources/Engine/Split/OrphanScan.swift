import Planning
import PostgresDriver

/// Looks at every row of a child for its parent row, a range of keys after the other: the proof that the real key can go.
/// Where it was cut off it goes on.
struct OrphanScan {
    let databases: LooseKeyDatabases
    let report: @Sendable (LooseKeyEvent) -> Void
    /// Rows of a range.
    var batch = 20_000

    /// - Parameter home: the database of the parent, where the scan is noted.
    /// - Returns: rows whose parent row is missing, of how many.
    func run(_ record: LooseKeyRecord, home: LooseKeyDatabases.Place) async throws -> (orphans: Int, rows: Int) {
        let key = record.key
        let store = LooseKeyStore(try await databases.connection(to: home.database))
        var position = record.scanPosition
        var (rows, orphans) = (record.scannedRows, record.orphans)
        if record.scannedAt != nil || position == nil {
            try await store.beginScan(of: key.name)
            (position, rows, orphans) = (nil, 0, 0)
        }
        let child = try await databases.place(of: key.child)
        let statements = LooseKeyStatements(
            key, childIsPartitioned: child.isPartitioned, parentIsPartitioned: home.isPartitioned)
        let scan = OrphanStatements(statements, range: try await range(of: key, child))
        while true {
            let found = try await step(scan, from: position, child: child.database, parent: home.database)
            rows += found.rows
            orphans += found.orphans
            guard let last = found.last else { break }
            position = last
            try await store.noteScan(of: key.name, position: last, rows: rows, orphans: orphans, isDone: false)
            report(.scanning(key, rows: rows))
        }
        try await store.noteScan(of: key.name, position: nil, rows: rows, orphans: orphans, isDone: true)
        report(.scanned(key, rows: rows))
        return (orphans, rows)
    }

    private func step(
        _ scan: OrphanStatements, from position: [String]?, child: String, parent: String
    ) async throws -> (rows: Int, orphans: Int, last: [String]?) {
        let begin = position.map { Parameter.textArray($0) } ?? .typed(nil, type: 1009)
        let connection = try await databases.connection(to: child)
        guard child != parent else {
            let row = try await connection.query(scan.together, [begin, .int(batch)]).only()
            return (try row.int("rows"), try row.int("orphans"), try row.optionalTextArray("last"))
        }
        let row = try await connection.query(scan.keys, [begin, .int(batch)]).only()
        let keys = try row.string("keys")
        let missing = try await databases.connection(to: parent).query(scan.missing, [.text(keys)]).only()
        return (try row.int("rows"), try missing.int("orphans"), try row.optionalTextArray("last"))
    }

    /// The child's primary key, or another unique one; else the key's own columns, which take an index on them to be fast.
    private func range(of key: LooseKey, _ child: LooseKeyDatabases.Place) async throws -> OrphanStatements.Range {
        let connection = try await databases.connection(to: child.database)
        return try await connection.transaction { connection in
            try await connection.execute("SET LOCAL search_path = pg_catalog")
            func types(_ columns: [String]) async throws -> [String] {
                try await connection.query(
                    """
                    SELECT format_type(a.atttypid, a.atttypmod) AS type FROM unnest($2::text[]) WITH ORDINALITY AS c (name, n)
                      JOIN pg_attribute AS a ON a.attrelid = $1 AND a.attname = c.name ORDER BY c.n
                    """, [.oid(child.oid), .textArray(columns)]
                ).map { try $0.string("type") }
            }
            let unique = try await connection.query(
                """
                SELECT ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, n)
                         JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number
                        WHERE k.n <= i.indnkeyatts ORDER BY k.n) AS columns
                  FROM pg_index AS i
                 WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL
                   AND i.indexprs IS NULL AND NOT EXISTS (SELECT FROM unnest(i.indkey::int2[]) AS k (number)
                         JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number WHERE NOT a.attnotnull)
                 ORDER BY i.indisprimary DESC, i.indexrelid LIMIT 1
                """, [.oid(child.oid)]
            ).first?.textArray("columns")
            let columns = unique ?? key.childColumns
            return OrphanStatements.Range(
                columns: columns, types: try await types(columns), isUnique: unique != nil)
        }
    }
}
