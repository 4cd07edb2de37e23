extension ConnectionPool {
    /// Lends a connection for one statement, which is kept prepared (`Connection.query(keeping:)`). For a pool that does not
    /// discard: whether the connection is alive, the statement, and how it is left are one way to its thread and back, where
    /// `withConnection` takes three.
    ///
    /// - Throws: as `withConnection`.
    package nonisolated func query(keeping sql: String, _ parameters: [Parameter] = []) async throws -> Rows {
        precondition(!bounds.discards, "a connection that is reset keeps no statement")
        let member = try await borrow()
        let answer: (rows: Rows, isIdle: Bool)?
        do {
            answer = try await member.connection.queryIfAlive(keeping: sql, parameters)
        } catch {
            await release(member)
            throw error
        }
        if let answer {
            if answer.isIdle { await giveBack(member) } else { await release(member) }
            return answer.rows
        }
        // It was gone before anything was sent: another one, with a look at each step.
        await release(member)
        return try await withConnection { try await $0.query(keeping: sql, parameters) }
    }
}
