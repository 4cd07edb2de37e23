import PostgresDriver

/// How long it may take until Redis is there, and until it has answered.
package struct RedisLimits: Sendable, Hashable {
    package var connect = Duration.seconds(5)
    package var command = Duration.seconds(10)

    package init() {}
}

/// One connection to a Redis. Its blocking calls run on a thread of its own.
///
/// Cancelling the task that waits for an answer closes the connection: what was asked may have been done.
package actor RedisConnection {
    private nonisolated let executor: ConnectionExecutor
    private nonisolated let link: RedisLink

    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Connects, logs in and chooses the database.
    ///
    /// - Throws: `RedisFailure`, `CancellationError`
    package static func open(_ url: RedisURL, _ limits: RedisLimits = RedisLimits()) async throws -> RedisConnection {
        let executor = ConnectionExecutor(name: "strata-redis")
        do {
            try Task.checkCancellation()
            return RedisConnection(try await executor.run { try RedisLink(url, limits) }, executor)
        } catch {
            executor.stop()
            throw error
        }
    }

    private init(_ link: RedisLink, _ executor: ConnectionExecutor) {
        (self.link, self.executor) = (link, executor)
    }

    deinit { executor.stop() }

    /// Ends the connection; later commands throw.
    package func close() { link.close() }

    /// Sends a command and waits for its answer.
    ///
    /// - Throws: `RedisFailure`, `CancellationError`
    nonisolated func ask(_ words: [String]) async throws -> RedisReply {
        try Task.checkCancellation()
        do {
            return try await withTaskCancellationHandler {
                try await run(words)
            } onCancel: {
                link.interrupt()
            }
        } catch {
            try Task.checkCancellation()
            throw error
        }
    }

    private func run(_ words: [String]) throws -> RedisReply { try link.ask(words) }
}
