/// What a statement without rows reports; of several statements, what the last one does.
package struct CommandResult: Sendable, Hashable {
    /// Such as `CREATE TABLE` or `UPDATE 3`.
    package let commandTag: String
    /// nil for statements that do not count rows.
    package let affectedRows: Int?
    /// How many statements ran.
    package let statementCount: Int

    init(_ result: ResultHandle, count: Int) {
        commandTag = result.commandTag
        affectedRows = result.affectedRows
        statementCount = count
    }
}

/// A statement that the server has parsed; belongs to the connection that prepared it.
package struct PreparedStatement: Sendable {
    package let sql: String
    package let parameterCount: Int
    let name: String
}

extension Connection {
    /// Runs one statement with parameters `$1`, `$2`, … and gives its rows.
    ///
    /// Throws `PostgresError`, or `CancellationError` if the task was cancelled and the statement therefore stopped.
    package nonisolated func query(_ sql: String, _ parameters: [Parameter] = []) async throws -> Rows {
        try await exclusive { Rows(try $0.query(sql, parameters)) }
    }

    /// As `query`, for a statement that comes again and again on this connection: it is prepared by the first call, and so the
    /// later ones spare the server parsing and planning it. A connection prepares 64 at most; others run as in `query`.
    package nonisolated func query(keeping sql: String, _ parameters: [Parameter] = []) async throws -> Rows {
        try await exclusive { Rows(try $0.query(keeping: sql, parameters)) }
    }

    /// Runs one or more statements, separated by semicolons, as psql -c does: together one transaction, unless they
    /// contain BEGIN and COMMIT. Rows are discarded. Errors as in `query`.
    @discardableResult
    package nonisolated func execute(_ sql: String) async throws -> CommandResult {
        try await exclusive { session in
            let (last, count) = try session.execute(sql)
            return CommandResult(last, count: count)
        }
    }

    /// Runs one statement without parameters by the simple protocol, the only one that replication commands
    /// (`replication=database`) know, and gives its rows.
    package nonisolated func simpleQuery(_ sql: String) async throws -> Rows {
        try await exclusive { Rows(try $0.execute(sql).last) }
    }

    /// Runs statements without parameters in one message, together one transaction as in `execute`, and gives the rows of
    /// each: no round trip and nothing of this process comes between two of them. Errors as in `query`; the transaction
    /// is then over.
    package nonisolated func queryAll(_ statements: [String]) async throws -> [Rows] {
        try await exclusive { try $0.executeAll(statements.joined(separator: ";\n")).map { Rows($0) } }
    }

    /// Like `execute`, but goes on although the task is cancelled: for what must happen on the way out.
    @discardableResult
    package nonisolated func executeShielded(_ sql: String) async throws -> CommandResult {
        try await exclusive(cancellable: false) { session in
            let (last, count) = try session.execute(sql)
            return CommandResult(last, count: count)
        }
    }

    /// - Parameter types: oids of the parameters, 0 or missing for those that the server shall find out.
    package nonisolated func prepare(_ sql: String, types: [UInt32] = []) async throws -> PreparedStatement {
        let name = await nextStatementName()
        let count = try await exclusive { try $0.prepare(name: name, sql, types: types) }
        return PreparedStatement(sql: sql, parameterCount: count, name: name)
    }

    package nonisolated func query(
        _ statement: PreparedStatement, _ parameters: [Parameter] = []
    ) async throws -> Rows {
        try await exclusive { Rows(try $0.query(prepared: statement.name, statement.sql, parameters)) }
    }

    package nonisolated func deallocate(_ statement: PreparedStatement) async throws {
        // The name is our own and needs no quoting.
        try await execute("DEALLOCATE \(statement.name)")
    }
}
