package import Foundation
package import PostgresDriver

/// Wakes readers when a stream has grown: those of this process at once, and those of others by one notification of each
/// process every few milliseconds at most, never one for each append.
///
/// What it says is a hint: whoever is woken reads, and whoever is not wakes by itself after a while.
package actor StreamWatch {
    private let schema: EventSchema
    private let settings: ConnectionSettings
    private var waiters = StreamWaiters<CheckedContinuation<Void, Never>>()
    /// Grown since the last message to the others.
    private var untold: [UUID: Int] = [:]
    private var teller: CheckedContinuation<Void, Never>?

    /// At most so many wait at a time; further ones look again at once.
    private static let mostWaiting = 20_000
    private static let betweenMessages = Duration.milliseconds(5)

    package init(_ settings: ConnectionSettings, schema: EventSchema) {
        (self.settings, self.schema) = (settings, schema)
    }

    /// How many wait.
    package var waiting: Int { waiters.count }

    /// Hears and tells until it is cancelled; a lost connection is opened again.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.keepUp { try await self.listen() } }
            group.addTask { await self.keepUp { try await self.tell() } }
        }
    }

    /// What this process has appended.
    package func grown(_ parts: [AppendedPart]) {
        for part in parts { grown(part.stream, to: part.positions.upperBound, isOwn: true) }
    }

    /// Returns when the stream may have events after a position, or when the time is up.
    package func wait(for stream: UUID, beyond position: Int, atMost limit: Duration) async {
        guard limit > .zero else { return }
        guard waiters.count < Self.mostWaiting else {
            try? await Task.sleep(for: min(limit, .seconds(1)))
            return
        }
        let timer = TaskSlot()
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                guard !Task.isCancelled, let number = waiters.wait(for: stream, beyond: position, continuation) else {
                    return continuation.resume()
                }
                timer.set(
                    Task {
                        try? await Task.sleep(for: limit)
                        self.giveUp(number, stream)
                    })
            }
        } onCancel: {
            timer.cancel()
        }
        timer.cancel()
    }

    private func giveUp(_ number: Int, _ stream: UUID) { waiters.giveUp(number, on: stream)?.resume() }

    private func grown(_ stream: UUID, to end: Int, isOwn: Bool) {
        for waiter in waiters.grown(stream, to: end) { waiter.resume() }
        guard isOwn else { return }
        untold[stream] = max(end, untold[stream] ?? 0)
        teller?.resume()
        teller = nil
    }

    private func wakeAll() {
        for waiter in waiters.all() { waiter.resume() }
    }

    // MARK: Other processes

    private func keepUp(_ work: () async throws -> Void) async {
        while !Task.isCancelled {
            do { try await work() } catch {
                // Whatever was said meanwhile was not heard.
                wakeAll()
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    private func listen() async throws {
        let connection = try await Connection.open(settings.settings(["application_name": "strata events"]))
        do {
            try await connection.execute("LISTEN \(GrowthMessage.channel)")
            wakeAll()
            while !Task.isCancelled {
                guard let heard = try await connection.waitForNotification(timeout: .seconds(30)) else {
                    // A server that went without a word is found out.
                    try await connection.execute("SELECT 1")
                    continue
                }
                guard let message = GrowthMessage(heard.payload), message.schema == schema.name else { continue }
                guard let ends = message.ends else {
                    wakeAll()
                    continue
                }
                for (stream, end) in ends { grown(stream, to: end, isOwn: false) }
            }
        } catch {
            await connection.close()
            throw error
        }
        await connection.close()
    }

    private func tell() async throws {
        let connection = try await Connection.open(settings.settings(["application_name": "strata events"]))
        do {
            // A message is a commit: one that waited for the disk would have the appends wait for it, too.
            try await connection.execute("SET synchronous_commit = off")
            while !Task.isCancelled {
                if untold.isEmpty { await untilUntold() }
                let told = untold
                untold = [:]
                do {
                    _ = try await connection.query(
                        keeping: "SELECT pg_notify($1, $2)",
                        [.text(GrowthMessage.channel), .text(GrowthMessage(schema: schema.name, ends: told).text)])
                } catch {
                    untold.merge(told) { max($0, $1) }
                    throw error
                }
                try await Task.sleep(for: Self.betweenMessages)
            }
        } catch {
            await connection.close()
            throw error
        }
        await connection.close()
    }

    private func untilUntold() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled || !untold.isEmpty { return continuation.resume() }
                teller = continuation
            }
        } onCancel: {
            Task { await self.stopTelling() }
        }
    }

    private func stopTelling() {
        teller?.resume()
        teller = nil
    }
}
