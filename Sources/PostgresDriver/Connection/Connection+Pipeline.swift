/// A prepared statement with its parameters, to be sent with others.
package struct PipelineCall: Sendable {
    package var statement: PreparedStatement
    package var parameters: [Parameter]

    package init(_ statement: PreparedStatement, _ parameters: [Parameter] = []) {
        (self.statement, self.parameters) = (statement, parameters)
    }
}

/// The statement that ended a pipeline.
package struct PipelineFailure: Sendable {
    /// Of it among those that were sent; those behind it were not carried out.
    package var index: Int
    package var error: PostgresError
}

extension Connection {
    /// Runs statements one after the other without waiting for the answer of each: one round trip, however many. Their rows
    /// are discarded. All that is sent is held in memory: keep it to some hundreds, or a megabyte.
    ///
    /// Only within a transaction, which is to be rolled back (or back to a savepoint) where one has failed: so what was
    /// done of the others is nobody's concern.
    ///
    /// - Returns: which one failed, and why; nil: none.
    /// - Throws: where it is no statement's fault: the connection is lost, the task was cancelled, a parameter cannot be sent.
    package nonisolated func pipeline(_ calls: [PipelineCall]) async throws -> PipelineFailure? {
        guard !calls.isEmpty else { return nil }
        return try await exclusive { try $0.pipeline(calls) }
    }
}
