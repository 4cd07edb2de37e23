import SQLSyntax

extension StatementShape.Kind {
    /// What a person calls it.
    var label: String {
        switch self {
        case .select: "SELECT"
        case .write: "write"
        case .createTemporary: "CREATE TEMPORARY"
        case .begin: "BEGIN"
        case .commit: "COMMIT"
        case .rollback: "ROLLBACK"
        case .savepoint, .rollbackTo, .release: "savepoint"
        case .prepareTransaction, .finishPrepared: "two-phase commit"
        case .set(let name, _): "SET \(name)"
        case .setTransaction, .setSessionCharacteristics: "SET TRANSACTION"
        case .setConstraints: "SET CONSTRAINTS"
        case .reset(let name): "RESET \(name ?? "ALL")"
        case .show: "SHOW"
        case .discardAll, .discardPlans, .discardSequences, .discardTemporary: "DISCARD"
        case .prepare(let name, _): "PREPARE \(name)"
        case .execute(let name, _): "EXECUTE \(name)"
        case .deallocate(let name, _): "DEALLOCATE \(name ?? "ALL")"
        case .listen: "LISTEN"
        case .unlisten: "UNLISTEN"
        case .notify: "NOTIFY"
        case .declareCursor: "DECLARE CURSOR"
        case .fetch: "FETCH"
        case .closeCursor: "CLOSE"
        case .copyTo: "COPY TO"
        case .copyFrom: "COPY FROM"
        case .explain: "EXPLAIN"
        case .lockTable: "LOCK TABLE"
        case .call: "CALL"
        case .doBlock: "DO"
        case .definition: "definition"
        case .maintenance: "maintenance"
        case .load: "LOAD"
        case .other: "other statement"
        }
    }
}
