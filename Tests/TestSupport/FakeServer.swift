internal import Foundation
internal import Synchronization

/// A TCP listener on 127.0.0.1 that is not PostgreSQL.
package final class FakeServer: Sendable {
    package enum Behaviour: Sendable {
        /// Reads something, sends the text, hangs up.
        case answers(String)
        case hangsUp
        /// Accepts and says nothing.
        case silent
    }

    package let port: Int
    private let socket: Int32
    private let accepted = Mutex<[Int32]>([])

    package init(_ behaviour: Behaviour) throws {
        #if os(Linux)
            let stream = Int32(SOCK_STREAM.rawValue)
        #else
            let stream = SOCK_STREAM
        #endif
        socket = Foundation.socket(AF_INET, stream, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = socket
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length) == 0 && listen(descriptor, 16) == 0
                    && getsockname(descriptor, generic, &length) == 0
            }
        }
        guard bound else { throw CocoaError(.featureUnsupported) }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { [self] in serve(behaviour) }
    }

    /// How many connections have come in.
    package var acceptedCount: Int { accepted.withLock { $0.count } }

    /// Wakes the thread that accepts, which closes the socket: closed here, its number could belong to another server's
    /// socket by the time that thread uses it, and would take that server's clients.
    package func stop() {
        shutdown(socket, Int32(SHUT_RDWR))
        for descriptor in accepted.withLock({ $0 }) { close(descriptor) }
    }

    private func serve(_ behaviour: Behaviour) {
        defer { close(socket) }
        while true {
            let client = accept(socket, nil, nil)
            if client < 0 { return }
            switch behaviour {
            case .answers(let text):
                var buffer = [UInt8](repeating: 0, count: 1024)
                _ = read(client, &buffer, buffer.count)
                let bytes = Array(text.utf8)
                _ = write(client, bytes, bytes.count)
                shutdown(client, Int32(SHUT_WR))
                _ = read(client, &buffer, buffer.count)
                close(client)
            case .hangsUp: close(client)
            case .silent: accepted.withLock { $0.append(client) }
            }
        }
    }

    /// A port on which nothing listens: it was free a moment ago.
    package static func freePort() throws -> Int {
        let server = try FakeServer(.hangsUp)
        server.stop()
        return server.port
    }
}
