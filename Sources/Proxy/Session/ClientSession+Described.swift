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

    /// A statement that was described to clients and is not on this server: what it gives there is asked first. After
    /// ALTER TABLE it may be something else, and clients read rows by what they were told; PostgreSQL refuses that.
    /// - Returns: false where that takes a while.
    func prepareDescribed(_ server: ServerConnection) -> Bool {
        guard !worker.describedStatements.isEmpty, !server.pool.limits.isSession,
            server.queue.transaction != .failed
        else { return true }
        let missing = worker.describedStatements.filter { !server.statements.use($0.id) }
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
                let changed = zip(missing, signatures).filter { $0.signature != $1 }.map(\.0)
                if !changed.isEmpty { return resultTypesChanged(changed, server) }
            case .failure(let failure):
                guard isOnReplica, server.phase == .ended else {
                    refusal = failure.fields
                    break
                }
                if deferred.place == .replica { startsTransactionAnew = true }
                leaveReplicas()
                letGo()
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
