package import PostgresDriver
import SQLSyntax

/// Where a schema's sequences go on in the database that takes it over: replication does not carry them.
///
/// From the source's own last value, beyond what sessions have cached, with a margin for those that bypass the guard; never
/// from the largest value of a column.
package struct SequencePlan: Sendable, Equatable, Codable {
    /// As SQL names it.
    package var name: String
    /// nil: nobody has called it yet, and it begins at its start.
    package var last: Int?
    package var next: Int
    /// Its bounds leave no room for all of the margin.
    package var isAtBound: Bool

    /// - Parameters:
    ///   - last: the sequence's `last_value`, which has what sessions have cached in it already.
    ///   - margin: numbers that are left out on top of `cache`.
    static func plan(
        name: String, last: Int, isCalled: Bool, increment: Int, cache: Int, minimum: Int, maximum: Int,
        margin: Int
    ) -> SequencePlan {
        guard isCalled else { return SequencePlan(name: name, last: nil, next: last, isAtBound: false) }
        let (step, overflow) = increment.multipliedReportingOverflow(by: cache + margin)
        let (wanted, overflow2) = last.addingReportingOverflow(step)
        let isBeyond = overflow || overflow2 || wanted > maximum || wanted < minimum
        guard isBeyond else { return SequencePlan(name: name, last: last, next: wanted, isAtBound: false) }
        // What is left of it must not be thrown away: `last` has what sessions have cached, and the guard does the rest.
        return SequencePlan(name: name, last: last, next: last, isAtBound: true)
    }

    /// Of all sequences of the schema, as they are now.
    package static func read(schema: String, _ connection: Connection, margin: Int) async throws -> [SequencePlan] {
        let known = try await connection.query(
            """
            SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name, s.seqincrement, s.seqcache, s.seqmin,
                   s.seqmax
              FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = $1 ORDER BY 1
            """, [.text(schema)])
        let names = try known.map { try $0.string("name") }
        guard !names.isEmpty else { return [] }
        var values: [String: (last: Int, isCalled: Bool)] = [:]
        let union = names.map { "SELECT \(SQL.literal($0)) AS name, last_value, is_called FROM \($0)" }
        for row in try await connection.query(union.joined(separator: " UNION ALL ")) {
            values[try row.string("name")] = (try row.int("last_value"), try row.bool("is_called"))
        }
        return try known.compactMap { row in
            let name = try row.string("name")
            guard let value = values[name] else { return nil }
            return plan(
                name: name, last: value.last, isCalled: value.isCalled, increment: try row.int("seqincrement"),
                cache: try row.int("seqcache"), minimum: try row.int("seqmin"), maximum: try row.int("seqmax"),
                margin: margin)
        }
    }

    static func set(_ plans: [SequencePlan], _ connection: Connection) async throws {
        guard !plans.isEmpty else { return }
        let calls = plans.map { "setval(\(SQL.literal($0.name)), \($0.next), \($0.last == nil ? "false" : "true"))" }
        _ = try await connection.query("SELECT \(calls.joined(separator: ", "))")
    }
}
