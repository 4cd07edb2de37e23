import Foundation
import PostgresWire

/// A client of a few bytes: a blocking socket on the loopback that logs in, sends ready messages and waits for the end of
/// their answers. Thousands of them fit into this process, and one adds little to what it measures.
final class WireClient {
    struct Login: Sendable {
        var port: Int
        var user: String
        var database: String
        /// Only asked for where there is nothing in between.
        var password: String
    }

    let descriptor: Int32
    /// What has come of a message that is not whole yet.
    private var tail: [UInt8] = []

    init(_ login: Login) throws {
        descriptor = try Self.connect(port: login.port)
        try logIn(login)
    }

    deinit { close(descriptor) }

    static func isListening(port: Int) -> Bool {
        guard let descriptor = try? connect(port: port) else { return false }
        close(descriptor)
        return true
    }

    /// One that nobody listens on now.
    static func freePort() throws -> Int {
        let descriptor = try socket()
        defer { close(descriptor) }
        var address = address(port: 0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isFound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        guard isFound else { throw BenchFailure("no free port: \(String(cString: strerror(errno)))") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    // MARK: Socket

    private static func socket() throws -> Int32 {
        #if canImport(Glibc)
            let kind = Int32(SOCK_STREAM.rawValue)
        #else
            let kind = SOCK_STREAM
        #endif
        let descriptor = Foundation.socket(AF_INET, kind, 0)
        guard descriptor >= 0 else { throw BenchFailure("no socket: \(String(cString: strerror(errno)))") }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return descriptor
    }

    private static func address(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return address
    }

    static func connect(port: Int) throws -> Int32 {
        let descriptor = try socket()
        var address = address(port: port)
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else {
            let reason = String(cString: strerror(errno))
            close(descriptor)
            throw BenchFailure("cannot connect to port \(port): \(reason)")
        }
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        return descriptor
    }

    func send(_ bytes: [UInt8]) throws {
        guard Foundation.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw BenchFailure("a client cannot send: \(String(cString: strerror(errno)))")
        }
    }

    private func receive() throws {
        try withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
            let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            guard count > 0 else {
                throw BenchFailure("a connection was lost: \(count == 0 ? "closed" : String(cString: strerror(errno)))")
            }
            tail.append(contentsOf: buffer[..<count])
        }
    }

    // MARK: Messages

    /// A simple query, ready to be sent.
    static func query(_ sql: String) -> [UInt8] {
        var writer = MessageWriter(reserving: sql.utf8.count + 6)
        writer.message(FrontendTag.query) { $0.string(sql) }
        return writer.bytes
    }

    /// Reads what is there. - Returns: true at the end of an answer (ReadyForQuery); throws where it was an error.
    func receivedAnswer() throws -> Bool {
        try receive()
        var offset = 0
        while tail.count - offset >= FrameHeader.byteCount {
            let frame = tail.withUnsafeBytes { FrameHeader.read(UnsafeRawBufferPointer(rebasing: $0[offset...])) }
            guard case .header(let header) = frame else { throw BenchFailure("an answer is not PostgreSQL's") }
            guard tail.count - offset >= header.frameCount else { break }
            let body = tail[(offset + FrameHeader.byteCount)..<(offset + header.frameCount)]
            offset += header.frameCount
            if header.tag == BackendTag.errorResponse { throw Self.failure(body) }
            if header.tag == BackendTag.readyForQuery {
                tail.removeFirst(offset)
                return true
            }
        }
        tail.removeFirst(offset)
        return false
    }

    func ask(_ query: [UInt8]) throws {
        try send(query)
        while try !receivedAnswer() {}
    }

    private static func failure(_ body: ArraySlice<UInt8>) -> BenchFailure {
        let fields = body.withUnsafeBytes { ErrorFields(body: $0) }
        return BenchFailure("\(fields?.code ?? "?????"): \(fields?.message ?? "an error that cannot be read")")
    }

    // MARK: Login

    private func logIn(_ login: Login) throws {
        let parameters = [("user", login.user), ("database", login.database)]
        try send(StartupMessage(parameters: parameters.map { .init($0.0, $0.1) }).packet)
        guard var scram = ScramClient(secret: .password(login.password)) else { throw BenchFailure("no random bytes") }
        while true {
            let (tag, body) = try frame()
            if tag == BackendTag.errorResponse { throw Self.failure(body[...]) }
            if tag == BackendTag.readyForQuery { return }
            guard tag == BackendTag.authentication else { continue }
            let content = Array(body.dropFirst(4))
            switch body[3] {
            case 0, 12: continue
            case 10: try send(Self.saslStart(scram.firstMessage))
            case 11: try send(Self.password(scram.answer(content).get()))
            default: throw BenchFailure("port \(login.port) asks for an authentication that is not scram or trust")
            }
        }
    }

    /// One whole message, byte for byte: a login is short.
    private func frame() throws -> (UInt8, [UInt8]) {
        let header = try exactly(FrameHeader.byteCount)
        guard case .header(let read) = header.withUnsafeBytes({ FrameHeader.read($0) }) else {
            throw BenchFailure("an answer is not PostgreSQL's")
        }
        return (read.tag, try exactly(read.bodyCount))
    }

    private func exactly(_ count: Int) throws -> [UInt8] {
        guard count > 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: count)
        guard recv(descriptor, &bytes, count, Int32(MSG_WAITALL)) == count else {
            throw BenchFailure("a connection was lost during the login")
        }
        return bytes
    }

    private static func password(_ content: [UInt8]) -> [UInt8] {
        var writer = MessageWriter(reserving: content.count + 5)
        writer.message(FrontendTag.password) { $0.raw(content) }
        return writer.bytes
    }

    private static func saslStart(_ content: [UInt8]) -> [UInt8] {
        var writer = MessageWriter(reserving: content.count + 32)
        writer.message(FrontendTag.password) { body in
            body.string("SCRAM-SHA-256")
            body.int32(Int32(content.count))
            body.raw(content)
        }
        return writer.bytes
    }
}
