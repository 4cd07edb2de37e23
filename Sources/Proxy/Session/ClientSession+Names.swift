internal import PostgresWire
internal import SQLSyntax

/// Which names a client's statements have, when that hangs on answers that are still to come.
extension ClientSession {
    /// A Parse, Close or DEALLOCATE of a name: what it does is done when the server, which may skip it, has come to it.
    struct Announced {
        enum Kind { case parse, close, deallocate }

        var kind: Kind
        var name: [UInt8]
        /// nil: DEALLOCATE of a name that the protocol does not know.
        var statement: NamedStatement?
        /// `syncsSent` when it was sent.
        var sync: UInt32
        /// It was answered, and not with an error.
        var isConfirmed = false

        init(_ kind: Kind, _ name: [UInt8], _ statement: NamedStatement?, sync: UInt32) {
            (self.kind, self.name, self.statement, self.sync) = (kind, name, statement, sync)
        }

        /// The name is taken back by it.
        var isTaking: Bool { kind != .parse }
    }

    /// The answer to the next request of this kind has come.
    func confirm(_ kind: Announced.Kind) {
        guard !announced.isEmpty else { return }
        if let index = announced.firstIndex(where: { !$0.isConfirmed && $0.kind == kind }) {
            announced[index].isConfirmed = true
        }
    }

    /// What was done up to this Sync stays done; a DEALLOCATE that was only bound was not done.
    func settleAnnounced() {
        for entry in announced.reversed() where entry.sync < syncsAnswered {
            if entry.kind == .deallocate, !entry.isConfirmed { undo(entry) } else if entry.isTaking { release(entry) }
        }
        announced.removeAll { $0.sync < syncsAnswered }
    }

    /// Statements whose Parse failed or was skipped do not exist for the client either; those that were to be taken back
    /// and were not do.
    /// - Parameter skipped: queries that the error made the server skip, behind messages without Sync.
    func forgetAnnounced(onlyUnconfirmed: Bool, _ skipped: UInt32) {
        guard !announced.isEmpty else { return }
        // The newest first: a name may have been taken back and given again.
        for index in announced.indices.reversed() {
            let entry = announced[index]
            guard entry.sync &- syncsAnswered <= skipped, !(onlyUnconfirmed && entry.isConfirmed) else { continue }
            announced.remove(at: index)
            undo(entry)
        }
    }

    private func undo(_ entry: Announced) {
        if entry.isTaking {
            if let statement = entry.statement { statements[entry.name] = statement }
        } else if let statement = statements.removeValue(forKey: entry.name) {
            worker.registry.release(statement)
        }
    }

    /// No client's name stands for its statement any more.
    func release(_ entry: Announced) { if let statement = entry.statement { worker.registry.release(statement) } }

    /// A text that the server will run: what it deallocates will be gone, if that succeeds.
    func deallocate(_ query: [UInt8]) {
        guard let server, let decision = query.withUnsafeBytes({ database?.decision(for: $0, client: self) }) else {
            return
        }
        for shape in decision.statements {
            if case .deallocate(let name?, _) = shape.kind { deallocate(name, on: server, sync: syncsSent) }
        }
    }

    func deallocate(_ name: String, on server: ServerConnection, sync: UInt32) {
        let bytes = Array(name.utf8)
        let statement = statements.removeValue(forKey: bytes)
        announced.append(.init(.deallocate, bytes, statement, sync: sync))
        if let statement { server.statements.remove(statement.id) }
    }

    /// What SQL's PREPARE has made becomes a statement of the protocol, which any server may have: the session does not
    /// have to keep its own for it. Not where a text prepares the same name twice: who knows how far it came.
    func adopt(_ prepared: [SessionInventory.Prepared], from server: ServerConnection) {
        var adopted: [(name: [UInt8], query: String, types: [UInt8])] = []
        for statement in prepared {
            // A name of ours is on the server for others as well. What is not UTF-8 has lost letters on its way here.
            guard !statement.name.hasPrefix("strata_"), !(statement.name + statement.text).contains("\u{FFFD}"),
                let query = StatementReader.preparedQuery(named: statement.name, in: statement.text)
            else { return }
            var types = MessageWriter(reserving: 2 + 4 * statement.types.count)
            types.int16(Int16(clamping: statement.types.count))
            for type in statement.types { types.int32(Int32(bitPattern: type)) }
            adopted.append((Array(statement.name.utf8), query, types.bytes))
        }
        isArranging = true
        block()
        let sql = prepared.map { "DEALLOCATE \(SQL.identifier($0.name))" }.joined(separator: "; ")
        server.ask(sql) { [self] result in
            isArranging = false
            guard case .success = result, phase != .ended else {
                server.isRetired = true
                return
            }
            pins.remove(.prepared)
            for (name, var query, types) in adopted {
                if let former = statements[name] { worker.registry.release(former) }
                statements[name] = query.withUTF8 { query in
                    types.withUnsafeBytes {
                        worker.registry.take(query: UnsafeRawBufferPointer(query), parameterTypes: $0)
                    }
                }
            }
        }
    }
}
