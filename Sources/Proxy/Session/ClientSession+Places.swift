internal import PostgresWire
internal import SQLSyntax

/// Layouts with several databases: statements go where their schemas live, and a transaction stays in one database.
extension ClientSession {
    enum PlaceCheck {
        case go
        /// It is offered again.
        case wait
        // Indirect: most go, and an enumeration with room for an error in it is taken apart each time.
        indirect case refuse(ErrorFields)
    }

    /// Longer than any catalog takes to be read.
    private static let catalogPatience = Duration.seconds(5)

    /// Whether a unit may go where it belongs, from where its client is now.
    func checkPlace(_ plan: UnitPlan) -> PlaceCheck {
        if let database, database.limits.isStatement, plan.effects.contains(.transaction), beginsTransaction {
            return .refuse(Self.noTransactions)
        }
        if case .unresolved = plan.place {} else { catalogMissedAt = nil }
        // A transaction that has failed hears nothing but that, wherever it is.
        if let server, server.queue.isEmpty, server.queue.transaction == .failed { return .go }
        switch plan.place {
        case .anywhere: return .go
        case .unresolved: return waitsForCatalog() ? .wait : .go
        // It has been settled by then.
        case .oneOf: return .go
        case .several(let names): return refused(by: spanning(names))
        case .missing(let name): return refused(by: missing(name))
        case .unknown(let index): return refused(by: unread(index))
        case .database(let index):
            guard let server else { return .go }
            let target = worker.inOrder[index]
            if server.pool.database === target { return .go }
            // What was asked before is answered first; then it is known whether a transaction is open.
            if !server.queue.isEmpty {
                block()
                return .wait
            }
            if deferred.isUnbound { return .go }
            return refused(by: elsewhere(target, from: server))
        }
    }

    /// For what a table's home and its copies can answer: where the session is bound to, else the table's home.
    func choice(among choices: [Int]) -> Int {
        guard let server else {
            guard deferred.place != .none, let bound = deferred.database else { return choices[0] }
            return choices.contains(bound) ? bound : choices[0]
        }
        // Whether its transaction goes on is known when all has been answered: until then it waits.
        guard server.queue.isEmpty, !deferred.isUnbound,
            let here = worker.inOrder.firstIndex(where: { $0 === server.pool.database })
        else { return choices[0] }
        return choices.contains(here) ? here : choices[0]
    }

    /// Where a unit without a server runs.
    func target(_ plan: UnitPlan) -> WorkerDatabase? {
        guard let database, database.routesSchemas else { return database }
        return (plan.database ?? deferred.database).map { worker.inOrder[$0] } ?? database
    }

    /// A table that was made a moment ago may be in none of the catalogs that are known here.
    private func waitsForCatalog() -> Bool {
        guard server == nil, worker.isAnyCatalogStale else { return false }
        let now = worker.loop.now
        if catalogMissedAt == nil { catalogMissedAt = now }
        guard let since = catalogMissedAt, now - since < Self.catalogPatience else {
            catalogMissedAt = nil
            return false
        }
        block()
        worker.waitForCatalog(self)
        return true
    }

    /// A transaction fails with the error, as it does with any other.
    private func refused(by error: ErrorFields) -> PlaceCheck {
        deferred.bound()
        guard let server, server.queue.transaction == .inTransaction || server.queue.isOpen else {
            guard let server, !server.queue.isEmpty else { return .refuse(error) }
            block()
            return .wait
        }
        guard server.queue.isEmpty else {
            block()
            return .wait
        }
        failTransaction(on: server, with: error)
        return .wait
    }

    /// The server itself has to be told that its transaction has failed; the client hears why from us.
    func failTransaction(on server: ServerConnection, with error: ErrorFields) {
        isArranging = true
        block()
        server.ask("DO $$BEGIN RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = 'refused by the proxy'; END$$") {
            [self] _ in
            isArranging = false
            guard phase != .ended else { return }
            refusal = error
            unblock()
        }
    }

    private var beginsTransaction: Bool {
        worker.unitDecisions.contains { decision in
            decision.statements.contains { shape in
                guard case .begin = shape.kind else { return false }
                return true
            }
        }
    }

    // MARK: Errors

    /// The message is PgBouncer's.
    private static let noTransactions = ErrorFields(
        code: "0A000", message: "transaction blocks not allowed in statement pooling mode",
        detail: "A server serves a client for one statement (pool.mode: statement).",
        hint: "Send the statements in one query string, or use pool.mode: transaction.")

    private func spanning(_ names: [Decision.Named]) -> ErrorFields {
        ErrorFields(
            code: "0A000", message: "a statement cannot use several databases at once",
            detail: Placement.list(names, worker.inOrder.map(\.name)) + ".",
            hint:
                "Keep a copy of a small table beside the other one (`copies:` in the layout), read it there through a foreign table, or ask each database in a statement of its own."
        )
    }

    private func elsewhere(_ target: WorkerDatabase, from server: ServerConnection) -> ErrorFields {
        let here = server.pool.database.name
        if server.pool.limits.isSession {
            return ErrorFields(
                code: "0A000", message: "a session cannot leave database \"\(here)\" in session mode",
                detail: "The statement's schemas live in database \"\(target.name)\".",
                hint: "Use pool.mode: transaction, or connect to database \"\(target.name)\".")
        }
        if server.queue.transaction == .idle, !server.queue.isOpen {
            return ErrorFields(
                code: "0A000", message: "the session has to stay in database \"\(here)\" for now",
                detail:
                    "The statement's schemas live in database \"\(target.name)\", and the session keeps its server: \(pins.names).",
                hint:
                    "End that first (DROP, UNLISTEN, CLOSE, pg_advisory_unlock, DISCARD ALL), or use a second connection."
            )
        }
        return ErrorFields(
            code: "0A000", message: "a transaction cannot use several databases",
            detail:
                "It has begun in database \"\(here)\"; the statement's schemas live in database \"\(target.name)\".",
            hint:
                "Commit first and use a transaction for each database; let the second write follow from an event of the first (an outbox), or, for rows that go along with others, from a loose key."
        )
    }

    private func missing(_ name: Decision.Named) -> ErrorFields {
        let database = worker.inOrder[name.database].name
        return ErrorFields(
            code: "0A000", message: "\(name.name) is an old name that database \"\(database)\" does not have",
            detail:
                "What it stands for lives in database \"\(database)\" now; here it would give rows as they were before.",
            hint:
                "Use the new name, or make the same view or function on database \"\(database)\"; strata split does so when a schema leaves."
        )
    }

    private func unread(_ index: Int) -> ErrorFields {
        let name = worker.inOrder[index].name
        return ErrorFields(
            code: "57P03", message: "the tables of database \"\(name)\" are not known yet",
            detail:
                "The proxy has not been able to read its catalog, and the statement names a table without a schema or by an old name.",
            hint:
                "Name the table by its schema and new name, or look into the proxy's log for why database \"\(name)\" cannot be read."
        )
    }
}
