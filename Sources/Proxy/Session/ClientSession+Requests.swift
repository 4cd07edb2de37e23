internal import PostgresWire
internal import SQLSyntax

extension ClientSession {
    /// What a unit asks for. nil: it broke the protocol, and the session is over.
    func analyse(_ unit: UnsafeRawBufferPointer, isLarge: Bool) -> UnitPlan? {
        guard let database, var plan = analyse(unit, isLarge: isLarge, in: database) else { return nil }
        if case .oneOf(let choices) = plan.place { plan.place = .database(choice(among: choices)) }
        guard case .database(let index) = plan.place, index != 0, database.routesSchemas,
            var foreign = analyse(unit, isLarge: isLarge, in: worker.inOrder[index])
        else { return plan }
        // Its own catalog says what the statements do there.
        foreign.place = plan.place
        return foreign
    }

    private func analyse(_ unit: UnsafeRawBufferPointer, isLarge: Bool, in database: WorkerDatabase) -> UnitPlan? {
        var plan = UnitPlan()
        // Mostly one: `removeAll` would take a general way through the array.
        while !worker.unitDecisions.isEmpty { worker.unitDecisions.removeLast() }
        while !worker.neededStatements.isEmpty { worker.neededStatements.removeLast() }
        while !worker.crossingSteps.isEmpty { worker.crossingSteps.removeLast() }
        var parsed: [CrossingStep] = []
        if isLarge { add(.tooLong, to: &plan, database) }
        var offset = 0
        var hasUnnamedParse = false
        while offset < unit.count {
            guard
                case .header(let header) = FrameHeader.read(UnsafeRawBufferPointer(rebasing: unit[offset...]))
            else { return nil }
            let body = UnsafeRawBufferPointer(
                rebasing: unit[(offset + FrameHeader.byteCount)..<(offset + header.frameCount)])
            switch header.tag {
            case FrontendTag.query:
                guard let text = queryText(body: body) else { return broken() }
                let decision = database.decision(for: text, client: self)
                if decision.effects.contains(.prepared) { needExecuted(decision) }
                add(decision, to: &plan, database)
                plan.isQuery = true
            case FrontendTag.parse:
                guard let message = ParseMessage(body: body) else { return broken() }
                if !message.name.isEmpty { plan.usesNames = true }
                let counted = worker.crossingSteps.count
                add(database.decision(for: message.query, client: self), to: &plan, database)
                if message.name.isEmpty { hasUnnamedParse = true }
                // Nothing has run yet: its Bind counts.
                if worker.crossingSteps.count > counted || !parsed.isEmpty {
                    if message.name.isEmpty { parsed = Array(worker.crossingSteps[counted...]) }
                    worker.crossingSteps.removeSubrange(counted...)
                }
            case FrontendTag.bind:
                guard let message = BindMessage(body: body) else { return broken() }
                if !message.portal.isEmpty { plan.namesPortal = true }
                if !message.statement.isEmpty { plan.usesNames = true }
                // Its Parse, in this very unit, has been counted.
                if message.statement.isEmpty, hasUnnamedParse {
                    if !parsed.isEmpty { worker.crossingSteps.append(contentsOf: parsed) }
                    break
                }
                addStatement(
                    message.statement, to: &plan, database, isRun: true,
                    after: UnsafeRawBufferPointer(rebasing: unit[..<offset]))
            case FrontendTag.describe:
                guard let target = NamedTarget(body: body) else { return broken() }
                guard target.isStatement else { break }
                if !target.name.isEmpty { plan.usesNames = true }
                addStatement(
                    target.name, to: &plan, database, isRun: false,
                    after: UnsafeRawBufferPointer(rebasing: unit[..<offset]))
            case FrontendTag.close:
                guard let target = NamedTarget(body: body) else { return broken() }
                if target.isStatement { plan.usesNames = true }
            case FrontendTag.functionCall: add(.functionCall, to: &plan, database)
            case FrontendTag.sync: plan.hasSync = true
            default: break
            }
            offset += header.frameCount
        }
        return plan
    }

    private func broken() -> UnitPlan? {
        violation("invalid message format")
        return nil
    }

    @inline(__always)
    private func add(_ decision: Decision, to plan: inout UnitPlan, _ database: WorkerDatabase) {
        if decision.effects.contains(.prepared), !statements.isEmpty, addKnown(decision, to: &plan, database) { return }
        addWhole(decision, to: &plan, database)
        plan.pending.formUnion(decision.effects)
    }

    @inline(__always)
    private func addWhole(_ decision: Decision, to plan: inout UnitPlan, _ database: WorkerDatabase) {
        worker.unitDecisions.append(decision)
        if !decision.crossing.isEmpty { worker.crossingSteps.append(contentsOf: decision.crossing) }
        plan.touched |= decision.schemaBits
        if decision.isWriting { plan.isWriting = true }
        if decision.access.rawValue > plan.access.rawValue { plan.access = decision.access }
        plan.effects.formUnion(decision.effects)
        if case .anywhere = decision.place {} else { plan.add(decision.place) }
        if decision.access == .read, database.hasReplicas {
            plan.required = max(plan.required, database.required(decision))
        }
    }

    /// - Parameter unit: what stands before it.
    private func addStatement(
        _ name: UnsafeRawBufferPointer, to plan: inout UnitPlan, _ database: WorkerDatabase, isRun: Bool,
        after unit: UnsafeRawBufferPointer
    ) {
        guard !name.isEmpty else {
            guard isRun, let unnamed else { return }
            add(unnamed.query.withUnsafeBytes { database.decision(for: $0, client: self) }, to: &plan, database)
            return
        }
        guard let statement = statement(named: name) else { return }
        if statement.signature != nil, !Self.isMadeAnew(name, before: unit) { need(statement) }
        guard isRun else { return }
        add(database.decision(for: statement, client: self), to: &plan, database)
    }

    private func need(_ statement: NamedStatement) {
        guard !worker.neededStatements.contains(where: { $0 === statement }) else { return }
        worker.neededStatements.append(statement)
    }

    // MARK: Statements that SQL names

    /// What a text executes has to be on the server before the text comes.
    private func needExecuted(_ decision: Decision) {
        for shape in decision.statements {
            if let statement = executed(by: shape) { need(statement) }
        }
    }

    private func executed(by shape: StatementShape) -> NamedStatement? {
        if case .execute(let name, _) = shape.kind { return statements[Array(name.utf8)] }
        return shape.executes.flatMap { statements[Array($0.name.utf8)] }
    }

    /// EXECUTE of what is known belongs where that belongs; alone in its text, it does no more than that does, and the
    /// session need not be asked what became of it.
    /// - Returns: false where the text counts as it is.
    private func addKnown(_ decision: Decision, to plan: inout UnitPlan, _ database: WorkerDatabase) -> Bool {
        var known: Decision?
        for shape in decision.statements {
            guard let statement = executed(by: shape) else { continue }
            let own = database.decision(for: statement, client: self)
            known = own
            plan.add(own.place)
        }
        guard decision.statements.count == 1 else { return false }
        switch decision.statements[0].kind {
        case .execute:
            guard let known, !known.effects.contains(.prepared) else { return false }
            addWhole(known.executed(by: decision), to: &plan, database)
            plan.pending.formUnion(known.effects)
        case .deallocate(let name?, _):
            guard statements[Array(name.utf8)] != nil else { return false }
            addWhole(decision, to: &plan, database)
        default: return false
        }
        return true
    }

    /// Whether a Parse or Close before it, in the same unit, ends what the name meant.
    private static func isMadeAnew(_ name: UnsafeRawBufferPointer, before: UnsafeRawBufferPointer) -> Bool {
        var offset = 0
        while offset < before.count,
            case .header(let header) = FrameHeader.read(UnsafeRawBufferPointer(rebasing: before[offset...]))
        {
            let body = UnsafeRawBufferPointer(
                rebasing: before[(offset + FrameHeader.byteCount)..<(offset + header.frameCount)])
            offset += header.frameCount
            switch header.tag {
            case FrontendTag.parse:
                if let parse = ParseMessage(body: body), parse.name.elementsEqual(name) { return true }
            case FrontendTag.close:
                if let target = NamedTarget(body: body), target.isStatement, target.name.elementsEqual(name) {
                    return true
                }
            default: break
            }
        }
        return false
    }

    // MARK: Sending

    func send(_ unit: UnsafeRawBufferPointer, _ plan: UnitPlan, to server: ServerConnection) {
        if server.queue.isEmpty {
            server.hasForwarded = false
            server.statements.startUnit()
        }
        if plan.isWriting {
            for decision in worker.unitDecisions where decision.isWriting {
                written.append(contentsOf: decision.writes)
                if decision.writesAnything { hasWrittenAnything = true }
            }
        }
        if !plan.effects.isEmpty {
            pendingEffects.formUnion(plan.pending)
            if plan.effects.contains(.catalog) { worker.freeClaimedDatabases() }
        }
        // It ends the transaction, or is one itself.
        if hasWritten, server.queue.transaction == .idle || plan.effects.contains(.transaction) {
            current?.takeOff(self)
        }
        if isOnReplica {
            server.replay.keep(unit, holdsBack: plan.hasSync || unit.first == FrontendTag.query)
        }
        current?.counters.units += 1
        current?.counters.received += unit.count
        unitStartedAt = worker.loop.now
        if isOnReplica { current?.counters.onReplicas += 1 }
        guard !unit.isEmpty else { return }
        touched |= plan.touched
        if !worker.crossingSteps.isEmpty { watchCrossings(plan, server) }
        if isOnReplica && deferred.place == .replica || deferred.place == .roaming { remember(unit, plan) }
        if unit[0] == FrontendTag.query {
            sendQuery(unit, plan, to: server)
        } else {
            if !plan.effects.isEmpty { noteExtended() }
            sendExtended(unit, to: server)
        }
        if server.stream.isCongested { stream.pause() }
    }

    private func sendQuery(_ unit: UnsafeRawBufferPointer, _ plan: UnitPlan, to server: ServerConnection) {
        // Behind an error of the extended protocol it is skipped, and has no ReadyForQuery.
        if server.queue.isAnswered(.query) {
            syncsSent &+= 1
            // A simple query ends the unnamed statement.
            if unnamed != nil { unnamed = nil }
            server.unnamedOwner = 0
        }
        isQueryWithinBatch = server.queue.isOpen
        server.queue.sent(.query)
        if !plan.effects.isEmpty, let changed = adjusted(unit, plan, server) {
            server.stream.write(changed)
        } else {
            server.stream.write(unit)
        }
    }

    private func sendExtended(_ unit: UnsafeRawBufferPointer, to server: ServerConnection) {
        var rewriter = UnitRewriter(client: self, server: server, unit: unit, scratch: worker.takeScratch())
        if rewriter.rewrite() {
            rewriter.output.bytes.withUnsafeBytes { server.stream.write($0) }
        } else {
            server.stream.write(unit)
        }
        worker.giveBackScratch(rewriter.takeOutput())
        // Local answers that were due at once.
        stream.flush()
    }

    func keepUnnamed(_ message: ParseMessage, _ serial: UInt64) {
        guard unnamed != nil else {
            unnamed = UnnamedStatement(
                query: Array(message.query), parameterTypes: Array(message.parameterTypes), serial: serial)
            return
        }
        // The room of the last one is used again.
        unnamed?.query.removeAll(keepingCapacity: message.query.count <= 1024)
        unnamed?.query.append(contentsOf: message.query)
        unnamed?.parameterTypes.removeAll(keepingCapacity: true)
        unnamed?.parameterTypes.append(contentsOf: message.parameterTypes)
        unnamed?.serial = serial
        unnamed?.namesOthers = false
    }

    /// An answer that no server gives: ParseComplete, CloseComplete.
    func replyLocally(_ tag: UInt8) {
        confirm(tag == BackendTag.closeComplete ? .close : .parse)
        if let server, server.replay.holdsBack { return server.replay.hold(tag) }
        server?.hasForwarded = true
        stream.append([tag, 0, 0, 0, 4])
    }
}
