import CLibPQ
import Synchronization

/// A NOTICE, WARNING, INFO, LOG or DEBUG message of the server.
package struct ServerNotice: Sendable, Hashable, CustomStringConvertible {
    package var severity: String
    package var sqlState: SQLState
    package var message: String
    package var detail: String?
    package var hint: String?

    package var description: String {
        var text = "\(severity): \(message)"
        if let detail { text += "\nDETAIL: \(detail)" }
        if let hint { text += "\nHINT: \(hint)" }
        return text
    }

    init(result: OpaquePointer) {
        let fields = ServerFields(result)
        severity = fields.severity ?? "NOTICE"
        sqlState = SQLState(rawValue: fields["C"] ?? "00000")
        message = Redaction.text(fields["M"] ?? String(cString: PQresultErrorMessage(result)).trimmingTrailingSpace)
        detail = fields["D"].map(Redaction.text)
        hint = fields["H"].map(Redaction.text)
    }
}

/// The last notices of one connection, and the handler that sees each as it comes.
final class NoticeLog: Sendable {
    typealias Handler = @Sendable (ServerNotice) -> Void

    private struct State {
        var kept: [ServerNotice] = []
        var handler: Handler?
        var sawFatal = false
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = max(limit, 0) }

    func setHandler(_ handler: Handler?) {
        state.withLock { $0.handler = handler }
    }

    func append(_ notice: ServerNotice) {
        let handler = state.withLock { state in
            if notice.severity == "FATAL" || notice.severity == "PANIC" { state.sawFatal = true }
            state.kept.append(notice)
            if state.kept.count > limit { state.kept.removeFirst(state.kept.count - limit) }
            return state.handler
        }
        // Outside the lock: the handler may ask for the kept notices.
        handler?(notice)
    }

    func takeAll() -> [ServerNotice] {
        state.withLock { state in
            defer { state.kept = [] }
            return state.kept
        }
    }

    /// An idle connection gets the server's last words as a notice.
    var sawFatal: Bool { state.withLock { $0.sawFatal } }

    var all: [ServerNotice] { state.withLock { $0.kept } }

    /// libpq's default receiver prints to stderr; this one replaces it. The log must outlive the connection.
    func install(on connection: OpaquePointer) {
        let receiver: PQnoticeReceiver = { argument, result in
            guard let argument, let result else { return }
            Unmanaged<NoticeLog>.fromOpaque(argument).takeUnretainedValue().append(ServerNotice(result: result))
        }
        PQsetNoticeReceiver(connection, receiver, Unmanaged.passUnretained(self).toOpaque())
    }
}
