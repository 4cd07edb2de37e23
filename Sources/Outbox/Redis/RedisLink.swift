import CHiredis
import Foundation
import Synchronization

/// A connection of hiredis. Its calls block: they run on the thread of its `RedisConnection`.
final class RedisLink: @unchecked Sendable {
    // Touched on the connection's thread only.
    private var context: UnsafeMutablePointer<redisContext>?
    /// nil: closed. For who interrupts, on whichever thread; held while it does, so that the number is still this socket's.
    private let socket = Mutex<Int32?>(nil)
    private let url: RedisURL
    private let limits: RedisLimits

    /// Connects, logs in and chooses the database.
    ///
    /// - Throws: `RedisFailure`
    init(_ url: RedisURL, _ limits: RedisLimits) throws {
        (self.url, self.limits) = (url, limits)
        Self.ignoreBrokenPipes()
        guard let context = redisConnectWithTimeout(url.host, Int32(url.port), timeval(limits.connect)) else {
            throw RedisFailure.unreachable("cannot connect to \(url): out of memory")
        }
        self.context = context
        guard context.pointee.err == 0 else { throw lost("cannot connect to \(url)", limits.connect) }
        _ = fcntl(context.pointee.fd, F_SETFD, FD_CLOEXEC)
        redisEnableKeepAlive(context)
        redisSetTimeout(context, timeval(limits.command))
        socket.withLock { $0 = context.pointee.fd }
        if let password = url.password { _ = try ask(["AUTH"] + (url.user.map { [$0] } ?? []) + [password]) }
        if url.database != 0 { _ = try ask(["SELECT", String(url.database)]) }
    }

    deinit { close() }

    /// Sends a command and waits for its answer.
    ///
    /// - Throws: `RedisFailure`; after `unreachable` the link is closed.
    func ask(_ words: [String]) throws -> RedisReply {
        guard let context else { throw RedisFailure.unreachable("the connection to \(url) was closed") }
        let command = Self.encoded(words)
        var answer: UnsafeMutableRawPointer?
        let isSent = command.withUnsafeBytes { bytes in
            redisAppendFormattedCommand(context, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
                == REDIS_OK
        }
        guard isSent, redisGetReply(context, &answer) == REDIS_OK, let answer else {
            throw lost("the connection to \(url) is lost", limits.command)
        }
        defer { freeReplyObject(answer) }
        return try RedisReply(answer.assumingMemoryBound(to: redisReply.self).pointee)
    }

    /// Ends a call that waits, from another thread: it throws, and so does every later one.
    func interrupt() {
        socket.withLock { if let socket = $0 { _ = shutdown(socket, Int32(SHUT_RDWR)) } }
    }

    func close() {
        socket.withLock { $0 = nil }
        if let context { redisFree(context) }
        context = nil
    }

    private func lost(_ what: String, _ limit: Duration) -> RedisFailure {
        guard let context else { return .unreachable(what) }
        var reason = withUnsafePointer(to: &context.pointee.errstr) { pointer in
            pointer.withMemoryRebound(to: CChar.self, capacity: 128) { String(cString: $0) }
        }
        // What a socket's time-out looks like.
        if context.pointee.err == REDIS_ERR_IO, reason.contains("temporarily unavailable") {
            reason = "no answer within \(limit.components.seconds) s"
        }
        close()
        return .unreachable("\(what): \(reason)")
    }

    /// A command as the protocol has it: the number of its words, and before each its length.
    private static func encoded(_ words: [String]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(words.reduce(16) { $0 + $1.utf8.count + 16 })
        bytes += Array("*\(words.count)\r\n".utf8)
        for word in words {
            bytes += "$\(word.utf8.count)\r\n".utf8
            bytes += word.utf8
            bytes += [13, 10]
        }
        return bytes
    }

    /// hiredis writes to a socket that the other side may have closed. The thread is this connection's alone.
    private static func ignoreBrokenPipes() {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }
}

extension timeval {
    fileprivate init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.init(tv_sec: Int(seconds), tv_usec: .init(attoseconds / 1_000_000_000_000))
    }
}
