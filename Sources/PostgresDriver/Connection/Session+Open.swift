import CLibPQ
import Foundation

extension Session {
    /// Connects, at most `connectTimeout` per address. Throws `.connection` with the reason.
    ///
    /// Only the look-up of a host name cannot be cancelled; the resolver bounds it.
    static func open(_ settings: ConnectionSettings, _ ticket: CancelTicket, notices: NoticeLog) throws -> Session {
        let wake = try WakePipe()
        try ticket.begin(wake: wake, key: nil)
        defer { _ = ticket.finish() }
        var attempt = try Attempt(settings, wake: wake, notices: notices)
        do {
            try attempt.run()
        } catch is Attempt.TimedOut {
            // libpq's non-blocking interface has no way to go on to the next address; its blocking one does.
            guard Addresses.mayBeSeveral(settings) else { throw attempt.timeout() }
            PQfinish(attempt.connection)
            attempt = try Attempt(blocking: settings, wake: wake, notices: notices)
            guard PQstatus(attempt.connection) == CONNECTION_OK else { throw attempt.failure() }
        }
        PQsetErrorVerbosity(attempt.connection, PQERRORS_DEFAULT)
        guard PQsetnonblocking(attempt.connection, 1) == 0 else { throw attempt.failure() }
        return Session(connection: attempt.connection, wake: wake, notices: notices)
    }
}

/// A connection on its way; whoever throws away an attempt has its connection finished here.
private struct Attempt {
    struct TimedOut: Error {}

    let connection: OpaquePointer
    private let settings: ConnectionSettings
    private let wake: WakePipe

    init(_ settings: ConnectionSettings, wake: WakePipe, notices: NoticeLog) throws {
        let started = Conninfo.withArrays(settings.parameters) { PQconnectStartParams($0, $1, 0) }
        guard let started else { throw PostgresError(.connection(.other), "out of memory") }
        connection = started
        self.settings = settings
        self.wake = wake
        notices.install(on: connection)
        // Only in this verbosity does the text have the SQLSTATE, and for a failed connection there is only text.
        PQsetErrorVerbosity(connection, PQERRORS_VERBOSE)
        if PQstatus(connection) == CONNECTION_BAD { throw failure() }
    }

    init(blocking settings: ConnectionSettings, wake: WakePipe, notices: NoticeLog) throws {
        let opened = Conninfo.withArrays(settings.parameters) { PQconnectdbParams($0, $1, 0) }
        guard let opened else { throw PostgresError(.connection(.other), "out of memory") }
        connection = opened
        self.settings = settings
        self.wake = wake
        notices.install(on: connection)
    }

    func run() throws {
        var state = PGRES_POLLING_WRITING
        var address = currentAddress
        var deadline = nextDeadline
        while state != PGRES_POLLING_OK {
            if state == PGRES_POLLING_FAILED { throw failure() }
            let events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT
            switch wake.wait(socket: PQsocket(connection), events: Int32(events), until: deadline) {
            case .timeout: throw TimedOut()
            case .woken:
                PQfinish(connection)
                throw CancellationError()
            case .socket: state = PQconnectPoll(connection)
            }
            if currentAddress != address {
                address = currentAddress
                deadline = nextDeadline
            }
        }
    }

    func timeout() -> PostgresError {
        defer { PQfinish(connection) }
        let seconds = settings.connectTimeout.map { "\($0) s" } ?? "the time allowed"
        return PostgresError(
            .connection(.timedOut), "cannot connect to \(settings): no answer within \(seconds)",
            hint: "raise connect_timeout, or look whether a firewall drops the packets")
    }

    func failure() -> PostgresError {
        defer { PQfinish(connection) }
        let text = String(cString: PQerrorMessage(connection)).trimmingTrailingSpace
        return ConnectFailureText(text).error(settings)
    }

    private var nextDeadline: ContinuousClock.Instant? {
        settings.connectTimeout.map { .now + .seconds($0) }
    }

    private var currentAddress: [String?] {
        [PQhost(connection), PQhostaddr(connection), PQport(connection)].map { $0.map { String(cString: $0) } }
    }
}

private enum Addresses {
    /// Whether libpq would have another address to try after one that does not answer.
    static func mayBeSeveral(_ settings: ConnectionSettings) -> Bool {
        let host = settings.host
        if host.contains(",") { return true }
        if host.isEmpty || host.hasPrefix("/") || host.hasPrefix("@") { return false }
        var hints = addrinfo()
        hints.ai_flags = AI_ADDRCONFIG
        #if os(Linux)
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0, let list else { return false }
        defer { freeaddrinfo(list) }
        return list.pointee.ai_next != nil
    }
}
