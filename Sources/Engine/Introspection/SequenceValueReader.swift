package import Planning
package import PostgresDriver

/// Reads where sequences stand. Not part of a catalog's snapshot: sequences do not obey transactions, and reading one
/// takes a lock on it until the transaction ends.
package enum SequenceValueReader {
    /// Sequences read in one transaction: each costs a lock.
    private static let group = 1_000

    /// The last value of each sequence; none for those never used, dropped meanwhile, or not readable by this user.
    ///
    /// The connection must be idle. Throws `PostgresError`; 55P03 where a sequence stays locked longer than the timeout.
    package static func read(
        _ connection: Connection, sequences: [OID], lockTimeout: Duration = .seconds(3)
    ) async throws -> [OID: Int64] {
        var values: [OID: Int64] = [:]
        var rest = sequences[...]
        while !rest.isEmpty {
            let part = Array(rest.prefix(group))
            rest = rest.dropFirst(group)
            try await read(part, connection, lockTimeout, into: &values)
        }
        return values
    }

    private static func read(
        _ sequences: [OID], _ connection: Connection, _ lockTimeout: Duration, into values: inout [OID: Int64]
    ) async throws {
        var attempt = 1
        while true {
            do {
                let rows = try await query(sequences, connection, lockTimeout)
                for row in rows {
                    if let value = try row.optionalInt("value") { values[try row.uint32("oid")] = Int64(value) }
                }
                return
            } catch let error as PostgresError where attempt < 3 && isGone(error) {
                attempt += 1
            }
        }
    }

    private static func query(
        _ sequences: [OID], _ connection: Connection, _ lockTimeout: Duration
    ) async throws -> Rows {
        let milliseconds = max(1, Int(lockTimeout / .milliseconds(1)))
        return try await connection.transaction(TransactionOptions(isolation: .readCommitted, readOnly: true)) {
            try await $0.execute("SET LOCAL lock_timeout = \(milliseconds)")
            return try await $0.query(
                """
                SELECT c.oid, CASE WHEN has_sequence_privilege(c.oid, 'SELECT,USAGE')
                                    AND NOT (c.relpersistence = 'u' AND pg_catalog.pg_is_in_recovery())
                                   THEN pg_catalog.pg_sequence_last_value(c.oid) END AS value
                  FROM pg_catalog.pg_class c WHERE c.oid = ANY ($1::oid[]) AND c.relkind = 'S'
                """, [.oidArray(sequences)])
        }
    }

    /// Dropped between the look at pg_class and the reading.
    private static func isGone(_ error: PostgresError) -> Bool {
        error.sqlState == "XX000" || error.sqlState == .undefinedTable || error.sqlState == .undefinedObject
    }
}
