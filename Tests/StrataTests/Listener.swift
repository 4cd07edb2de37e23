import Foundation

/// A TCP listener on 127.0.0.1 that is not PostgreSQL: it reads something, answers, and hangs up.
final class Listener: Sendable {
    let port: Int
    private let socket: Int32

    init(answer: String) throws {
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
        Thread.detachNewThread { [self] in serve(Array(answer.utf8)) }
    }

    func stop() {
        shutdown(socket, Int32(SHUT_RDWR))
        close(socket)
    }

    private func serve(_ answer: [UInt8]) {
        while true {
            let client = accept(socket, nil, nil)
            if client < 0 { return }
            var buffer = [UInt8](repeating: 0, count: 1024)
            _ = read(client, &buffer, buffer.count)
            if !answer.isEmpty { _ = write(client, answer, answer.count) }
            shutdown(client, Int32(SHUT_WR))
            _ = read(client, &buffer, buffer.count)
            close(client)
        }
    }

    /// A port on which nothing listens: it was free a moment ago.
    static func freePort() throws -> Int {
        let listener = try Listener(answer: "")
        listener.stop()
        return listener.port
    }
}
