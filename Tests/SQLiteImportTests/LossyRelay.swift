import Foundation
import PostgresDriver
import Synchronization

/// Between a client and the test server: hands on what both say, and every second time that a client commits a
/// transaction it loses the connection.
final class LossyRelay: Sendable {
    enum Cut: String, Sendable, CaseIterable {
        /// The server never hears of it.
        case before
        /// The server has committed, and the client does not hear of it.
        case after
        /// The server hears it while the connection is lost.
        case meanwhile
    }

    private let origin: ConnectionSettings
    private let cut: Cut
    private let listener: Int32
    private let port: Int
    private let commits = Mutex(0)
    private let lost = Mutex(0)

    init(to origin: ConnectionSettings, _ cut: Cut) throws {
        (self.origin, self.cut) = (origin, cut)
        listener = Self.socket()
        var address = Self.address(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        let isBound = Self.with(&address) { bind(descriptor, $0, length) == 0 && listen(descriptor, 16) == 0 }
        guard isBound, Self.with(&address, { getsockname(descriptor, $0, &length) == 0 }) else {
            throw CocoaError(.featureUnsupported)
        }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { [self] in accept() }
    }

    var cuts: Int { lost.withLock { $0 } }

    var settings: ConnectionSettings {
        get throws { try origin.settings(["host": "127.0.0.1", "port": "\(port)", "sslmode": "disable"]) }
    }

    func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    private func accept() {
        defer { close(listener) }
        while true {
            let client = Foundation.accept(listener, nil, nil)
            if client < 0 { return }
            let server = Self.socket()
            var address = Self.address(UInt16(origin.port))
            let length = socklen_t(MemoryLayout<sockaddr_in>.size)
            guard Self.with(&address, { connect(server, $0, length) == 0 }) else {
                close(client)
                close(server)
                continue
            }
            Thread.detachNewThread { [self] in
                relay(client, server)
                close(client)
                close(server)
            }
        }
    }

    private func relay(_ client: Int32, _ server: Int32) {
        let commit = [UInt8(ascii: "Q"), 0, 0, 0, 11] + Array("COMMIT\0".utf8)
        while true {
            var waiting = [client, server].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            guard poll(&waiting, 2, -1) > 0 else { return }
            if waiting[1].revents != 0 {
                guard let bytes = Self.read(server), Self.write(bytes, client) else { return }
            }
            guard waiting[0].revents != 0 else { continue }
            guard let bytes = Self.read(client) else { return }
            let isLost =
                bytes.suffix(commit.count).elementsEqual(commit)
                && commits.withLock {
                    $0 += 1; return $0 % 2 == 0
                }
            if isLost {
                lost.withLock { $0 += 1 }
                if cut != .before { _ = Self.write(bytes, server) }
                if cut == .after { _ = Self.read(server) }
                return
            }
            guard Self.write(bytes, server) else { return }
        }
    }

    // MARK: Sockets

    private static func socket() -> Int32 {
        #if os(Linux)
            Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
            Foundation.socket(AF_INET, SOCK_STREAM, 0)
        #endif
    }

    private static func address(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        address.sin_port = port.bigEndian
        return address
    }

    private static func with<T>(_ address: inout sockaddr_in, _ body: (UnsafeMutablePointer<sockaddr>) -> T) -> T {
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
        }
    }

    private static func read(_ descriptor: Int32) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = Foundation.read(descriptor, &buffer, buffer.count)
        return count > 0 ? Array(buffer[..<count]) : nil
    }

    private static func write(_ bytes: [UInt8], _ descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
