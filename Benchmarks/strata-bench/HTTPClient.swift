import Foundation

/// A client of an HTTP service on the loopback that adds little to what it measures: one connection that is kept, requests
/// that are ready as bytes, and of an answer its status and body.
final class HTTPClient {
    struct Answer {
        var status: Int
        var body: [UInt8]
    }

    /// Of an answer, with its head.
    private static let largest = 64 << 20

    let descriptor: Int32
    /// What has come of an answer that is not whole yet.
    private var tail: [UInt8] = []
    private var head: Head?

    init(port: Int) throws { descriptor = try WireClient.connect(port: port) }

    deinit { close(descriptor) }

    func send(_ request: [UInt8]) throws {
        try request.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let part = UnsafeRawBufferPointer(rebasing: rest)
                let count = Foundation.send(descriptor, part.baseAddress, part.count, Int32(MSG_NOSIGNAL))
                guard count > 0 else {
                    throw BenchFailure("a client cannot send: \(String(cString: strerror(errno)))")
                }
                rest = rest.dropFirst(count)
            }
        }
    }

    /// Reads what is there.
    ///
    /// - Returns: nil: the answer is not whole yet.
    func receivedAnswer() throws -> Answer? {
        try receive()
        if head == nil { head = try Head(tail) }
        guard let head, tail.count >= head.count + head.bodyCount else { return nil }
        guard tail.count == head.count + head.bodyCount else {
            throw BenchFailure("more came than the answer to one request")
        }
        let answer = Answer(status: head.status, body: Array(tail[head.count...]))
        tail.removeAll(keepingCapacity: true)
        self.head = nil
        return answer
    }

    func ask(_ request: [UInt8]) throws -> Answer {
        try send(request)
        while true { if let answer = try receivedAnswer() { return answer } }
    }

    private func receive() throws {
        try withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 8) { buffer in
            let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            guard count > 0 else {
                throw BenchFailure("a connection was lost: \(count == 0 ? "closed" : String(cString: strerror(errno)))")
            }
            guard tail.count + count <= Self.largest else { throw BenchFailure("an answer is larger than 64 MiB") }
            tail.append(contentsOf: buffer[..<count])
        }
    }

    // MARK: Heads

    private struct Head {
        var status: Int
        /// With the empty line.
        var count: Int
        var bodyCount = 0

        /// nil: it is not whole yet.
        init?(_ bytes: [UInt8]) throws {
            guard let end = bytes.place(of: "\r\n\r\n") else { return nil }
            count = end + 4
            guard bytes.starts(with: "HTTP/1.1 ".utf8),
                let status = Int(String(decoding: bytes[9..<12], as: UTF8.self))
            else { throw BenchFailure("an answer is not HTTP's") }
            self.status = status
            for line in bytes[..<end].split(separator: UInt8(ascii: "\n")).dropFirst() {
                if Self.isNamed("content-length:", line) {
                    bodyCount = line.reduce(0) { 0x30...0x39 ~= $1 ? $0 * 10 + Int($1 - 0x30) : $0 }
                }
                if Self.isNamed("transfer-encoding:", line) {
                    throw BenchFailure("an answer in chunks is not understood here")
                }
            }
        }

        private static func isNamed(_ name: StaticString, _ line: ArraySlice<UInt8>) -> Bool {
            name.withUTF8Buffer { name in
                line.prefix(name.count).elementsEqual(name) { $0 | 0x20 == $1 }
            }
        }
    }

    // MARK: Requests

    /// A whole request with a JSON body.
    static func post(_ path: String, key: String, _ body: String) -> [UInt8] {
        Array(
            """
            POST \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer \(key)\r\nContent-Type: application/json\r\n\
            Content-Length: \(body.utf8.count)\r\n\r\n\(body)
            """.utf8)
    }
}

/// Clients of whom each waits for its answer before it sends the next request, all on one thread.
struct HTTPCrowd {
    let clients: [HTTPClient]

    init(_ count: Int, port: Int) throws { clients = try (0..<count).map { _ in try HTTPClient(port: port) } }

    /// - Parameters:
    ///   - next: a client's next request; nil: it is done.
    ///   - answered: what a client got, and how long after it had asked.
    func run(next: (Int) throws -> [UInt8]?, answered: (Int, HTTPClient.Answer, Duration) throws -> Void) throws {
        var waiting = clients.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        var began = [ContinuousClock.Instant](repeating: .now, count: clients.count)
        func ask(_ index: Int) throws {
            guard let request = try next(index) else {
                waiting[index].fd = -1
                return
            }
            began[index] = .now
            try clients[index].send(request)
        }
        for index in clients.indices { try ask(index) }
        while waiting.contains(where: { $0.fd >= 0 }) {
            guard poll(&waiting, nfds_t(waiting.count), 60_000) > 0 else {
                throw BenchFailure("no answer within a minute")
            }
            for index in waiting.indices where waiting[index].revents != 0 {
                guard let answer = try clients[index].receivedAnswer() else { continue }
                try answered(index, answer, .now - began[index])
                try ask(index)
            }
        }
    }
}

extension [UInt8] {
    /// Where a text begins, from an index on.
    func place(of text: StaticString, from start: Int = 0) -> Int? {
        let (count, first) = (text.utf8CodeUnitCount, Int32(text.utf8Start.pointee))
        return withUnsafeBytes { bytes -> Int? in
            guard let base = bytes.baseAddress else { return nil }
            var place = start
            while place + count <= bytes.count {
                guard let found = memchr(base + place, first, bytes.count - count - place + 1) else { return nil }
                place = UnsafeRawPointer(found) - base
                if memcmp(base + place, text.utf8Start, count) == 0 { return place }
                place += 1
            }
            return nil
        }
    }
}
