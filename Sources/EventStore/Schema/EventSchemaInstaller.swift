package import PostgresDriver

/// Makes the event store's schema, or brings it up to date, without a plan and a ledger.
extension EventSchema {
    /// A function of the schema, as a statement names it.
    package func call(_ function: String) -> String { "\(schema).\(function)" }

    /// Today's partition and so many more.
    func partitions(ahead: Int) -> Part {
        Part(
            key: "first-partitions", object: "partitions of today and \(ahead) more",
            statements: ["SELECT \(call("make_partitions"))(\(ahead))"], reason: "made ahead")
    }

    /// Each part in a transaction of its own; safe to run again, and beside others who do the same. All parts are made again, also
    /// those that are there as they have to be.
    ///
    /// - Throws: `EventStoreProblem` where the schema is the system's, has something else in it, or a newer store; `PostgresError`.
    ///
    /// - Parameter ahead: how many partitions there are to be beyond today's.
    package func install(
        on connection: Connection, ahead: Int = 3, onStep: (EventSchemaChange.Step) -> Void = { _ in }
    ) async throws {
        try await connection.execute("SELECT pg_advisory_lock(hashtext('strata.events'))")
        do {
            let state = try await state(on: connection)
            if let refusal = refusal(of: state) { throw refusal }
            for step in change(from: state, ahead: ahead, all: true).steps {
                onStep(step)
                try await make(step.statements, connection)
            }
        } catch {
            _ = try? await connection.executeShielded("ROLLBACK")
            _ = try? await connection.executeShielded("SELECT pg_advisory_unlock(hashtext('strata.events'))")
            throw error
        }
        try await connection.execute("SELECT pg_advisory_unlock(hashtext('strata.events'))")
    }

    /// Nobody queues behind it for long: where a lock does not come it steps back and tries again.
    private func make(_ statements: [String], _ connection: Connection) async throws {
        let text =
            "BEGIN; SET LOCAL client_min_messages = warning; SET LOCAL lock_timeout = '2s';\n"
            + statements.joined(separator: ";\n") + ";\nCOMMIT"
        var attempts = 0
        while true {
            attempts += 1
            do {
                try await connection.execute(text)
                return
            } catch let error as PostgresError where (error.isLockTimeout || error.isRetryable) && attempts < 20 {
                try await connection.executeShielded("ROLLBACK")
                try await Task.sleep(for: .milliseconds(500))
            }
        }
    }
}
