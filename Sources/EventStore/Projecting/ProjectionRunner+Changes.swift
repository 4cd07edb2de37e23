import PostgresDriver

/// What events change.
extension ProjectionRunner {
    /// Carries out the statements of these events, in their order: those of hundreds of events go to the server together, and
    /// are answered together. Within a transaction, which is to be rolled back where one fails.
    ///
    /// - Parameter failing: called before it throws, with the number of the event whose fault it is.
    /// - Throws: `JSONError`, `PostgresError`.
    func change(
        _ events: [StoredEvent], _ connection: Connection, failing: (Int) -> Void = { _ in }
    ) async throws {
        var packet = ProjectionPacket()
        for (number, event) in events.enumerated() {
            guard let statements = projection.statements[event.type] else { continue }
            failing(number)
            let values = try ProjectionValues(event)
            for statement in statements {
                failing(number)
                packet.add(
                    PipelineCall(
                        try await preparedStatement(statement, connection),
                        statement.parameters.map { values.value($0) }), of: number)
                // Also within one event: a file may have many statements that each take the whole payload.
                if packet.isFull { try await send(&packet, connection, failing) }
            }
        }
        try await send(&packet, connection, failing)
    }

    private func send(
        _ packet: inout ProjectionPacket, _ connection: Connection, _ failing: (Int) -> Void
    ) async throws {
        let sent = packet
        packet = ProjectionPacket()
        guard let failure = try await connection.pipeline(sent.calls) else { return }
        failing(sent.numbers[failure.index])
        throw failure.error
    }

    private func preparedStatement(
        _ statement: ProjectionStatement, _ connection: Connection
    ) async throws -> PreparedStatement {
        if let known = prepared[statement] { return known }
        let new = try await connection.prepare(statement.sql)
        prepared[statement] = new
        return new
    }
}

/// Statements that go to the server together, of a bounded size.
struct ProjectionPacket {
    private static let most = (calls: 1_000, bytes: 1 << 20)

    private(set) var calls: [PipelineCall] = []
    /// Of each call, the number of its event.
    private(set) var numbers: [Int] = []
    private var bytes = 0

    mutating func add(_ call: PipelineCall, of number: Int) {
        calls.append(call)
        numbers.append(number)
        bytes += call.parameters.reduce(64) { $0 + ($1.encoded?.utf8.count ?? 0) }
    }

    var isFull: Bool { calls.count >= Self.most.calls || bytes >= Self.most.bytes }
}
