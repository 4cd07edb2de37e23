package import Planning
package import PostgresDriver

/// Counts of statements at several moments, kept in the ledger: pg_stat_statements itself does not say *when* it counted.
package struct ShimObservations: Sendable {
    let connection: Connection

    package init(_ connection: Connection) { self.connection = connection }

    package struct Looked: Sendable {
        /// The counts at the beginning of the window.
        package var before: [ShimObservation]
        /// Whether there was an observation as old as the window.
        package var coversWindow: Bool
        package var isKnown: Bool
        /// When the oldest observation was made; nil for none before this one.
        package var since: String?
        package var window: Duration

        /// A refusal where counting began too lately to say anything.
        package func tooYoung(accepted: Set<Hazard.Code>) -> Diagnostic? {
            guard isKnown, !coversWindow, !accepted.contains(.useUnknown) else { return nil }
            let begun = since.map { "since \($0)" } ?? "from now on"
            return Diagnostic(
                .error, "use-unknown",
                "the use of old names is counted \(begun); that is less than the window asked for (\(window.inWords))",
                nextStep: "run strata contract again later, ask for a shorter --window, or --accept USE_UNKNOWN")
        }
    }

    /// Records the present counts and finds those of the newest observation that is at least `window` old. Observations
    /// older than 90 days are forgotten.
    package func look(_ use: StatementUse, window: Duration) async throws -> Looked {
        guard use.isKnown else {
            return Looked(before: [], coversWindow: false, isKnown: false, since: nil, window: window)
        }
        let milliseconds = Int(window.milliseconds)
        let rows = try await connection.query(
            """
            SELECT query_id, role, calls FROM strata.observations
            WHERE at = (SELECT max(at) FROM strata.observations WHERE at <= clock_timestamp() - $1 * interval '1 millisecond')
            """, [.int(milliseconds)])
        let before = try rows.map {
            ShimObservation(
                queryID: Int64(try $0.int("query_id")), role: try $0.uint32("role"), calls: Int64(try $0.int("calls")))
        }
        let since = try await connection.query(
            "SELECT to_char(min(at), 'YYYY-MM-DD HH24:MI:SS') AS since FROM strata.observations"
        ).only().optionalString("since")
        try await record(use)
        let covers = !before.isEmpty || window == .zero
        return Looked(
            before: window == .zero
                ? use.statements.map { ShimObservation(queryID: $0.queryID, role: $0.role, calls: $0.calls) } : before,
            coversWindow: covers, isKnown: true, since: since, window: window)
    }

    private func record(_ use: StatementUse) async throws {
        let statements = use.statements
        _ = try await connection.query(
            """
            INSERT INTO strata.observations (at, query_id, role, calls)
            SELECT transaction_timestamp(), q, r, sum(c) FROM unnest($1::bigint[], $2::oid[], $3::bigint[]) AS t(q, r, c) GROUP BY q, r
            """,
            [
                .intArray(statements.map { Int($0.queryID) }), .oidArray(statements.map(\.role)),
                .intArray(statements.map { Int($0.calls) }),
            ])
        try await connection.execute(
            "DELETE FROM strata.observations WHERE at < clock_timestamp() - interval '90 days'")
    }
}
