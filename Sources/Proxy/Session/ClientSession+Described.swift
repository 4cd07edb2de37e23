internal import PostgresWire

/// Statements whose rows have been described to clients.
extension ClientSession {
    /// The server has said what rows a statement gives.
    func described(_ id: Int32, _ signature: RowSignature) {
        guard let index = describing.firstIndex(where: { $0.id == id }) else { return }
        let statement = describing[index]
        describing.removeSubrange(...index)
        // One that is described anew after ALTER TABLE is prepared anew by whoever holds on to what it was.
        if let told = statement.signature, told != signature { worker.registry.renew() }
        statement.signature = signature
    }

    /// Puts statements on this server that have to be there before the unit comes: those that SQL executes, since only
    /// then one error is the answer where that cannot be; and those that were described to clients. After ALTER TABLE they
    /// may give something else, and clients read rows by what they were told; PostgreSQL refuses that.
    /// - Returns: false where that takes a while.
    func prepareNeeded(_ server: ServerConnection) -> Bool {
        guard !worker.neededStatements.isEmpty, !server.pool.limits.isSession,
            server.queue.transaction != .failed
        else { return true }
        let missing = worker.neededStatements.filter { !server.statements.use($0.id) }
        // Within an open batch nothing can be waited for: a Sync would end its transaction.
        guard !missing.isEmpty, !server.queue.isOpen else { return true }
        block()
        guard server.queue.isBetweenUnits else { return false }
        isArranging = true
        server.prepare(missing) { [self] result in
            isArranging = false
            guard phase != .ended else { return }
            switch result {
            case .success(let signatures):
                let changed = zip(missing, signatures).filter { $0.signature != nil && $0.signature != $1 }.map(\.0)
                if !changed.isEmpty { return resultTypesChanged(changed, server) }
            case .failure(let failure):
                guard isOnReplica else {
                    // A position would be one in the statement's own text, which is not what the client sent now.
                    var fields = failure.fields
                    fields.others.removeAll { $0.type == UInt8(ascii: "P") }
                    refusal = fields
                    break
                }
                // It is gone, or behind in definitions.
                if deferred.place == .replica { startsTransactionAnew = true }
                leaveReplicas()
                letGo()
                if server.phase != .ended { server.close() }
            }
            unblock()
        }
        return false
    }

    private func resultTypesChanged(_ changed: [NamedStatement], _ server: ServerConnection) {
        for statement in changed {
            server.statements.remove(statement.id)
        }
        worker.registry.renew()
        let error = ErrorFields(code: "0A000", message: "cached plan must not change result type")
        guard server.queue.transaction == .idle else { return failTransaction(on: server, with: error) }
        refusal = error
        unblock()
    }
}
