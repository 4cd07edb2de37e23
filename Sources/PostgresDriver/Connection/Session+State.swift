import CLibPQ

/// Where a connection stands between statements.
package enum TransactionStatus: String, Sendable, Hashable {
    case idle
    /// A statement is running.
    case active
    case inTransaction
    /// A statement of the transaction failed; only ROLLBACK helps.
    case inFailedTransaction
    /// The connection is lost or closed.
    case unknown
}

extension Session {
    var serverVersion: Int { Int(PQserverVersion(connection)) }
    var backendPID: Int32 { PQbackendPID(connection) }

    var transactionStatus: TransactionStatus {
        if isLost { return .unknown }
        return switch PQtransactionStatus(connection) {
        case PQTRANS_IDLE: .idle
        case PQTRANS_ACTIVE: .active
        case PQTRANS_INTRANS: .inTransaction
        case PQTRANS_INERROR: .inFailedTransaction
        default: .unknown
        }
    }
}
