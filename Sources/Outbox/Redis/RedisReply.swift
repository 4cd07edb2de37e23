import CHiredis

/// What Redis answers, but for errors: those are thrown.
enum RedisReply: Sendable, Hashable {
    case text(String)
    case integer(Int)
    case null
    case array([RedisReply])

    var text: String? { if case .text(let text) = self { text } else { nil } }
    var elements: [RedisReply] { if case .array(let elements) = self { elements } else { [] } }
}

extension RedisReply {
    /// Copies a reply of hiredis, which nests at most seven deep.
    ///
    /// - Throws: `RedisFailure.refused`.
    init(_ reply: redisReply) throws {
        switch reply.type {
        case REDIS_REPLY_ERROR: throw RedisFailure(Self.text(reply))
        case REDIS_REPLY_STRING, REDIS_REPLY_STATUS: self = .text(Self.text(reply))
        case REDIS_REPLY_INTEGER: self = .integer(Int(reply.integer))
        case REDIS_REPLY_ARRAY:
            self = .array(
                try (0..<reply.elements).map { index in
                    guard let element = reply.element?[index] else { return .null }
                    return try RedisReply(element.pointee)
                })
        default: self = .null
        }
    }

    private static func text(_ reply: redisReply) -> String {
        guard let start = reply.str else { return "" }
        return String(
            decoding: UnsafeRawBufferPointer(start: UnsafeRawPointer(start), count: Int(reply.len)), as: UTF8.self)
    }
}
