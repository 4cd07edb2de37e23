/// One connection to a server. Its blocking calls run on a thread of its own.
///
/// Operations of several tasks take turns, in the order in which they came. Cancelling the task that waits for a
/// statement sends the server a cancel request; the statement then ends with `CancellationError`, and the connection
/// stays usable. Do not wait inside `transaction` for a *detached* task that uses the same connection: it would wait
/// for the transaction to end.
package actor Connection {
    /// Such as 150018 for 15.18.
    package nonisolated let serverVersion: Int
    /// The server process; what `pg_terminate_backend` takes.
    package nonisolated let backendPID: Int32
    package nonisolated let settings: ConnectionSettings

    nonisolated let gate = Gate()
    private nonisolated let executor: ConnectionExecutor
    private nonisolated let notices: NoticeLog
    private var session: Session?
    private var statementNumber = 0

    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Connects. Throws `PostgresError` of kind `.connection` with the reason, or `CancellationError`.
    ///
    /// - Parameters:
    ///   - noticeLimit: How many of the last notices are kept.
    ///   - onNotice: Called for each notice, on the connection's thread: must return soon and must not wait for it.
    package static func open(
        _ settings: ConnectionSettings, noticeLimit: Int = 100, onNotice: (@Sendable (ServerNotice) -> Void)? = nil
    ) async throws -> Connection {
        let executor = ConnectionExecutor()
        let notices = NoticeLog(limit: noticeLimit)
        notices.setHandler(onNotice)
        let ticket = CancelTicket()
        do {
            let session = try await withTaskCancellationHandler {
                try await executor.run { try Session.open(settings, ticket, notices: notices) }
            } onCancel: {
                ticket.cancel()
            }
            return Connection(session, executor, settings)
        } catch {
            executor.stop()
            throw error
        }
    }

    private init(_ session: Session, _ executor: ConnectionExecutor, _ settings: ConnectionSettings) {
        self.session = session
        self.executor = executor
        self.settings = settings
        notices = session.notices
        serverVersion = session.serverVersion
        backendPID = session.backendPID
    }

    deinit { executor.stop() }

    /// Ends the connection, after the statement that runs now; later operations throw `.connection(.closed)`.
    package func close() {
        session = nil
    }

    /// Whether the server is still there, as far as can be seen without asking it. Waits for a running statement.
    package var isAlive: Bool { session?.isAlive() ?? false }

    package var transactionStatus: TransactionStatus { session?.transactionStatus ?? .unknown }

    /// Both in one: `unknown` where it is not alive.
    var statusIfAlive: TransactionStatus { isAlive ? transactionStatus : .unknown }

    /// A value that the server reports by itself, such as `server_encoding` or `TimeZone`.
    package func parameterStatus(_ name: String) -> String? { session?.parameterStatus(name) }

    /// The last notices, oldest first.
    package nonisolated var lastNotices: [ServerNotice] { notices.all }

    /// The last notices, which are then forgotten.
    package nonisolated func takeNotices() -> [ServerNotice] { notices.takeAll() }

    /// Replaces the handler; see `open`.
    package nonisolated func onNotice(_ handler: (@Sendable (ServerNotice) -> Void)?) {
        notices.setHandler(handler)
    }

    func nextStatementName() -> String {
        statementNumber += 1
        return "strata_\(statementNumber)"
    }

    /// Runs one operation on the connection's thread. The caller holds the gate.
    func perform<T: Sendable>(
        _ ticket: CancelTicket, wakeOnly: Bool = false, _ body: @Sendable (Session) throws -> T
    ) throws -> T {
        guard let session else { throw PostgresError(.connection(.closed), "the connection was closed") }
        return try session.run(ticket, wakeOnly: wakeOnly, body)
    }

    /// Takes the connection for one operation, which the cancellation of this task cancels.
    nonisolated func exclusive<T: Sendable>(
        cancellable: Bool = true, wakeOnly: Bool = false, _ body: @Sendable (Session) throws -> T
    ) async throws -> T {
        let lease = try await gate.enter(cancellable: cancellable)
        defer { if let lease { gate.leave(lease) } }
        return try await step(cancellable: cancellable, wakeOnly: wakeOnly, body)
    }

    /// Like `exclusive` for a caller that holds the gate already.
    nonisolated func step<T: Sendable>(
        cancellable: Bool = true, wakeOnly: Bool = false, _ body: @Sendable (Session) throws -> T
    ) async throws -> T {
        let ticket = CancelTicket()
        guard cancellable else { return try await perform(ticket, body) }
        return try await withTaskCancellationHandler {
            try await perform(ticket, wakeOnly: wakeOnly, body)
        } onCancel: {
            ticket.cancel()
        }
    }
}
