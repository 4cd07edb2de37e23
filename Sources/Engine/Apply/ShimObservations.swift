package import Planning
package import PostgresDriver

/// Counts of statements at several moments, kept in the ledger: pg_stat_statements itself does not say *when* it counted.
package struct ShimObservations: Sendable {
    let connection: Connection

    package init(_ connection: Connection) { self.connection = connection }

    package struct Looked: Sendable {
        /// The counts at the beginning of the window.
        package var before: [ShimObservation]
        /// Whether there was a look as old as the window.
        package var coversWindow: Bool
        package var isKnown: Bool
        /// When the oldest look was; nil for none before this one.
        package var since: String?
        package var window: Duration
        /// Why what was not counted may have happened all the same; empty where nothing speaks for it.
        package var doubts: [String] = []

        /// A refusal where counting began too lately to say anything.
        package func tooYoung(accepted: Set<Hazard.Code>) -> Diagnostic? {
            guard isKnown, !coversWindow, !accepted.contains(.useUnknown) else { return nil }
            let begun = since.map { "since \($0)" } ?? "from now on"
            return Diagnostic(
                .error, "use-unknown",
                "the use of old names is counted \(begun); that is less than the window asked for (\(window.inWords))",
                nextStep: "run strata contract again later, ask for a shorter --window, or --accept USE_UNKNOWN")
        }

        /// Counts that were lost within the window prove nothing.
        func hazards(objects: Int) -> [Hazard] {
            guard coversWindow, objects > 0 else { return [] }
            return doubts.map { doubt in
                Hazard(
                    .useUnknown, object: counted(objects, "compatibility object"),
                    message: "whether statements used them within the window is unknown: \(doubt)",
                    remedy: "run strata contract again when \(window.inWords) have passed without that")
            }
        }
    }

    /// Records the present counts and finds those of the newest look that is at least `window` old. Looks older than 90
    /// days are forgotten.
    package func look(_ use: StatementUse, window: Duration) async throws -> Looked {
        guard use.isKnown else {
            return Looked(before: [], coversWindow: false, isKnown: false, since: nil, window: window)
        }
        let counters = try await CounterState.read(connection)
        let rows = try await connection.query(
            """
            SELECT at::text AS at, evicted, (SELECT to_char(min(at), 'YYYY-MM-DD HH24:MI:SS') FROM strata.looks) AS since
            FROM (SELECT) AS one LEFT JOIN (
                SELECT at, evicted FROM strata.looks WHERE at <= clock_timestamp() - $1 * interval '1 millisecond'
                ORDER BY at DESC LIMIT 1) AS look ON true
            """, [.int(Int(window.milliseconds))]
        ).only()
        var looked = Looked(
            before: [], coversWindow: false, isKnown: true, since: try rows.optionalString("since"), window: window)
        if let at = try rows.optionalString("at") {
            looked.coversWindow = true
            looked.before = try await observations(at: at)
            looked.doubts = try await counters.doubts(
                since: at, evictedBefore: try rows.optionalInt("evicted"), connection: connection)
        }
        try await record(use, counters)
        return looked
    }

    private func observations(at moment: String) async throws -> [ShimObservation] {
        try await connection.query(
            "SELECT query_id, role, calls FROM strata.observations WHERE at = $1::timestamptz", [.text(moment)]
        ).map { row in
            ShimObservation(
                queryID: Int64(try row.int("query_id")), role: try row.uint32("role"),
                calls: Int64(try row.int("calls")))
        }
    }

    /// A look is one even where nothing was counted.
    private func record(_ use: StatementUse, _ counters: CounterState) async throws {
        let statements = use.statements
        let evicted: Parameter = counters.evicted.map { .int($0) } ?? .typed(nil, type: 20)
        _ = try await connection.query(
            """
            WITH look AS (
                INSERT INTO strata.looks (at, evicted) VALUES (transaction_timestamp(), $4) RETURNING at
            )
            INSERT INTO strata.observations (at, query_id, role, calls)
            SELECT transaction_timestamp(), q, r, sum(c)
            FROM unnest($1::bigint[], $2::oid[], $3::bigint[]) AS t(q, r, c) GROUP BY q, r
            """,
            [
                .intArray(statements.map { Int($0.queryID) }), .oidArray(statements.map(\.role)),
                .intArray(statements.map { Int($0.calls) }), evicted,
            ])
        try await connection.execute(
            """
            DELETE FROM strata.observations WHERE at < clock_timestamp() - interval '90 days';
            DELETE FROM strata.looks WHERE at < clock_timestamp() - interval '90 days'
            """)
    }
}
