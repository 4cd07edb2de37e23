/// Why there is no connection, or none any more.
package enum ConnectionFailure: String, Sendable, Hashable {
    /// Nothing listens on that port or socket.
    case refused
    /// The host name is unknown, or no route leads there.
    case unreachable
    /// No answer within `connect_timeout`.
    case timedOut
    /// SQLSTATE 28P01.
    case wrongPassword
    /// The server asks for a password and none was given.
    case passwordMissing
    /// SQLSTATE 28000: no pg_hba.conf entry, an unknown role, or a role that may not log in.
    case notAuthorized
    /// SQLSTATE 3D000.
    case databaseMissing
    /// SQLSTATE 42501: the role may not connect to the database.
    case permissionDenied
    /// SQLSTATE 53300.
    case tooManyConnections
    /// What answers on that port does not speak PostgreSQL's protocol.
    case notPostgreSQL
    /// SQLSTATE 57P03 and 57P01: the server is starting or shutting down.
    case notReady
    /// TLS could not be agreed on: no TLS there, or a certificate that is not trusted.
    case tls
    /// The peer hung up before it answered: a crashing server, or something that is not PostgreSQL.
    case closedDuringStartup
    /// An open connection broke.
    case lost
    /// `close()` was called before.
    case closed
    /// Anything else; the message says what.
    case other

    static func classify(_ sqlState: SQLState) -> ConnectionFailure {
        switch sqlState {
        case .invalidPassword: .wrongPassword
        case .invalidAuthorization: .notAuthorized
        case .invalidDatabase: .databaseMissing
        case .insufficientPrivilege: .permissionDenied
        case .tooManyConnections: .tooManyConnections
        case .cannotConnectNow, .adminShutdown, .crashShutdown: .notReady
        default: .other
        }
    }

    /// libpq gives no code for what it finds out by itself, so its English text (the process never calls setlocale)
    /// is all there is. The order matters: a message may hold one line per address tried.
    static func classify(message: String) -> ConnectionFailure {
        for (failure, fragments) in fragments where fragments.contains(where: { message.contains($0) }) {
            return failure
        }
        return .other
    }

    private static let fragments: [(ConnectionFailure, [String])] = [
        (.passwordMissing, ["no password supplied"]),
        (
            .notPostgreSQL,
            [
                "received invalid response to SSL negotiation", "received invalid response to GSSAPI negotiation",
                "expected authentication request from server", "lost synchronization with server",
                "wrong version number", "packet length too long", "record layer failure", "bad record type",
                "invalid length of startup packet", "unsupported frontend protocol", "http request",
                "received invalid authentication request",
            ]
        ),
        (
            .tls,
            [
                "SSL error", "certificate", "does not support SSL", "SSL SYSCALL error", "SSL is not supported",
                "could not establish SSL", "root.crt",
            ]
        ),
        (.timedOut, ["timeout expired", "timed out"]),
        (.refused, ["refused", "No such file or directory"]),
        (
            .unreachable,
            [
                "could not translate host name", "could not parse network address", "No route to host",
                "Network is unreachable", "Name or service not known", "Temporary failure in name resolution",
                "Host is down", "nodename nor servname",
            ]
        ),
        (
            .closedDuringStartup,
            ["server closed the connection unexpectedly", "Connection reset by peer", "Broken pipe"]
        ),
    ]
}
