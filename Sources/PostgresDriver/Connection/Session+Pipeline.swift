import CLibPQ

extension Session {
    /// Sends all, and only then reads what became of them: one round trip. The server skips what stands behind an error.
    ///
    /// - Returns: what the first one that failed says, with its index; nil: all were carried out.
    func pipeline(_ calls: [PipelineCall]) throws -> PipelineFailure? {
        try requireReady()
        guard transactionStatus == .inTransaction else {
            throw PostgresError(.protocolViolation, "a pipeline is sent within a transaction")
        }
        // Before anything is sent: what cannot be leaves the connection as it was.
        let values = try calls.map { try Self.encoded($0.parameters) }
        guard PQenterPipelineMode(connection) == 1 else { throw sendFailure() }
        do {
            try send(calls, values)
            let failure = try outcomes(calls)
            guard PQexitPipelineMode(connection) == 1 else { throw sendFailure() }
            // The caller is told of the cancellation that it asked for, and of nothing else.
            if let failure, failure.error.isQueryCanceled, ticket?.isRequested == true { throw failure.error }
            return failure
        } catch {
            // Half of it may be on its way: nobody knows what the next answer would belong to.
            if PQpipelineStatus(connection) != PQ_PIPELINE_OFF { markLost() }
            throw error
        }
    }

    private func send(_ calls: [PipelineCall], _ values: [CStrings]) throws {
        for (call, values) in zip(calls, values) {
            let sent = values.withPointers {
                PQsendQueryPrepared(
                    connection, call.statement.name, Int32(call.parameters.count), $0, nil, nil, 0)
            }
            guard sent == 1 else { throw sendFailure().about(statement: call.statement.sql) }
        }
        guard PQpipelineSync(connection) == 1 else { throw sendFailure() }
        try flushForResult()
    }

    /// Takes the answers to all of them off the wire.
    private func outcomes(_ calls: [PipelineCall]) throws -> PipelineFailure? {
        var failure: PipelineFailure?
        for (index, call) in calls.enumerated() {
            while let result = try nextResult() {
                switch result.status {
                case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY, PGRES_PIPELINE_ABORTED: break
                default:
                    let error = error(from: result).about(statement: call.statement.sql)
                    if isLost { throw error }
                    failure = failure ?? PipelineFailure(index: index, error: error)
                }
            }
        }
        guard let end = try nextResult(), end.status == PGRES_PIPELINE_SYNC else { throw lost() }
        return failure
    }
}
