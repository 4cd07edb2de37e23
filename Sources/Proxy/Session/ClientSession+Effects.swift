internal import PostgresWire
internal import SQLSyntax

/// Statements that a proxy has to take part in.
extension ClientSession {
    /// For a simple query whose decision has effects: bookkeeping, and the text in another form where a server knows a
    /// statement by another name. nil: it goes as it is.
    func adjusted(_ unit: UnsafeRawBufferPointer, _ plan: UnitPlan, _ server: ServerConnection) -> [UInt8]? {
        var replacements: [(place: Range<Int>, name: [UInt8])] = []
        for decision in worker.unitDecisions where !decision.effects.isEmpty {
            pendingUnlisted.append(contentsOf: decision.unlistedSettings)
            for shape in Self.beforeAllEnd(decision.statements) { note(shape, server, &replacements) }
        }
        guard !replacements.isEmpty else { return nil }
        // Places count from the start of the text, which begins behind the header.
        let text = textChanges.apply(replacements, to: Array(unit[FrameHeader.byteCount..<(unit.count - 1)]))
        var writer = MessageWriter(reserving: text.count + 8)
        writer.message(FrontendTag.query) { body in
            body.raw(text)
            body.byte(0)
        }
        return writer.bytes
    }

    /// For a text of the extended protocol: with the names that servers know, or nil where it names none that is known.
    /// - Parameters:
    ///   - put: puts a statement on the server; with false, its name is all that is needed.
    ///   - before: called before the first is put there.
    func renamed(
        _ query: UnsafeRawBufferPointer, _ put: (NamedStatement, Bool) -> Void, before: () -> Void
    ) -> [UInt8]? {
        guard !statements.isEmpty, let decision = database?.decision(for: query, client: self),
            decision.effects.contains(.prepared)
        else { return nil }
        var text = Array(query)
        var isChanged = false
        for shape in Self.beforeAllEnd(decision.statements).reversed() {
            guard let named = Named(shape), let statement = statements[Array(named.name.utf8)],
                named.place.upperBound <= text.count
            else { continue }
            if !isChanged { before() }
            isChanged = true
            put(statement, named.isRun)
            resolvedStatements[Array(named.name.utf8)] = statement
            text.replaceSubrange(named.place, with: statement.name)
        }
        return isChanged ? text : nil
    }

    /// How a statement of a text names another.
    private struct Named {
        var name: String
        var place: Range<Int>
        /// It is executed. Else the name is enough: PREPARE of one that is taken fails, DEALLOCATE takes it back.
        var isRun = true
        var isDeallocated = false

        init?(_ shape: StatementShape) {
            switch shape.kind {
            case .execute(let name, let place): (self.name, self.place) = (name, place)
            case .prepare(let name, let place): (self.name, self.place, isRun) = (name, place, false)
            case .deallocate(let name?, let place):
                (self.name, self.place, isRun, isDeallocated) = (name, place, false, true)
            default:
                guard let executed = shape.executes else { return nil }
                (name, place) = (executed.name, executed.place)
            }
        }
    }

    /// What stands in front of DEALLOCATE ALL or DISCARD ALL: behind it names are those that the text itself gives.
    private static func beforeAllEnd(_ shapes: [StatementShape]) -> ArraySlice<StatementShape> {
        shapes.prefix { shape in
            switch shape.kind {
            case .deallocate(nil, _), .discardAll: false
            default: true
            }
        }
    }

    /// Whether a statement's text names another statement.
    func namesOthers(_ statement: NamedStatement) -> Bool {
        database?.decision(for: statement, client: self).effects.contains(.prepared) ?? false
    }

    /// A unit of the extended protocol.
    func noteExtended() {
        for decision in worker.unitDecisions where !decision.effects.isEmpty {
            pendingUnlisted.append(contentsOf: decision.unlistedSettings)
        }
    }

    /// The server has done something that ends statements, as its tag says.
    func completed(_ tag: UnsafeRawBufferPointer, on server: ServerConnection) {
        if tag.elementsEqual("DEALLOCATE\0".utf8) { return confirm(.deallocate) }
        let isDiscard = tag.elementsEqual("DISCARD ALL\0".utf8)
        guard isDiscard || tag.elementsEqual("DEALLOCATE ALL\0".utf8) else { return }
        for statement in statements.values { worker.registry.release(statement) }
        formerStatements = statements
        statements = [:]
        // A Close that is skipped behind an error later brings nothing back.
        for entry in announced where entry.isTaking { release(entry) }
        announced.removeAll(where: \.isTaking)
        server.statements.doubtAll()
        server.strayNames = []
        guard isDiscard, pins.contains(.keepsServer) else { return }
        // What LOAD has brought stays, whatever is discarded.
        pins.remove(.keepsServer)
        server.isRetired = true
    }

    private func note(
        _ shape: StatementShape, _ server: ServerConnection, _ replacements: inout [(place: Range<Int>, name: [UInt8])]
    ) {
        guard let named = Named(shape) else { return }
        if let statement = statements[Array(named.name.utf8)], isOnServer(statement, named, server) {
            replacements.append((named.place, statement.name))
            // Several names may stand for one text: errors are to say this one.
            resolvedStatements[Array(named.name.utf8)] = statement
        }
        // The query has been counted already.
        if named.isDeallocated { deallocate(named.name, on: server, sync: syncsSent &- 1) }
    }

    /// SQL names a statement of the protocol: it has to be there before the query comes.
    private func isOnServer(_ statement: NamedStatement, _ named: Named, _ server: ServerConnection) -> Bool {
        // Within a transaction that failed nothing can be prepared, and nothing executed either; nor behind an error.
        guard !server.queue.isSkipping else { return false }
        if server.statements.use(statement.id) { return true }
        guard server.queue.transaction != .failed else { return false }
        var writer = MessageWriter(reserving: statement.query.count + 64)
        var requests: [(request: ResponseQueue.Request, statement: Int32)] = [(.close, -1)]
        // The name may still be there.
        NamedStatement.writeClose(statement.name, to: &writer)
        if named.isRun {
            // `prepareNeeded` could not do it: within a batch an error of this Parse makes the server skip the query.
            statement.writeParse(to: &writer)
            requests.append((.parse, statement.id))
            server.statements.add(statement.id)
        } else {
            statement.writePlaceholder(to: &writer)
            requests.append((.parse, -1))
            server.statements.remove(statement.id)
        }
        // Where the client has not sent the Sync of what stands before, ours would end it.
        if !isQueryWithinBatch {
            writer.message(FrontendTag.sync)
            requests.append((.sync, -1))
        }
        server.queue.insertBeforeLast(requests)
        server.stream.write(writer.bytes)
        return true
    }
}
