import CLibPQ

/// Some rows of a result that is still arriving.
struct RowBatch: Sendable {
    var rows: [Row]
    var isLast: Bool
}

extension Session {
    /// Bounds of one batch of rows or one chunk of COPY data, which is all that is in memory at a time.
    static let batchRows = 512
    static let batchBytes = 1 << 20

    // MARK: Rows, one by one

    func startRows(_ sql: String, _ parameters: [Parameter]) throws {
        try sendQuery(sql, parameters)
        guard PQsetSingleRowMode(connection) == 1 else { throw sendFailure().about(statement: sql) }
        stream = .rows
    }

    /// - Parameter columns: of the batch before, so that all rows share one set.
    func nextRows(_ sql: String, columns: ColumnSet?) throws -> (RowBatch, ColumnSet?) {
        var columns = columns
        var batch = RowBatch(rows: [], isLast: false)
        var bytes = 0
        while batch.rows.count < Self.batchRows && bytes < Self.batchBytes {
            guard let result = try nextResult() else {
                batch.isLast = true
                stream = .lastRows
                break
            }
            switch result.status {
            case PGRES_SINGLE_TUPLE:
                let shared = columns ?? ColumnSet(result)
                columns = shared
                bytes += PQresultMemorySize(result.pointer)
                batch.rows.append(Row(result: result, index: 0, columnSet: shared))
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: break
            default: throw try failStream(result, sql)
            }
        }
        return (batch, columns)
    }

    /// Stops a stream whose reader gave up, and leaves the connection ready for the next statement.
    func abandonStream() throws {
        guard stream != .none else { return }
        defer { stream = .none }
        guard !isLost, stream != .lastRows else { return }
        if stream == .copyIn { return try finishAbort() }
        ticket?.cancelOwnStatement()
        if stream == .copyOut { try discardCopyData() }
        try drain()
    }

    private func finishAbort() throws {
        try endCopy(error: "the client gave up")
        try drain()
    }

    private func failStream(_ result: ResultHandle, _ sql: String) throws -> PostgresError {
        let refused = [PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH].contains(result.status)
        let failure = refused ? Self.wrongCall("COPY", use: "copyIn or copyOut") : error(from: result)
        if refused { try abandonCopy(result.status) }
        stream = .none
        if !isLost { try drain() }
        return failure.about(statement: sql)
    }
}
