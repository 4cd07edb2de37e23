import PostgresDriver

/// A copy takes the place of the live one.
extension ProjectionRunner {
    /// Brings this copy to where the live one stands, and runs `body`, all in one transaction in which the live one stands still.
    ///
    /// - Parameter lockTimeout: how long any of its statements waits for a lock.
    /// - Returns: whether it was done; false: the live one is more than a batch ahead, `step` first.
    /// - Throws: what `body` throws, as `step`; nothing is changed then.
    func takeOver(lockTimeout: Duration, _ body: (Connection) async throws -> Void) async throws -> Bool {
        let connection = try await open()
        return try await connection.transaction { connection in
            try await connection.execute(
                "SET LOCAL lock_timeout = \(lockTimeout.milliseconds); SET LOCAL idle_in_transaction_session_timeout = '60s'"
            )
            let live = try await connection.query(
                "SELECT position FROM strata.projections WHERE name = $1 AND copy = 'live' FOR UPDATE",
                [.text(projection.name)])
            let position = try live.only().int("position")
            guard position >= progress.position else { throw ProjectionStop.moved }
            let events = try await next(upTo: position, batch)
            guard (events.last?.position ?? progress.position) == position else { return false }
            try await advance(to: position, connection)
            try await change(events, connection)
            try await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            try await body(connection)
            return true
        }
    }
}
