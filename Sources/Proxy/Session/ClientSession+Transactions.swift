internal import PostgresWire
internal import SQLSyntax

/// Transactions that begin before it is known where they belong; `DeferredTransaction` decides, this does it.
extension ClientSession {
    /// Where there is no choice, nothing is put off.
    var mayDefer: Bool {
        guard let database, database.hasReplicas || database.routesSchemas, pins.isEmpty, !database.limits.isSession
        else { return false }
        return step == nil || step == DeferredTransaction.Step.none
    }

    /// - Returns: true where the unit has been answered.
    func deferTransaction(_ unit: UnsafeRawBufferPointer, _ plan: UnitPlan) -> Bool {
        let concerns: Decision.Effects = [.transaction, .local, .settings, .cursor, .prepared, .temporary, .listen]
        var content = DeferredTransaction.Content()
        if !plan.effects.isDisjoint(with: concerns) {
            let shapes = worker.unitDecisions.flatMap(\.statements)
            content = DeferredTransaction.Content(shapes, count: max(shapes.count, worker.unitDecisions.count))
            content.modes = effective(content.modes)
        } else if deferred.place == .none {
            return false
        }
        content.database = plan.database
        if plan.namesPortal || (content.isReplayed && unit[0] != FrontendTag.query) { content.isTied = true }
        let isFree = server == nil && !avoidsReplicas
        let decided = deferred.next(content, access: plan.access, isFree: isFree)
        step = decided
        switch decided {
        case .none, .stay: step = nil
        case .roam: startsTransactionAnew = server == nil && !beginning.isEmpty
        case .hold:
            guard let reply = LocalTransactionReply(unit, tag: "BEGIN", status: .inTransaction) else {
                deferred.moved()
                step = nil
                return false
            }
            beginning = [sql(of: unit)]
            return answer(reply)
        case .endHere(let end):
            let tag = end == .commit ? "COMMIT" : "ROLLBACK"
            guard let reply = LocalTransactionReply(unit, tag: tag, status: .idle) else {
                startsTransactionAnew = true
                step = .primary
                return false
            }
            beginning = []
            return answer(reply)
        case .aborted:
            step = nil
            refuse(unit, Self.transactionAborted)
            return true
        case .primary: moveOrStart(plan)
        case .replica(let requirement): startOnReplica(content, requirement, plan)
        }
        return false
    }

    private static let transactionAborted = ErrorFields(
        code: "25P02", message: "current transaction is aborted, commands ignored until end of transaction block")

    private func answer(_ reply: LocalTransactionReply) -> Bool {
        step = nil
        stream.write(reply.bytes)
        return true
    }

    private func moveOrStart(_ plan: UnitPlan) {
        startsTransactionAnew = !beginning.isEmpty
        guard let server, isOnReplica || server.pool.database !== target(plan) else { return }
        // It has done nothing there; the server rolls it back.
        letGo()
        server.ask("ROLLBACK") { result in if case .failure = result { server.isRetired = true } }
    }

    private func startOnReplica(
        _ content: DeferredTransaction.Content, _ requirement: DeferredTransaction.Requirement, _ plan: UnitPlan
    ) {
        requiresEverything = requirement == .everything
        guard isOnReplica, let server else {
            startsTransactionAnew = !beginning.isEmpty && !content.startsWithBegin
            return
        }
        // On its way already: the next statement may read what has been written since.
        guard content.end == nil, requirement != .nothing, let current,
            !current.isFresh(server.pool.key.node, plan, everything: requiresEverything)
        else { return }
        deferred.moved()
        step = .primary
        moveOrStart(plan)
    }

    func mayUseReplica(_ plan: UnitPlan) -> Bool {
        if case .replica? = step { return true }
        // Transactions and what is left behind in a session belong to the primary.
        return plan.access != .primary && !avoidsReplicas && pins.isEmpty && step == nil
            && plan.effects.isDisjoint(with: [.transaction, .local, .settings, .cursor, .prepared])
    }

    /// BEGIN and what followed it, before the unit at hand.
    func beginAnew(on server: ServerConnection) {
        startsTransactionAnew = false
        var writer = MessageWriter(reserving: 128)
        for text in beginning {
            server.queue.sent(.query, own: true)
            writer.message(FrontendTag.query) { body in
                body.raw(text)
                body.byte(0)
            }
        }
        if !isOnReplica, deferred.place != .roaming { beginning = [] }
        server.unnamedOwner = 0
        server.stream.write(writer.bytes)
    }

    /// What runs on a replica and would have to be done again elsewhere.
    func remember(_ unit: UnsafeRawBufferPointer, _ plan: UnitPlan) {
        let replayed: Decision.Effects = [.transaction, .local, .settings]
        guard !plan.effects.isDisjoint(with: replayed) else { return }
        // A text that begins with BEGIN and goes on only reads and sets: all of it is done again.
        if unit[0] == FrontendTag.query {
            beginning.append(sql(of: unit))
        } else if beginning.isEmpty {
            beginning.append(firstBegin(unit))
        }
    }

    /// Of a unit that begins with BEGIN and goes on: only that.
    private func firstBegin(_ unit: UnsafeRawBufferPointer) -> [UInt8] {
        guard let shape = worker.unitDecisions.lazy.flatMap(\.statements).first, case .begin(let modes) = shape.kind
        else {
            return Array("BEGIN".utf8)
        }
        return Array(Self.begin(modes).utf8)
    }

    private static func begin(_ modes: StatementShape.TransactionModes) -> String {
        var text = "BEGIN"
        if let isolation = modes.isolation { text += " ISOLATION LEVEL \(isolation.rawValue.uppercased())" }
        if let isReadOnly = modes.isReadOnly { text += isReadOnly ? " READ ONLY" : " READ WRITE" }
        if let isDeferrable = modes.isDeferrable { text += isDeferrable ? " DEFERRABLE" : " NOT DEFERRABLE" }
        return text
    }

    private func sql(of unit: UnsafeRawBufferPointer) -> [UInt8] {
        guard unit[0] == FrontendTag.query else { return firstBegin(unit) }
        return Array(unit[FrameHeader.byteCount..<(unit.count - 1)])
    }

    /// What the session has set counts where BEGIN says nothing.
    private func effective(_ modes: StatementShape.TransactionModes) -> StatementShape.TransactionModes {
        var modes = modes
        func setting(_ name: String) -> String? { settings.values[name] ?? startup?[name] }
        if modes.isReadOnly == nil, let value = setting("default_transaction_read_only") {
            modes.isReadOnly = value == "on"
        }
        if modes.isolation == nil {
            if let value = setting("default_transaction_isolation") {
                modes.isolation = .init(rawValue: value)
            } else if database?.hasUnusualIsolation == true {
                modes.isolation = .serializable
            }
        }
        return modes
    }
}

/// What a server would answer to a lone BEGIN, COMMIT or ROLLBACK, simple or extended.
struct LocalTransactionReply {
    let bytes: [UInt8]

    /// nil: the unit has something else in it, which a server has to answer.
    init?(_ unit: UnsafeRawBufferPointer, tag: String, status: TransactionStatus) {
        var writer = MessageWriter(reserving: 64)
        var offset = 0
        var executed = 0
        while offset < unit.count {
            guard case .header(let header) = FrameHeader.read(UnsafeRawBufferPointer(rebasing: unit[offset...])) else {
                return nil
            }
            let body = UnsafeRawBufferPointer(
                rebasing: unit[(offset + FrameHeader.byteCount)..<(offset + header.frameCount)])
            switch header.tag {
            case FrontendTag.query:
                BackendMessages.commandComplete(tag, to: &writer)
                executed += 1
                writer.raw(BackendMessages.readyForQuery(status))
            case FrontendTag.parse:
                guard let message = ParseMessage(body: body), message.name.isEmpty else { return nil }
                writer.raw(BackendMessages.parseComplete)
            case FrontendTag.bind:
                guard let message = BindMessage(body: body), message.statement.isEmpty, message.portal.isEmpty else {
                    return nil
                }
                writer.message(BackendTag.bindComplete)
            case FrontendTag.describe:
                guard let target = NamedTarget(body: body), target.kind == .portal, target.name.isEmpty else {
                    return nil
                }
                writer.message(BackendTag.noData)
            case FrontendTag.execute:
                BackendMessages.commandComplete(tag, to: &writer)
                executed += 1
            case FrontendTag.sync: writer.raw(BackendMessages.readyForQuery(status))
            default: return nil
            }
            offset += header.frameCount
        }
        guard executed == 1 else { return nil }
        bytes = writer.bytes
    }
}
