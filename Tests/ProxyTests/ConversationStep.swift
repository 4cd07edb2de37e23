/// What a client sends before it reads, and how it knows that all has come.
enum ConversationStep: Sendable, Equatable {
    /// Ends with Sync or a simple query: all answers are waited for.
    case exchange([UInt8])
    /// Ends with Flush: what comes, comes.
    case flush([UInt8])
    /// The second part is sent when the server asks for copied data, or has refused.
    case copyIn([UInt8], data: [UInt8])

    /// The same with one message less, for each message of which there are several.
    var shorter: [ConversationStep] {
        switch self {
        case .exchange(let bytes): Self.without(bytes).map { .exchange($0) }
        // Without its Flush nothing need come.
        case .flush(let bytes): Self.without(bytes.dropLast(5)).map { .flush($0 + WireClient.flush) }
        case .copyIn: []
        }
    }

    private static func without(_ bytes: some Collection<UInt8>) -> [[UInt8]] {
        let messages = messages(Array(bytes))
        guard messages.count > 1 else { return [] }
        return messages.indices.reversed().map { index in
            var rest = messages
            rest.remove(at: index)
            return rest.flatMap { $0 }
        }
    }

    static func messages(_ bytes: [UInt8]) -> [[UInt8]] {
        var messages: [[UInt8]] = []
        var offset = 0
        while offset + 5 <= bytes.count {
            let length = bytes[(offset + 1)..<(offset + 5)].reduce(0) { $0 << 8 | Int($1) }
            let end = min(offset + 1 + length, bytes.count)
            messages.append(Array(bytes[offset..<end]))
            offset = end
        }
        return messages
    }
}

extension ConversationStep: CustomStringConvertible {
    var description: String {
        switch self {
        case .exchange(let bytes): "exchange " + Self.text(bytes)
        case .flush(let bytes): "flush " + Self.text(bytes)
        case .copyIn(let start, let data): "copy " + Self.text(start) + " / " + Self.text(data)
        }
    }

    private static func text(_ bytes: [UInt8]) -> String {
        messages(bytes).map { message in
            let shown = message.dropFirst(5).prefix(300).map { byte in
                32..<127 ~= byte ? String(UnicodeScalar(byte)) : "\\\(byte)"
            }
            return "\(Character(UnicodeScalar(message[0])))(\(shown.joined()))"
        }.joined(separator: " ")
    }
}

extension ConversationStep {
    /// All that is sent.
    var bytes: [UInt8] {
        switch self {
        case .exchange(let bytes), .flush(let bytes): bytes
        case .copyIn(let start, let data): start + data
        }
    }
}
