import SQLSyntax

/// Statements about the transaction and the session.
extension StatementClassifier {
    mutating func addSession(_ shape: StatementShape) {
        switch shape.kind {
        case .begin(let modes), .setTransaction(let modes): addTransaction(modes)
        case .commit, .rollback, .savepoint, .rollbackTo, .release, .setConstraints: walk.add(.transaction)
        case .prepareTransaction:
            walk.demandPrimary(.session("PREPARE TRANSACTION"))
            walk.add(.transaction)
        case .finishPrepared:
            // Whatever the transaction wrote, in whichever session, is seen from now on.
            walk.demandPrimary(.session("COMMIT PREPARED"))
            walk.touch(Touches(effects: .primaryOnly, writesAnything: true))
        case .set(let name, let isLocal): addSet(name, isLocal: isLocal)
        case .reset(let name):
            walk.add(.settings)
            if let name { noteUnlisted([name]) }
        case .setSessionCharacteristics: walk.add(.settings)
        case .show: if clues.looksAtNode { walk.demandPrimary(.systemState("SHOW")) }
        case .discardAll: walk.add(.discardAll)
        case .discardTemporary: walk.add(.discardTemporary)
        case .execute(let name, _): addExecute(name)
        case .deallocate(let name, _): walk.add(name == nil ? .deallocateAll : .prepared)
        case .fetch: walk.add(.cursor)
        case .closeCursor(let name): if name == nil { walk.add(.closeCursors) }
        case .listen: addPrimary("LISTEN", .listen)
        case .unlisten(let all): addPrimary("UNLISTEN", all ? .unlistenAll : .primaryOnly)
        case .notify: addPrimary("NOTIFY", .primaryOnly)
        case .load: addPrimary("LOAD", .keepsServer)
        default: break
        }
    }

    private mutating func addPrimary(_ command: String, _ effects: Decision.Effects) {
        walk.demandPrimary(.session(command))
        walk.add(effects)
    }

    /// A standby refuses SERIALIZABLE and READ WRITE, and has no snapshot that somebody exported on the primary.
    private mutating func addTransaction(_ modes: StatementShape.TransactionModes) {
        walk.add(.transaction)
        if modes.isolation == .serializable { walk.demandPrimary(.session("SERIALIZABLE")) }
        if modes.isReadOnly == false { walk.demandPrimary(.session("READ WRITE")) }
        if modes.importsSnapshot { walk.demandPrimary(.session("SET TRANSACTION SNAPSHOT")) }
    }

    /// SET LOCAL ends with the transaction, and leaves nothing behind; but names are looked up by it until then.
    private mutating func addSet(_ name: String, isLocal: Bool) {
        if name.hasPrefix("transaction_") {
            walk.demandPrimary(.session("SET \(name)"))
            return walk.add(.transaction)
        }
        if isLocal { walk.add(.local) }
        guard !isLocal || ["search_path", "role", "session_authorization"].contains(name) else { return }
        walk.add(.settings)
        if !isLocal { noteUnlisted([name]) }
    }

    /// pg_settings does not show these before the server has seen them, or at all.
    mutating func noteUnlisted(_ names: [String]) {
        for name in names where name.contains(".") || name == "role" || name == "session_authorization" {
            if !unlistedSettings.contains(name) { unlistedSettings.append(name) }
        }
    }
}
