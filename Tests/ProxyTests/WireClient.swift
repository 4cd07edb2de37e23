import Foundation
import PostgresWire

/// A client that sends what a test gives it and shows what comes back, message by message: for what no driver does.
final class WireClient: @unchecked Sendable {
    struct Message: Equatable, CustomStringConvertible {
        var tag: Character
        var body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
        var description: String { "\(tag)(\(text.replacing("\0", with: "|")))" }
        /// Fields of an ErrorResponse.
        var error: ErrorFields? { body.withUnsafeBytes { ErrorFields(body: $0) } }
    }

    enum Failure: Error { case closed, timeout, system(Int32) }

    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private(set) var parameters: [String: String] = [:]
    private(set) var key: CancelKey?

    /// - Parameter limit: seconds without a byte after which somebody who waits gives up.
    init(port: UInt16, limit seconds: Int = 60) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Failure.system(errno) }
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { _ = Foundation.close(descriptor) }

    // MARK: Bytes

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure.system(errno) }
            sent += count
        }
    }

    /// Nothing more is sent; answers may still come.
    func finish() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    /// Everything up to the end, however the other side ends it.
    /// - Throws: `timeout` where it neither says anything nor hangs up.
    func readToEnd() throws {
        while true {
            buffer = []
            do { try fill() } catch Failure.timeout { throw Failure.timeout } catch { return }
        }
    }

    func receiveByte() throws -> UInt8 {
        if buffer.isEmpty { try fill() }
        return buffer.removeFirst()
    }

    /// nil: the other side has closed.
    func receive() throws -> Message? {
        while true {
            if buffer.count >= 5 {
                let length = buffer[1..<5].reduce(0) { $0 << 8 | Int($1) }
                if buffer.count > length {
                    let message = Message(
                        tag: Character(UnicodeScalar(buffer[0])), body: Array(buffer[5..<(length + 1)]))
                    buffer.removeFirst(length + 1)
                    return message
                }
            }
            do { try fill() } catch Failure.closed { return nil }
        }
    }

    private func fill() throws {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        if count == 0 { throw Failure.closed }
        guard count > 0 else { throw errno == EAGAIN ? Failure.timeout : Failure.system(errno) }
        buffer += chunk[..<count]
    }

    /// Everything up to and with the next message of this type, or the end.
    func receive(through tag: Character) throws -> [Message] {
        var messages: [Message] = []
        while let message = try receive() {
            messages.append(message)
            if message.tag == tag { return messages }
        }
        return messages
    }

    // MARK: Sessions

    @discardableResult
    func start(
        user: String, database: String, password: String? = nil, parameters: [(String, String)] = [], minor: Int = 0
    ) throws -> [Message] {
        let all = [("user", user), ("database", database)] + parameters
        try send(
            StartupMessage(minorVersion: minor, parameters: all.map { .init($0.0, $0.1) }).packet)
        var seen: [Message] = []
        var scram: ScramClient?
        while let message = try receive() {
            seen.append(message)
            switch message.tag {
            case "R":
                guard let request = message.body.withUnsafeBytes({ AuthenticationRequest(body: $0) }) else { continue }
                try answer(request, user, password, &scram)
            case "S":
                let parts = message.text.split(separator: "\0").map(String.init)
                if parts.count == 2 { self.parameters[parts[0]] = parts[1] }
            case "K": key = message.body.withUnsafeBytes { CancelKey(keyData: $0) }
            case "Z", "E": return seen
            default: break
            }
        }
        return seen
    }

    private func answer(
        _ request: AuthenticationRequest, _ user: String, _ password: String?, _ scram: inout ScramClient?
    ) throws {
        switch request {
        case .md5Password(let salt):
            let stored = MD5Password.stored(password: password ?? "", user: user) ?? ""
            try send(Self.message("p", Array((MD5Password.answer(stored: stored, salt: salt) ?? "").utf8) + [0]))
        case .sasl:
            guard let client = ScramClient(secret: .password(password ?? "")) else { return }
            scram = client
            let first = client.firstMessage
            try send(
                Self.message(
                    "p", Array("SCRAM-SHA-256".utf8) + [0] + Self.int32(Int32(first.count)) + first))
        case .saslContinue(let challenge):
            if case .success(let bytes)? = scram?.answer(challenge) { try send(Self.message("p", bytes)) }
        default: break
        }
    }

    // MARK: Messages

    static func int32(_ value: Int32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
    static func int16(_ value: Int16) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
    static func message(_ tag: Character, _ body: [UInt8] = []) -> [UInt8] {
        [tag.asciiValue ?? 0] + int32(Int32(body.count + 4)) + body
    }
    static func query(_ text: String) -> [UInt8] { message("Q", Array(text.utf8) + [0]) }
    static func parse(_ name: String = "", _ text: String) -> [UInt8] {
        message("P", Array(name.utf8) + [0] + Array(text.utf8) + [0, 0, 0])
    }
    static func bind(_ portal: String = "", _ statement: String = "", _ values: [String] = []) -> [UInt8] {
        var body = Array(portal.utf8) + [0] + Array(statement.utf8) + [0, 0, 0] + int16(Int16(values.count))
        for value in values { body += int32(Int32(value.utf8.count)) + Array(value.utf8) }
        return message("B", body + [0, 0])
    }
    static func describe(_ kind: Character, _ name: String = "") -> [UInt8] {
        message("D", [kind.asciiValue ?? 0] + Array(name.utf8) + [0])
    }
    static func execute(_ portal: String = "") -> [UInt8] { message("E", Array(portal.utf8) + [0, 0, 0, 0, 0]) }
    static func close(_ kind: Character, _ name: String) -> [UInt8] {
        message("C", [kind.asciiValue ?? 0] + Array(name.utf8) + [0])
    }
    static let sync = message("S")
    static let flush = message("H")

    /// Runs a simple query; values of the rows, and the error if there was one.
    func query(_ text: String) throws -> (rows: [[String?]], error: ErrorFields?, tags: [String], messages: [Message]) {
        try send(Self.query(text))
        return try results()
    }

    func results() throws -> (rows: [[String?]], error: ErrorFields?, tags: [String], messages: [Message]) {
        let messages = try receive(through: "Z")
        var rows: [[String?]] = []
        var tags: [String] = []
        var error: ErrorFields?
        for message in messages {
            switch message.tag {
            case "D": rows.append(Self.row(message.body))
            case "C": tags.append(message.text.trimmingCharacters(in: ["\0"]))
            case "E": error = error ?? message.error
            default: break
            }
        }
        return (rows, error, tags, messages)
    }

    /// The rows among messages.
    static func rows(_ messages: [Message]) -> [[String?]] { messages.filter { $0.tag == "D" }.map { row($0.body) } }

    private static func row(_ body: [UInt8]) -> [String?] {
        body.withUnsafeBytes { bytes in
            var cursor = ByteCursor(bytes)
            return (0..<(cursor.int16() ?? 0)).map { _ in
                guard let size = cursor.int32(), size >= 0, let value = cursor.take(Int(size)) else { return nil }
                return String(decoding: value, as: UTF8.self)
            }
        }
    }
}

extension WireClient {
    /// Holds a server in a transaction, so that others get another one.
    func holdServer() throws { _ = try query("BEGIN; SELECT 1 AS held") }
}
