import CLibPQ
import Foundation

extension Session {
    /// Extended protocol: one statement, parameters beside it.
    func query(_ sql: String, _ parameters: [Parameter]) throws -> ResultHandle {
        try sendQuery(sql, parameters)
        return try collect(sql).last
    }

    /// Simple protocol: any number of statements.
    func execute(_ sql: String) throws -> (last: ResultHandle, count: Int) {
        try sendSimple(sql)
        return try collect(sql)
    }

    /// The same, with the results of all of them.
    func executeAll(_ sql: String) throws -> [ResultHandle] {
        try sendSimple(sql)
        var results: [ResultHandle] = []
        try collect(sql) { results.append($0) }
        return results
    }

    private func sendSimple(_ sql: String) throws {
        try requireReady()
        try Self.refuseNUL(sql)
        guard PQsendQuery(connection, sql) == 1 else { throw sendFailure().about(statement: sql) }
        try flushForResult()
    }

    /// - Returns: how many parameters it has.
    func prepare(name: String, _ sql: String, types: [UInt32]) throws -> Int {
        try prepareOnly(name: name, sql, types: types)
        guard PQsendDescribePrepared(connection, name) == 1 else { throw sendFailure().about(statement: sql) }
        try flushForResult()
        return Int(PQnparams(try collect(sql).last.pointer))
    }

    func prepareOnly(name: String, _ sql: String, types: [UInt32]) throws {
        try requireReady()
        try Self.refuseNUL(sql)
        guard PQsendPrepare(connection, name, sql, Int32(types.count), types) == 1 else {
            throw sendFailure().about(statement: sql)
        }
        try flushForResult()
        _ = try collect(sql)
    }

    func query(prepared name: String, _ sql: String, _ parameters: [Parameter]) throws -> ResultHandle {
        try requireReady()
        let values = try Self.encoded(parameters)
        let sent = values.withPointers {
            PQsendQueryPrepared(connection, name, Int32(parameters.count), $0, nil, nil, 0)
        }
        guard sent == 1 else { throw sendFailure().about(statement: sql) }
        try flushForResult()
        return try collect(sql).last
    }

    func sendQuery(_ sql: String, _ parameters: [Parameter]) throws {
        try requireReady()
        try Self.refuseNUL(sql)
        let values = try Self.encoded(parameters)
        let types = parameters.map(\.typeOID)
        let sent = values.withPointers {
            PQsendQueryParams(connection, sql, Int32(parameters.count), types, $0, nil, nil, 0)
        }
        guard sent == 1 else { throw sendFailure().about(statement: sql) }
        try flushForResult()
    }

    /// A failure to send is not thrown at once: the results may hold what the server said before it hung up.
    func flushForResult() throws {
        do {
            try flush()
        } catch let error as PostgresError where PQstatus(connection) != CONNECTION_BAD {
            throw error
        }
    }

    /// Reads everything the statement gives.
    func collect(_ sql: String) throws -> (last: ResultHandle, count: Int) {
        var count = 0
        let last = try collect(sql) { _ in count += 1 }
        return (last, count)
    }

    /// Gives each result, and returns the last one. The first error wins, after all results have been taken off the wire.
    @discardableResult
    private func collect(_ sql: String, _ take: (ResultHandle) -> Void) throws -> ResultHandle {
        var last: ResultHandle?
        var failure: PostgresError?
        while let result = try nextResult() {
            switch result.status {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
                last = result
                take(result)
            case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
                failure = failure ?? Self.wrongCall("COPY from STDIN or to STDOUT", use: "copyIn or copyOut")
                try abandonCopy(result.status)
            default:
                failure = failure ?? error(from: result)
            }
        }
        if let failure { throw failure.about(statement: sql) }
        if let last { return last }
        throw (isLost ? lost() : PostgresError(.protocolViolation, "the server gave no result")).about(statement: sql)
    }

    /// Takes what is left of a statement off the wire. Throws only when the connection is lost.
    func drain() throws {
        while let result = try nextResult() {
            switch result.status {
            case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH: try abandonCopy(result.status)
            case PGRES_FATAL_ERROR: _ = error(from: result)
            default: break
            }
        }
    }

    func abandonCopy(_ status: ExecStatusType) throws {
        if status == PGRES_COPY_OUT {
            ticket?.cancelOwnStatement()
            try discardCopyData()
        } else {
            try endCopy(error: "this statement was not sent as a COPY")
        }
    }

    static func wrongCall(_ what: String, use: String) -> PostgresError {
        PostgresError(.invalidInput, "\(what) cannot be run here; use \(use)")
    }

    static func refuseNUL(_ sql: String) throws {
        guard !sql.utf8.contains(0) else { throw PostgresError(.invalidInput, "the statement contains a NUL byte") }
    }

    static func encoded(_ parameters: [Parameter]) throws -> CStrings {
        guard parameters.count <= 65_535 else {
            throw PostgresError(.invalidInput, "\(parameters.count) parameters; a statement takes at most 65,535")
        }
        let texts = parameters.map(\.encoded)
        for (index, text) in texts.enumerated() where text?.utf8.contains(0) == true {
            throw PostgresError(
                .invalidInput, "parameter $\(index + 1) contains a NUL byte, which PostgreSQL text cannot hold")
        }
        return CStrings(texts)
    }
}
