internal import Planning
internal import Synchronization

/// What a reload could not change, by the layout's names: it is as it was until the proxy is started anew.
package struct ReloadOutcome: Sendable, Equatable {
    package var needsRestart: [String] = []

    /// For people; nil where everything is as the file says.
    package var notice: String? {
        needsRestart.isEmpty ? nil : "needs a restart, and is as it was: \(needsRestart.joined(separator: ", "))"
    }
}

/// Reads the configuration again, one time after the other, so that the last to ask has what it asked for.
final class Reloader: Sendable {
    private let last = Mutex<Task<ReloadOutcome, any Error>?>(nil)

    /// - Throws: what the reading throws; nothing has changed then.
    func reload(_ shared: SharedState) async throws -> ReloadOutcome {
        let task = last.withLock { last in
            let earlier = last
            let next = Task {
                _ = await earlier?.result
                return try await Self.reload(shared)
            }
            last = next
            return next
        }
        return try await task.value
    }

    private static func reload(_ shared: SharedState) async throws -> ReloadOutcome {
        let running = shared.configuration
        guard let read = running.reload else {
            throw ProxyError("this proxy was started without a file to read again", next: "restart it")
        }
        let new = try await read()
        // The last that can fail, before the first that changes something.
        let tls = try SharedState.context(new.tls)
        let outcome = ReloadOutcome(needsRestart: running.fixed(against: new))
        let taken = running.taking(new)
        shared.take(taken, tls)
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            shared.gather {
                $0.take(taken)
            } done: { _ in
                continuation.resume()
            }
        }
        return outcome
    }
}

extension ProxyServer {
    /// Reads everything again that can change without dropping a client.
    /// - Throws: why nothing was changed.
    package func reload() async throws -> ReloadOutcome { try await shared.reload() }
}

extension SharedState {
    func reload() async throws -> ReloadOutcome {
        let log = ProxyLog(logger: configuration.logger)
        do {
            let outcome = try await reloader.reload(self)
            log.reloaded(outcome)
            return outcome
        } catch {
            log.notReloaded("\(error)")
            throw error
        }
    }

    func take(_ new: ProxyConfiguration, _ tls: TLSContext?) {
        change(new, tls)
        lookup?.change(query: new.authQuery)
        for database in databases {
            guard let settings = new.databases.first(where: { $0.name == database.settings.name }) else { continue }
            for node in settings.nodes.indices { database.nodes.setWeight(settings.weight(of: node), of: node) }
        }
    }
}

extension Worker {
    /// Clients stay as they are; what they do next is as the file says.
    func take(_ new: ProxyConfiguration) {
        let wasSession = configuration.freshness == .session
        change(new)
        for settings in new.databases { databases[settings.name]?.take(settings, new) }
        for client in clients.values {
            client.applicationTarget = new.target(ofApplication: client.applicationName)
            // Until now its own writes were not noted as such.
            if new.freshness == .session, !wasSession, let database = client.current ?? client.database {
                client.seenTick = max(client.seenTick, database.shared.nodes.freshness.now())
            }
        }
    }
}
