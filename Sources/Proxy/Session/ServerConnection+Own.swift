internal import PostgresWire

/// Requests of our own, whose answers no client sees. Only while nothing else is asked.
extension ServerConnection {
    struct OwnAnswer {
        var rows: [[String?]] = []
        /// Of each Describe, in its turn.
        var signatures: [RowSignature] = []
    }

    struct OwnQuery {
        var answer = OwnAnswer()
        var error: ErrorFields?
        let completion: (Result<OwnAnswer, QueryFailure>) -> Void
    }

    struct QueryFailure: Error { var fields: ErrorFields }

    /// - Parameter closing: names of statements that are closed before; that there is none of a name is no error.
    func ask(
        _ sql: String, closing names: [[UInt8]] = [],
        _ completion: @escaping (Result<[[String?]], QueryFailure>) -> Void
    ) {
        ownQuery = OwnQuery { result in completion(result.map(\.rows)) }
        var writer = MessageWriter(reserving: sql.utf8.count + 8)
        for name in names {
            NamedStatement.writeClose(name, to: &writer)
            queue.sent(.close, own: true)
        }
        queue.sent(.query, own: true)
        // As any simple query, it ends the unnamed statement.
        unnamedOwner = 0
        writer.message(FrontendTag.query) { $0.string(sql) }
        stream.write(writer.bytes)
    }

    /// Puts statements here, and says what rows each of them gives now.
    func prepare(_ missing: [NamedStatement], _ completion: @escaping (Result<[RowSignature], QueryFailure>) -> Void) {
        ownQuery = OwnQuery { result in completion(result.map(\.signatures)) }
        statements.startUnit()
        var writer = MessageWriter(reserving: 512)
        for statement in missing {
            put(statement, isOwn: true, to: &writer)
            statement.writeDescribe(to: &writer)
            queue.sent(.describe, own: true)
        }
        writer.message(FrontendTag.sync)
        queue.sent(.sync, own: true)
        stream.write(writer.bytes)
    }

    /// The Parse of a statement that is not here, and what has to come before it.
    func put(_ statement: NamedStatement, isOwn: Bool, to writer: inout MessageWriter) {
        if let evicted = statements.evict() {
            NamedStatement.writeClose(id: evicted, to: &writer)
            queue.sent(.close, own: true, statement: evicted)
        }
        if statements.takeDoubt(statement.id) {
            NamedStatement.writeClose(statement.name, to: &writer)
            queue.sent(.close, own: true)
        }
        statement.writeParse(to: &writer)
        statements.add(statement.id)
        queue.sent(.parse, own: isOwn, statement: statement.id)
    }

    /// Something under the name of a statement that is not here, for a text that takes the name back or finds it taken.
    func putPlaceholder(_ statement: NamedStatement, to writer: inout MessageWriter) {
        NamedStatement.writeClose(statement.name, to: &writer)
        queue.sent(.close, own: true)
        statement.writePlaceholder(to: &writer)
        queue.sent(.parse, own: true)
        statements.remove(statement.id)
    }

    /// Takes what a client does not see.
    func collectOwn(_ tag: UInt8, _ body: UnsafeRawBufferPointer) {
        guard let own = ownQuery else { return }
        switch tag {
        case BackendTag.dataRow:
            // Only lists of settings are asked for: some hundred rows at most.
            if own.answer.rows.count < 10_000 { ownQuery?.answer.rows.append(Self.row(body)) }
        case BackendTag.rowDescription, BackendTag.noData:
            ownQuery?.answer.signatures.append(RowSignature(tag, body))
        case BackendTag.readyForQuery:
            ownQuery = nil
            if let error = own.error {
                own.completion(.failure(QueryFailure(fields: error)))
            } else {
                own.completion(.success(own.answer))
            }
        default: break
        }
    }

    private static func row(_ body: UnsafeRawBufferPointer) -> [String?] {
        var cursor = ByteCursor(body)
        var row: [String?] = []
        for _ in 0..<(cursor.int16() ?? 0) {
            guard let size = cursor.int32() else { break }
            row.append(size < 0 ? nil : cursor.take(Int(size)).map { String(decoding: $0, as: UTF8.self) })
        }
        return row
    }
}
