import PostgresWire

/// One end of a comparison: plays steps and gives what came, without what has to differ.
final class ConversationPlayer {
    private let client: WireClient

    init(_ client: WireClient) { self.client = client }

    func play(_ step: ConversationStep) throws -> [WireClient.Message] {
        switch step {
        case .exchange(let bytes):
            try client.send(bytes)
            return try rest()
        case .flush(let bytes):
            // The rest comes with the next step's; but something has to come without it.
            let before = try synchronized()
            try client.send(bytes)
            return try before + [client.receive()].compactMap { $0.map(comparable) }
        case .copyIn(let start, let data):
            var messages = try synchronized()
            try client.send(start)
            while let message = try client.receive() {
                messages.append(comparable(message))
                if message.tag == "G" || message.tag == "E" { break }
            }
            try client.send(data)
            return try messages + rest()
        }
    }

    private func synchronized() throws -> [WireClient.Message] {
        try client.send(WireClient.sync)
        return try client.receive(through: "Z").map(comparable)
    }

    /// Five Closes in a row are nobody else's: what comes before their answers is all there is.
    private func rest() throws -> [WireClient.Message] {
        let close = WireClient.close("S", "of the comparison")
        try client.send(WireClient.sync + close + close + close + close + close + WireClient.sync)
        var messages: [WireClient.Message] = []
        var closed = 0
        while let message = try client.receive() {
            messages.append(comparable(message))
            if message.tag == "Z", closed == 5 { return messages }
            closed = message.tag == "3" ? closed + 1 : 0
        }
        messages.append(.init(tag: "!", body: Array("the connection was closed".utf8)))
        return messages
    }

    // MARK: What has to differ

    private func comparable(_ message: WireClient.Message) -> WireClient.Message {
        switch message.tag {
        case "A":
            let isOwn = client.key.map { Array(message.body.prefix(4)) == WireClient.int32($0.processID) } ?? false
            return .init(tag: "A", body: [isOwn ? 1 : 0] + message.body.dropFirst(4))
        case "E", "N": return .init(tag: message.tag, body: withoutSource(message))
        case "T": return .init(tag: "T", body: withoutNumbers(message.body))
        case "t":
            let numbers = stride(from: 2, to: message.body.count, by: 4).flatMap {
                Self.number(Array(message.body[$0..<min($0 + 4, message.body.count)]))
            }
            return .init(tag: "t", body: message.body.prefix(2) + numbers)
        default: return message
        }
    }

    /// File, line and routine of PostgreSQL's source: the proxy's own errors have none.
    private func withoutSource(_ message: WireClient.Message) -> [UInt8] {
        guard var fields = message.error else { return message.body }
        fields.others.removeAll { "FLR".utf8.contains($0.type) }
        fields.others.sort { $0.type < $1.type }
        // Statements have other names on servers, which PostgreSQL tells in this one message.
        if fields.message.hasPrefix("bind message supplies") {
            fields.message.replace(/prepared statement "[^"]*"/, with: "prepared statement")
        }
        var writer = MessageWriter()
        fields.write(to: &writer)
        return Array(writer.bytes.dropFirst(FrameHeader.byteCount))
    }

    /// Tables and types that were made here have other numbers there.
    private func withoutNumbers(_ body: [UInt8]) -> [UInt8] {
        body.withUnsafeBytes { bytes in
            var cursor = ByteCursor(bytes)
            var result: [UInt8] = Array(cursor.take(2) ?? .init(start: nil, count: 0))
            while let name = cursor.cString() {
                result += Array(name) + [0]
                result += Self.number(Array(cursor.take(4) ?? .init(start: nil, count: 0)))
                result += Array(cursor.take(2) ?? .init(start: nil, count: 0))
                result += Self.number(Array(cursor.take(4) ?? .init(start: nil, count: 0)))
                result += Array(cursor.take(8) ?? .init(start: nil, count: 0))
            }
            return result
        }
    }

    private static func number(_ bytes: [UInt8]) -> [UInt8] {
        let value = bytes.reduce(0) { $0 << 8 | UInt32($1) }
        return value >= 16_384 ? [255, 255, 255, 255] : bytes
    }
}
