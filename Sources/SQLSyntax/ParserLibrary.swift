import CPgQuery
import Foundation

/// The calls into libpg_query: bounded input, results always freed, errors as values.
///
/// The library keeps its memory per thread, so calls may run in parallel. Its tree writer recurses once per level of
/// nesting without looking at the stack, and `1+1+1…` nests once per two bytes: longer texts therefore get a thread
/// of their own, with a stack in proportion to the text.
enum ParserLibrary {
    /// The library needs at most about 160 bytes of stack per byte of such a text; this leaves room.
    private static let stackBytesPerTextByte = 512
    /// Up to here the call stays on the caller's thread, whose stack is 512 KiB on Darwin and at least 2 MiB on Linux.
    #if canImport(Darwin)
        private static let callerThreadBytes = 2048
    #else
        private static let callerThreadBytes = 8192
    #endif

    static func source(_ sql: String, limit: Int) throws(SQLSyntaxError) -> SourceText {
        let length = sql.utf8.count
        guard length <= limit else {
            throw SQLSyntaxError(
                reason: .tooLarge(limit: limit),
                message: "the SQL text has \(length) bytes; at most \(limit) are read"
            )
        }
        guard !sql.utf8.contains(0) else {
            throw SQLSyntaxError(reason: .containsNUL, message: "the SQL text contains a NUL byte")
        }
        return SourceText(sql)
    }

    static func parseTree(_ text: SourceText) throws(SQLSyntaxError) -> [UInt8] {
        try call(text) { input in
            let result = pg_query_parse(input)
            defer { pg_query_free_parse_result(result) }
            if let failure = failure(result.error) { return .failure(failure) }
            guard let tree = result.parse_tree else { return .failure(.unreadable) }
            return .success([UInt8](UnsafeRawBufferPointer(start: tree, count: strlen(tree))))
        }
    }

    static func scan(_ text: SourceText) throws(SQLSyntaxError) -> [UInt8] {
        try call(text) { input in
            let result = pg_query_scan(input)
            defer { pg_query_free_scan_result(result) }
            if let failure = failure(result.error) { return .failure(failure) }
            guard let data = result.pbuf.data else { return .success([]) }
            return .success([UInt8](UnsafeRawBufferPointer(start: data, count: result.pbuf.len)))
        }
    }

    static func fingerprint(_ text: SourceText) throws(SQLSyntaxError) -> String {
        try call(text) { input in
            let result = pg_query_fingerprint(input)
            defer { pg_query_free_fingerprint_result(result) }
            if let failure = failure(result.error) { return .failure(failure) }
            guard let value = result.fingerprint_str else { return .failure(.unreadable) }
            return .success(String(cString: value))
        }
    }

    static func normalise(_ text: SourceText) throws(SQLSyntaxError) -> String {
        try call(text) { input in
            let result = pg_query_normalize(input)
            defer { pg_query_free_normalize_result(result) }
            if let failure = failure(result.error) { return .failure(failure) }
            guard let value = result.normalized_query else { return .failure(.unreadable) }
            return .success(String(cString: value))
        }
    }

    /// What the library said, copied out of its memory. The position counts characters from 1; 0 means none.
    private struct Failure: Error, Sendable {
        let message: String
        let position: Int

        static let unreadable = Failure(message: "the parser gave no answer", position: 0)
    }

    private static func failure(_ error: UnsafeMutablePointer<PgQueryError>?) -> Failure? {
        guard let error else { return nil }
        let message = error.pointee.message.map { String(cString: $0) } ?? "unknown parser error"
        return Failure(message: message, position: Int(error.pointee.cursorpos))
    }

    private static func call<Value: Sendable>(
        _ text: SourceText,
        _ body: @escaping @Sendable (UnsafePointer<CChar>) -> Result<Value, Failure>
    ) throws(SQLSyntaxError) -> Value {
        let run: @Sendable () -> Result<Value, Failure> = {
            var input = text.bytes.map { CChar(bitPattern: $0) }
            input.append(0)
            return input.withUnsafeBufferPointer { buffer in
                buffer.baseAddress.map(body) ?? .failure(.unreadable)
            }
        }
        let length = text.bytes.count
        let result = length <= callerThreadBytes ? run() : onLargeStack(length * stackBytesPerTextByte, run)
        switch result {
        case .success(let value): return value
        case .failure(let failure):
            let offset = failure.position > 0 ? text.offset(ofScalar: failure.position - 1) : nil
            let reason: SQLSyntaxError.Reason = offset == nil ? .parserFailure : .syntax
            throw SQLSyntaxError(reason: reason, message: failure.message, offset: offset, in: text)
        }
    }

    private static func onLargeStack<Value: Sendable>(
        _ size: Int,
        _ run: @escaping @Sendable () -> Result<Value, Failure>
    ) -> Result<Value, Failure> {
        let outcome = Outcome<Result<Value, Failure>>()
        let bytes = LargeStack.roundedUp(size)
        let isDone = LargeStack.run(bytes: bytes) { outcome.value = run() }
        guard isDone, let value = outcome.value else {
            return .failure(Failure(message: "no thread with \(bytes) bytes of stack could be started", position: 0))
        }
        return value
    }
}

/// One value handed over by a thread that is waited for.
private final class Outcome<Value: Sendable>: @unchecked Sendable {
    // Written by the one thread, read by the other only after joining it.
    var value: Value?
}
