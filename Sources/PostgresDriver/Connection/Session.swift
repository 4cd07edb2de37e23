import CLibPQ
import Foundation

/// The blocking half of a connection: libpq's non-blocking calls and `poll`.
///
/// Not safe for several threads: every method is called on the connection's own thread and nowhere else, which is
/// what makes the unchecked conformance true.
final class Session: @unchecked Sendable {
    let connection: OpaquePointer
    let wake: WakePipe
    let notices: NoticeLog
    let cancelKey: CancelKey?
    /// Set when the connection must not be used again, whatever libpq thinks of it.
    private(set) var isLost = false
    /// What keeps the connection from taking another statement.
    var stream: Stream = .none
    var kept = KeptStatements()
    /// The operation that runs now.
    private(set) var ticket: CancelTicket?
    var copy = CopyState()
    private var cancelDeadline: ContinuousClock.Instant?
    private var notifications = NotificationQueue()

    enum Stream: String {
        case none
        case rows = "rows are being read"
        /// All rows have arrived, and their reader has not finished with the last of them.
        case lastRows = "the last rows are being read"
        case copyIn = "a COPY FROM STDIN is running"
        case copyOut = "a COPY TO STDOUT is running"
    }

    init(connection: OpaquePointer, wake: WakePipe, notices: NoticeLog) {
        self.connection = connection
        self.wake = wake
        self.notices = notices
        cancelKey = CancelKey(connection: connection)
    }

    deinit { PQfinish(connection) }

    /// Runs one operation that `ticket` can cancel. A statement that was cancelled ends with `CancellationError`.
    func run<T>(_ ticket: CancelTicket, wakeOnly: Bool, _ body: (Session) throws -> T) throws -> T {
        try ticket.begin(wake: wake, key: wakeOnly ? nil : cancelKey)
        self.ticket = ticket
        cancelDeadline = nil
        defer {
            self.ticket = nil
            if !ticket.finish() { isLost = true }
        }
        do {
            return try body(self)
        } catch let error as PostgresError where error.isQueryCanceled && ticket.isRequested {
            throw CancellationError()
        }
    }

    // MARK: Waiting

    /// Waits until the socket has `events`. Throws when the server does not answer a cancel request.
    func waitForSocket(_ events: Int32) throws {
        while true {
            switch wake.wait(socket: PQsocket(connection), events: events, until: cancelDeadline) {
            case .socket: return
            case .woken: cancelDeadline = .now + CancelTicket.grace
            case .timeout:
                // The server does not react: the network is gone, and the caller does not want to wait any longer.
                isLost = true
                throw CancellationError()
            }
        }
    }

    /// Hands everything that libpq has buffered to the network.
    func flush() throws {
        while true {
            let result = PQflush(connection)
            if result == 0 { return }
            if result < 0 { throw lost() }
            try waitForSocket(POLLIN | POLLOUT)
            // The server may be unable to read because it waits for us to read.
            lookForRefusal()
            if PQconsumeInput(connection) == 0 { throw lost() }
        }
    }

    /// The next result of the statement, or nil when it is complete.
    func nextResult() throws -> ResultHandle? {
        while PQisBusy(connection) == 1 {
            try waitForSocket(POLLIN)
            // On failure PQgetResult has the error.
            if PQconsumeInput(connection) == 0 { break }
        }
        return PQgetResult(connection).map { ResultHandle($0) }
    }

    // MARK: Errors

    func markLost() { isLost = true }

    func lost() -> PostgresError {
        isLost = true
        // The reason may be a message that the server sent before it hung up.
        while let result = PQgetResult(connection).map({ ResultHandle($0) }) {
            if result.status == PGRES_FATAL_ERROR {
                return PostgresError(result: result.pointer, connectionIsBad: true)
            }
            if result.status != PGRES_TUPLES_OK && result.status != PGRES_COMMAND_OK { break }
        }
        let message = String(cString: PQerrorMessage(connection)).trimmingTrailingSpace
        return PostgresError(.connection(.lost), message.isEmpty ? "the connection was lost" : Redaction.text(message))
    }

    func error(from result: ResultHandle) -> PostgresError {
        let bad = PQstatus(connection) == CONNECTION_BAD
        let error = PostgresError(result: result.pointer, connectionIsBad: bad)
        if bad || error.isConnectionLost { isLost = true }
        return error
    }

    /// For a libpq call that could not even send.
    func sendFailure() -> PostgresError {
        if PQstatus(connection) == CONNECTION_BAD { return lost() }
        return PostgresError(
            .protocolViolation, Redaction.text(String(cString: PQerrorMessage(connection)).trimmingTrailingSpace))
    }

    func requireReady() throws {
        if isLost || PQstatus(connection) == CONNECTION_BAD {
            throw PostgresError(.connection(.lost), "the connection was lost earlier; open another")
        }
        if stream != .none {
            throw PostgresError(.protocolViolation, "the connection is busy: \(stream.rawValue) in this task")
        }
    }

    // MARK: State

    /// Looks at the socket without waiting: a server that hung up has left an end of file there.
    func isAlive() -> Bool {
        guard !isLost, PQstatus(connection) == CONNECTION_OK else { return false }
        guard stream == .none else { return true }
        // The end of file comes in a read of its own, after the last words. Bounded, for a server that talks a lot.
        for _ in 0..<100 {
            guard wake.isReadable(PQsocket(connection)) else { break }
            if PQconsumeInput(connection) == 0 { isLost = true }
            // Reads what has arrived.
            _ = PQisBusy(connection)
            if isLost || notices.sawFatal || PQstatus(connection) != CONNECTION_OK {
                isLost = true
                return false
            }
        }
        return true
    }

    func parameterStatus(_ name: String) -> String? {
        PQparameterStatus(connection, name).map { String(cString: $0) }
    }

    /// One notification, or nil once the deadline has passed.
    func nextNotification(until deadline: ContinuousClock.Instant?) throws -> ServerNotification? {
        while true {
            notifications.collect(from: connection)
            if let next = notifications.take() { return next }
            switch wake.wait(socket: PQsocket(connection), events: POLLIN, until: deadline) {
            case .timeout: return nil
            case .woken: throw CancellationError()
            case .socket:
                if PQconsumeInput(connection) == 0 { throw lost() }
                // A FATAL message makes libpq hang up while it reads.
                if PQstatus(connection) == CONNECTION_BAD { throw lost() }
            }
        }
    }
}
