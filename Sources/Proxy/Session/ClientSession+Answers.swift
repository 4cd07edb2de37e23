internal import PostgresWire

/// What servers say, and what follows from it.
extension ClientSession {
    enum Reaction { case pass, retry }

    /// The first ErrorResponse of a unit, or a later one.
    /// - Parameter skipped: queries that it makes the server skip, behind messages without Sync.
    func serverFailed(_ server: ServerConnection, _ body: UnsafeRawBufferPointer, skipped: UInt32) -> Reaction {
        defer { syncsAnswered &+= skipped }
        if isOnReplica, !server.hasForwarded, let unit = server.replay.take() {
            // A read has no effects, so it may be asked again. What the primary says is what counts: the replica may be
            // behind in definitions, cancel because of recovery, or refuse a write that nobody could see.
            if let error = ErrorFields(body: body) { current?.replicaRefused(node: server.pool.key.node, error) }
            moveToPrimary(from: server, unit)
            return .retry
        }
        forgetAnnounced(onlyUnconfirmed: true, skipped)
        if Self.isStalePlan(body) { worker.registry.renew() }
        return .pass
    }

    /// "cached plan must not change result type", or "cache lookup failed": a table or type is not what it was when a
    /// statement was prepared. Whoever prepares the same text again must get a new one.
    private static func isStalePlan(_ body: UnsafeRawBufferPointer) -> Bool {
        guard let code = ErrorFields(body: body)?.code else { return false }
        return code == "0A000" || code == "XX000"
    }

    /// The server is gone.
    func serverEnded(_ server: ServerConnection, _ error: ErrorFields) {
        guard self.server === server else { return }
        let wasOnReplica = isOnReplica
        letGo()
        if wasOnReplica, !server.hasForwarded, let unit = server.replay.take() {
            moveToPrimary(from: server, unit)
            return
        }
        if wasOnReplica, server.queue.isEmpty, deferred.place == .replica, !isArranging {
            // Between two statements of a transaction that has only read.
            startsTransactionAnew = true
            deferred.moved()
            return
        }
        isArranging = false
        if hasWritten { noteWrites() }
        end(with: error)
    }

    /// The unit is offered again, to the primary this time.
    private func moveToPrimary(from server: ServerConnection, _ unit: [UInt8]) {
        forgetAnnounced(onlyUnconfirmed: false, 0)
        syncsSent = syncsAnswered
        watch?.takeBack(from: syncsSent)
        letGo()
        avoidsReplicas = true
        if deferred.place == .replica {
            startsTransactionAnew = true
            deferred.moved()
        } else {
            pendingEffects = []
        }
        step = nil
        current?.counters.movedToPrimary += 1
        stream.putBack(unit)
        isBlocked = true
        unblock()
    }

    /// What the server calls a statement is not what its client calls it, and places are those of the text that the server
    /// got. nil: nothing of the kind is in the error.
    func renamed(error body: UnsafeRawBufferPointer) -> [UInt8]? {
        guard !statements.isEmpty || !formerStatements.isEmpty || !textChanges.isEmpty,
            var error = ErrorFields(body: body)
        else { return nil }
        let given = error
        if !textChanges.isEmpty, let index = error.others.firstIndex(where: { $0.type == UInt8(ascii: "P") }),
            let position = Int(error.others[index].value)
        {
            error.others[index].value = "\(textChanges.original(position))"
        }
        if error.message.contains("\"strata_") {
            for (name, statement) in [resolvedStatements, statements, formerStatements].joined() {
                let known = "\"" + String(decoding: statement.name, as: UTF8.self) + "\""
                guard error.message.contains(known) else { continue }
                error.message.replace(known, with: "\"" + String(decoding: name, as: UTF8.self) + "\"")
                break
            }
        }
        guard error != given else { return nil }
        var writer = MessageWriter(reserving: body.count + 64)
        error.write(to: &writer)
        return writer.bytes
    }

    /// ReadyForQuery goes to the client.
    func answered(_ status: TransactionStatus) {
        syncsAnswered &+= 1
        if !announced.isEmpty { settleAnnounced() }
        if let watch { settleCrossings(watch, isOver: status == .idle) }
        guard let server, server.queue.isEmpty else { return }
        if !describing.isEmpty { describing.removeAll() }
        if !textChanges.isEmpty { textChanges = TextChanges() }
        if !resolvedStatements.isEmpty { resolvedStatements = [:] }
        current?.counters.unitTime += worker.loop.now.since(unitStartedAt)
        current?.land(self)
        avoidsReplicas = false
        server.replay.answered()
        if status == .failed, deferred.place == .roaming {
            deferred.bound()
            beginning = []
        }
        if status == .idle {
            touched = 0
            if !beginning.isEmpty { beginning = [] }
            deferred.ended()
            requiresEverything = false
        }
        if status == .idle, hasWritten {
            written.removeAll(keepingCapacity: true)
            hasWrittenAnything = false
        }
    }

    /// Whoever reads these tables from now on must see what this client is told now.
    func noteWrites() {
        current?.noteWrites(self)
    }

    /// NotificationResponse: the process is named by the number that its client was given.
    func notified(_ body: UnsafeRawBufferPointer, serverProcess: Int32) {
        var cursor = ByteCursor(body)
        guard let sender = cursor.int32() else { return }
        let shown = sender == serverProcess ? processID : worker.clientNumber(ofProcess: sender)
        var writer = MessageWriter(reserving: body.count + 8)
        writer.message(BackendTag.notificationResponse) { message in
            message.int32(shown)
            message.raw(cursor.takeRest())
        }
        stream.write(writer.bytes)
    }

    // MARK: Between transactions

    static let pinning: Decision.Effects = [
        .temporary, .listen, .heldCursor, .advisoryLock, .keepsServer, .prepared,
    ]

    /// The server owes nothing and is in no transaction.
    func serverIdle(_ server: ServerConnection) {
        if isArranging { return }
        if isTerminating { return endTerminated(server) }
        if !pendingEffects.isEmpty, takeStock(server) { return }
        if isOnReplica { current?.hasRead(self) }
        if pins.isEmpty, !server.pool.limits.isSession {
            release(server)
        }
        if isBlocked, waitingIn == nil { unblock() }
    }

    /// Within a transaction, all that was asked has been answered: what had to wait for that goes on.
    func serverAnswered() {
        if isTerminating, !isArranging, let server { return endTerminated(server) }
        if isBlocked, waitingIn == nil, !isArranging { unblock() }
    }

    /// The last answer of a client that has said goodbye has come, or the server asks it for data.
    func endTerminated(_ server: ServerConnection) {
        guard phase == .ended else { return stream.endAfterFlush() }
        letGo()
        leave(server)
    }

    /// The client and its server have nothing to do with each other any more.
    func letGo() {
        guard let server else { return }
        // Whatever became of it: from now on the sample after this tells.
        if flown > 0 || fliesAnything { noteWrites() }
        current?.land(self)
        self.server = nil
        if server.client === self { server.client = nil }
        isOnReplica = false
        current?.ended(node: server.pool.key.node)
    }

    func release(_ server: ServerConnection) {
        letGo()
        current?.counters.transactions += 1
        current?.counters.transactionTime += worker.loop.now.since(takenAt)
        server.pool.idle(server)
    }

    /// What the transaction may have changed in the session. - Returns: true where the server has to be asked first.
    private func takeStock(_ server: ServerConnection) -> Bool {
        let effects = pendingEffects
        pendingEffects = []
        if server.pool.limits.isSession {
            // It is nobody else's until it is discarded: only what names mean has to be known, and is not from now on.
            if !effects.isDisjoint(with: [.settings, .discardAll]) { isPathUnknown = true }
            pathID = database?.pathID(for: self) ?? Router.unknownPath
            pendingUnlisted = []
            return false
        }
        if effects.contains(.keepsServer) { pins.insert(.keepsServer) }
        let mayPin = !effects.isDisjoint(with: Self.pinning) || !effects.isDisjoint(with: Self.unpinning)
        guard mayPin || !pins.isEmpty || effects.contains(.settings) else { return false }
        inspect(server, everything: mayPin || !pins.isEmpty)
        return true
    }

    private static let unpinning: Decision.Effects = [
        .unlistenAll, .closeCursors, .advisoryUnlock, .discardTemporary, .deallocateAll, .discardAll,
    ]

    /// Asks what is there now. The client's next unit waits for the answer.
    private func inspect(_ server: ServerConnection, everything: Bool) {
        isArranging = true
        block()
        let unlisted = Set(pendingUnlisted).union(settings.values.keys.filter { $0.contains(".") })
            .union(["role", "session_authorization"])
        pendingUnlisted = []
        server.ask(SessionInventory.sql(unlisted: unlisted.sorted(), everything: everything)) { [self] result in
            isArranging = false
            switch result {
            case .failure(let failure):
                // What the session has is not known: its server goes with it.
                server.isRetired = true
                if phase != .ended { end(with: failure.fields) }
            case .success(let rows): take(SessionInventory(rows, user: user), of: server, everything: everything)
            }
        }
    }

    private func take(_ found: SessionInventory, of server: ServerConnection, everything: Bool) {
        server.settings = SessionSettings(found.settings)
        // RESET leads back to what the client asked for at its start.
        settings = SessionSettings(found.settings.merging(initialSettings.values) { now, _ in now })
        pathID = database?.pathID(for: self) ?? 0
        guard everything else { return }
        pins.subtract(SessionInventory.decided)
        pins.formUnion(found.pins)
        if !found.prepared.isEmpty, pins == .prepared { adopt(found.prepared, from: server) }
    }
}
