internal import PostgresWire

/// What a unit asks of a server, from the decisions about its statements.
struct UnitPlan {
    var access = Decision.Access.anywhere
    var effects: Decision.Effects = []
    /// Those that the session has to be asked about afterwards: not EXECUTE and DEALLOCATE of what is known.
    var pending: Decision.Effects = []
    var required: UInt64 = 0
    var isWriting = false
    var hasSync = false
    /// A simple query, which is answered as Sync is.
    var isQuery = false
    var endsTransaction: Bool { hasSync || isQuery }
    /// A portal with a name, which lives on in the transaction.
    var namesPortal = false
    /// It names statements, or gives names to some.
    var usesNames = false
    /// Which database of the layout.
    var place = Decision.Place.anywhere
    /// Schemas, as `Decision.schemaBits`.
    var touched: UInt64 = 0

    /// The index of the one database that it needs; nil: any will do.
    var database: Int? {
        if case .database(let index) = place { return index }
        return nil
    }

    /// Another statement of the unit.
    mutating func add(_ other: Decision.Place) {
        switch (place, other) {
        case (.anywhere, _), (.unresolved, .database), (.unresolved, .oneOf), (.unresolved, .several),
            (.unresolved, .missing), (.unresolved, .unknown):
            place = other
        case (.oneOf(let left), .oneOf(let right)):
            let both = left.filter { right.contains($0) }
            place = both.isEmpty ? Self.several(left[0], right[0]) : .oneOf(both)
        case (.oneOf(let choices), .database(let index)), (.database(let index), .oneOf(let choices)):
            place = choices.contains(index) ? .database(index) : Self.several(choices[0], index)
        case (.database(let left), .database(let right)) where left != right:
            place = Self.several(left, right)
        case (.database, .several), (.database, .missing), (.database, .unknown), (.oneOf, .several),
            (.oneOf, .missing), (.oneOf, .unknown):
            place = other
        default: break
        }
    }

    private static func several(_ one: Int, _ other: Int) -> Decision.Place {
        .several([.init(database: one, name: "a statement"), .init(database: other, name: "another statement")])
    }
}

extension ClientSession {
    /// Takes whole units from the front.
    func receivedRequests(_ bytes: UnsafeRawBufferPointer) -> Int {
        var offset = 0
        while offset < bytes.count, phase == .ready, !isBlocked {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            if passThrough > 0 {
                offset += passOn(rest)
                continue
            }
            // The server is behind: what is here stays here.
            if let server, server.stream.isCongested {
                stream.pause()
                break
            }
            var found = UnitScan.next(rest)
            if case .part(let count) = found {
                let part = UnsafeRawBufferPointer(rebasing: rest[..<count])
                if maySendAhead(part) {
                    guard sendAhead(part) else { return offset }
                    offset += count
                    continue
                }
                // It may have broken the protocol.
                guard phase == .ready else { return bytes.count }
                found = UnitScan.next(rest, parts: false)
            }
            switch found {
            case .needsMore, .part: return offset
            case .invalid(let tag):
                violation("invalid frontend message type \(tag)")
                return bytes.count
            case .terminate:
                terminate()
                return bytes.count
            case .unit(let count):
                guard dispatch(UnsafeRawBufferPointer(rebasing: rest[..<count]), isLarge: false) else { return offset }
                offset += count
            case .copy(let count):
                sendCopy(UnsafeRawBufferPointer(rebasing: rest[..<count]))
                offset += count
            case .partialCopy(let header):
                // Without a server that copies nobody wants it: dropped, as PostgreSQL does.
                server?.hasForwarded = true
                passThrough = header.frameCount
            case .large(let whole):
                guard let taken = dispatchLarge(rest, whole: whole) else { return offset }
                offset += taken
            }
        }
        return offset
    }

    /// What was asked before is done and answered first, as PostgreSQL does it.
    private func terminate() {
        // A server that waits for copied data waits for ever.
        guard let server, !server.queue.isEmpty || isArranging, !server.queue.isCopyingIn else {
            return stream.endAfterFlush()
        }
        isTerminating = true
        block()
    }

    private func passOn(_ bytes: UnsafeRawBufferPointer) -> Int {
        let count = min(passThrough, bytes.count)
        passThrough -= count
        if let server {
            server.stream.write(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
            if server.stream.isCongested { stream.pause() }
        }
        return count
    }

    private func sendCopy(_ bytes: UnsafeRawBufferPointer) {
        guard let server else { return }
        if bytes[0] != FrontendTag.copyData { server.queue.sentCopyEnd() }
        server.stream.write(bytes)
        if server.stream.isCongested { stream.pause() }
    }

    /// - Returns: false where the unit has to wait; it is offered again.
    func dispatch(_ unit: UnsafeRawBufferPointer, isLarge: Bool) -> Bool {
        if isSkippingToSync {
            skip(unit)
            return true
        }
        if isRefused, let error = refusal {
            refusal = nil
            refuse(unit, error)
            return true
        }
        if waitingIn != nil || isArranging {
            block()
            return false
        }
        guard let plan = analyse(unit, isLarge: isLarge) else { return true }
        if let server {
            // The server reads nothing of it but Sync: there is nothing to prepare, and nothing to wait for.
            if server.queue.isSkipping, server.phase == .ready {
                send(unit, plan, to: server)
                return true
            }
            // Parts of what is large are not waited for: the server answers none of them before the end.
            // EXECUTE and DEALLOCATE in SQL: the statement may have to be put on the server first, and only a server that
            // has answered says whether that can be done.
            if plan.effects.contains(.prepared), !server.queue.isEmpty, !server.queue.isOpen, !isLarge,
                !server.pool.limits.isSession
            {
                block()
                return false
            }
            // A name that a batch before gives or takes back means what the server makes of it, which may be an error.
            if plan.usesNames, !server.queue.isEmpty, !isLarge,
                server.queue.pendingParses > 0 || announced.contains(where: { $0.sync != syncsSent })
                    || !pendingEffects.isDisjoint(with: [.discardAll, .deallocateAll])
            {
                block()
                return false
            }
            // An error of the query that runs speaks of places in a text that was changed.
            guard server.phase == .ready, textChanges.isEmpty || server.queue.isEmpty || isLarge else {
                block()
                return false
            }
            // One unit at a time on a replica, so that it can be asked elsewhere if the replica fails.
            if isOnReplica, !server.queue.isEmpty {
                block()
                return false
            }
        }
        switch checkPlace(plan) {
        case .go: break
        case .wait: return false
        case .refuse(let error):
            refuse(unit, error)
            return true
        }
        if !worker.pausedSchemas.isEmpty, worker.isHeld(self) {
            worker.hold(self)
            block()
            return false
        }
        if mayDefer, deferTransaction(unit, plan) { return true }
        if server != nil {
            // It has one already.
        } else if isPureSync(unit) {
            // Nothing is open and nothing was asked: no server is needed to say so.
            stream.write(BackendMessages.readyForQuery(localStatus))
            return true
        } else if !findServer(plan) {
            guard let error = refusal else { return false }
            refusal = nil
            refuse(unit, error)
            return true
        }
        guard let server, arrange(server, plan), prepareNeeded(server) else { return false }
        if startsTransactionAnew { beginAnew(on: server) }
        send(unit, plan, to: server)
        step = nil
        return true
    }

    /// - Returns: false where the client has to wait for one.
    private func findServer(_ plan: UnitPlan) -> Bool {
        guard let database = target(plan) else { return false }
        enter(database)
        if waitingIn == nil { waitingSince = worker.loop.now }
        let node =
            mayUseReplica(plan) && !avoidsReplicas
            ? database.chooseReplica(plan, for: self) ?? database.primary : database.primary
        // A transaction that was to run on a replica runs on the primary from its beginning.
        if node == database.primary, case .replica? = step {
            deferred.moved(isNeutral: plan.access == .anywhere)
            step = .primary
        }
        let pool = database.pool(node: node, user: user)
        guard let found = pool.acquire(for: self) else {
            if waitingIn != nil {
                block()
            } else if refusal == nil {
                // The replica cannot be reached: the primary is asked.
                return findServer(plan)
            }
            return false
        }
        take(found)
        return true
    }

    func take(_ server: ServerConnection) {
        self.server = server
        server.client = self
        server.hasForwarded = false
        server.replay.reset()
        waitingIn = nil
        isOnReplica = server.pool.key.node != current?.primary
        if isOnReplica { preferredReplica = server.pool.key.node }
        current?.began(node: server.pool.key.node)
        takenAt = worker.loop.now
        unitStartedAt = takenAt
        current?.counters.waited += takenAt.since(waitingSince)
    }

    /// A pool found a server for this client, which waited.
    func assigned(_ server: ServerConnection) {
        take(server)
        if phase == .waitingForWelcome {
            startup?.welcome = server.reported
            if server.pool.limits.isSession { worker.adopt(server.processID, for: self) }
            welcome()
            if !server.pool.limits.isSession { release(server) }
            return
        }
        unblock()
        // The client may have gone, or its unit have been answered meanwhile.
        if self.server === server, server.queue.isIdle, !isArranging, pins.isEmpty, !server.pool.limits.isSession {
            release(server)
        }
    }

    /// A pool has none and will have none.
    func refused(_ error: ErrorFields, node: Int) {
        waitingIn = nil
        if phase == .waitingForWelcome { return end(with: error) }
        if node != current?.primary, !avoidsReplicas {
            leaveReplicas()
            return unblock()
        }
        var shown = error
        shown.severity = "ERROR"
        refusal = shown
        unblock()
    }

    /// The unit at hand goes to the primary, and a transaction with it from its beginning.
    func leaveReplicas() {
        avoidsReplicas = true
        guard case .replica? = step else { return }
        deferred.moved()
        step = .primary
    }

    /// Brings the server's settings to this client's. - Returns: false where that takes a while.
    private func arrange(_ server: ServerConnection, _ plan: UnitPlan) -> Bool {
        guard server.queue.isBetweenUnits, server.queue.transaction == .idle, pins.isEmpty else { return true }
        // Better no value, which PostgreSQL calls not yet defined, than another client's.
        let forgetsSequences = plan.effects.contains(.sequenceState) && server.sequenceOwner != processID
        if !server.strayNames.isEmpty || (server.settings !== settings && server.settings != settings)
            || forgetsSequences
        {
            return change(server, forgetsSequences)
        }
        return true
    }

    private func change(_ server: ServerConnection, _ forgetsSequences: Bool) -> Bool {
        let strays = server.strayNames
        server.strayNames = []
        var statements: [String] = []
        if forgetsSequences { statements.append("DISCARD SEQUENCES") }
        if let change = server.settings.change(to: settings) { statements.append(change) }
        guard !statements.isEmpty || !strays.isEmpty else { return true }
        isArranging = true
        block()
        server.ask(statements.joined(separator: "; "), closing: strays) { [self] result in
            isArranging = false
            switch result {
            case .success:
                server.settings = settings
                server.sequenceOwner = processID
            case .failure(let failure):
                server.isRetired = true
                guard phase != .ended else { return }
                if isOnReplica { leaveReplicas() } else { refusal = failure.fields }
                if self.server === server {
                    letGo()
                    server.close()
                }
            }
            guard phase != .ended else { return }
            unblock()
        }
        return false
    }

    // MARK: Refusals

    /// Answers a unit with an error, as PostgreSQL would.
    func refuse(_ unit: UnsafeRawBufferPointer, _ error: ErrorFields) {
        // A transaction that no server has heard of has failed with it.
        if startsTransactionAnew || deferred.place == .held {
            deferred.failed()
            beginning = []
            startsTransactionAnew = false
        }
        step = nil
        var writer = MessageWriter(reserving: 256)
        error.write(to: &writer)
        current?.counters.refusals += 1
        if unit.isEmpty || unit.first == FrontendTag.query || unit.first == FrontendTag.functionCall
            || Self.endsWithSync(unit)
        {
            writer.raw(BackendMessages.readyForQuery(localStatus))
        } else {
            isSkippingToSync = true
        }
        stream.write(writer.bytes)
    }

    private func isPureSync(_ unit: UnsafeRawBufferPointer) -> Bool {
        unit.count == FrameHeader.byteCount && (unit[0] == FrontendTag.sync)
    }

    private func skip(_ unit: UnsafeRawBufferPointer) {
        guard Self.endsWithSync(unit) else { return }
        isSkippingToSync = false
        stream.write(BackendMessages.readyForQuery(localStatus))
    }

    private var localStatus: TransactionStatus {
        if let server { return server.queue.transaction }
        return switch deferred.place {
        case .none, .replica, .roaming: .idle
        case .held: .inTransaction
        case .failed: .failed
        }
    }

    static func endsWithSync(_ unit: UnsafeRawBufferPointer) -> Bool {
        // A Sync is five bytes: S 0 0 0 4. Units of several frames end with it or with Flush (H).
        unit.count >= 5 && unit[unit.count - 5] == FrontendTag.sync && unit[unit.count - 1] == 4
            && unit[unit.count - 2] == 0
            && unit[0] != FrontendTag.query && unit[0] != FrontendTag.functionCall
    }
}
