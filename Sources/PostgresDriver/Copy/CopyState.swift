import CLibPQ
import Foundation

/// What is known about the COPY FROM STDIN that runs.
struct CopyState {
    /// The server has sent an error.
    var isRefused = false
    /// Thrown again by whatever the writer does next.
    var failure: PostgresError?
    /// Whether the socket's next byte starts a message of the server.
    var startsAtMessage = true
}

extension Session {
    func requireCopyIn() throws {
        guard stream == .copyIn else {
            throw copy.failure ?? PostgresError(.protocolViolation, "the COPY has ended")
        }
    }

    /// libpq reads no error before the client ends a COPY, so that a writer of millions of rows would hear of a bad
    /// first row at the end only. This looks at the bytes that wait in the socket, before libpq takes them.
    /// Through TLS nothing can be seen; there the end is early enough.
    func lookForRefusal() {
        guard stream == .copyIn, copy.startsAtMessage, !copy.isRefused else { return }
        guard PQsslInUse(connection) == 0, PQgssEncInUse(connection) == 0 else { return }
        var buffer = [UInt8](repeating: 0, count: 8192)
        let flags = Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)
        let count = recv(PQsocket(connection), &buffer, buffer.count, flags)
        guard count > 0 else { return }
        var messages = buffer[..<count]
        while let type = messages.first {
            if type == UInt8(ascii: "E") {
                copy.isRefused = true
                return
            }
            // A notice, a parameter or a notification: its length follows the letter, and counts itself.
            let length = messages.dropFirst().prefix(4).reduce(0) { $0 << 8 | Int($1) }
            guard messages.count >= 5, length >= 4, messages.count > length else {
                copy.startsAtMessage = false
                return
            }
            messages = messages.dropFirst(1 + length)
        }
    }
}
