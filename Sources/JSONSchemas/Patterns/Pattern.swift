import CPCRE2

/// A regular expression of ECMA-262, compiled. Immutable, and used by many threads at once.
final class Pattern: @unchecked Sendable {
    /// As it was written.
    let source: String
    fileprivate let code: OpaquePointer

    /// Why a text is no regular expression that is taken.
    struct Failure: Error, Sendable, Hashable {
        var message: String
    }

    /// Bytes that a pattern may have.
    static let longest = 10_000

    init(_ source: String) throws(Failure) {
        guard source.utf8.count <= Pattern.longest else {
            throw Failure(message: "it has more than \(Pattern.longest) bytes")
        }
        let translated = Array(try PatternTranslator.translate(source).utf8)
        var errorCode: Int32 = 0
        var errorOffset = 0
        let options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_MATCH_UNSET_BACKREF | PCRE2_ALLOW_EMPTY_CLASS
        let code = translated.withUnsafeBufferPointer {
            pcre2_compile_8($0.baseAddress, $0.count, options, &errorCode, &errorOffset, nil)
        }
        guard let code else { throw Failure(message: Pattern.message(errorCode)) }
        self.source = source
        self.code = code
    }

    deinit { pcre2_code_free_8(code) }

    private static func message(_ code: Int32) -> String {
        var text = [UInt8](repeating: 0, count: 256)
        let count = text.withUnsafeMutableBufferPointer {
            pcre2_get_error_message_8(code, $0.baseAddress, $0.count)
        }
        return count > 0 ? String(decoding: text.prefix(Int(count)), as: UTF8.self) : "error \(code)"
    }
}

/// Room and limits for matching; for one thread at a time.
final class PatternMatcher {
    enum Verdict {
        case matches
        case differs
        /// The search was given up at a limit.
        case undecided
    }

    /// Steps of one search: tried with few first, so that it is known about how much was needed. A million takes some
    /// ten milliseconds.
    private static let stepLimits: [UInt32] = [1_000, 30_000, 1_000_000]
    /// KiB for the ways of one search that are still open.
    private static let memoryLimit: UInt32 = 20_000

    private let context: OpaquePointer?
    private let data: OpaquePointer?

    init() {
        context = pcre2_match_context_create_8(nil)
        data = pcre2_match_data_create_8(1, nil)
        pcre2_set_heap_limit_8(context, PatternMatcher.memoryLimit)
    }

    deinit {
        pcre2_match_data_free_8(data)
        pcre2_match_context_free_8(context)
    }

    /// Whether it matches anywhere in the text, and what it may have taken: one for ten steps, where there were many.
    func search(_ pattern: Pattern, in text: String) -> (verdict: Verdict, cost: Int) {
        var cost = 1 + text.utf8.count / 64
        guard context != nil, data != nil else { return (.undecided, cost) }
        for (attempt, limit) in PatternMatcher.stepLimits.enumerated() {
            if attempt > 0 { cost += Int(limit) / 10 }
            pcre2_set_match_limit_8(context, limit)
            let code = run(pattern, text)
            if code >= 0 { return (.matches, cost) }
            if code == PCRE2_ERROR_NOMATCH { return (.differs, cost) }
            guard code == PCRE2_ERROR_MATCHLIMIT else { break }
        }
        return (.undecided, cost)
    }

    private func run(_ pattern: Pattern, _ text: String) -> Int32 {
        // Strings of Swift are always UTF-8.
        func run(_ bytes: UnsafeBufferPointer<UInt8>) -> Int32 {
            pcre2_match_8(pattern.code, bytes.baseAddress, bytes.count, 0, PCRE2_NO_UTF_CHECK, data, context)
        }
        return text.utf8.withContiguousStorageIfAvailable(run) ?? Array(text.utf8).withUnsafeBufferPointer(run)
    }
}
