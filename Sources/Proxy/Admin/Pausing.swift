internal import PostgresWire

/// PAUSE and RESUME: what they hold back. What runs goes on to its end, and PAUSE waits for that.
enum Pausing: Equatable, Sendable {
    case everything
    case database(String)
    /// Only statements that may touch something of this schema, in whichever database it lives.
    case schema(String)

    /// How long PAUSE waits for what runs before it gives up and undoes itself.
    static let defaultPatience = Duration.seconds(30)
    static let patienceBounds = 1...3600
}

/// Why the statements of a schema wait.
struct SchemaPause {
    /// As `Decision.schemaBits`.
    let bit: UInt64
    var isByOperator = false
    var isBySwitch = false

    init(_ name: String) { bit = Decision.bit(ofSchema: name) }

    var isInForce: Bool { isByOperator || isBySwitch }
}

/// One PAUSE that waits until nothing that it concerns runs on any loop. Used on the asking loop's thread.
final class PauseWait {
    private let pausing: Pausing
    private unowned let worker: Worker
    private let deadline: ContinuousClock.Instant
    private let patience: Duration
    private let done: (SharedState.AdminOutcome) -> Void
    private var timer: LoopTimer?

    init(
        _ pausing: Pausing, patience: Duration, worker: Worker, done: @escaping (SharedState.AdminOutcome) -> Void
    ) {
        self.pausing = pausing
        self.patience = patience
        self.worker = worker
        self.done = done
        deadline = .now + patience
    }

    /// Keeps itself until it has called `done`.
    func start() {
        timer = LoopTimer(on: worker.loop) { [self] in look() }
        look()
    }

    private struct Back: @unchecked Sendable {
        let wait: PauseWait
        let door: EventLoopDoor
    }

    private func look() {
        let back = Back(wait: self, door: worker.loop.door)
        let pausing = pausing
        worker.shared.gather {
            $0.busy(pausing)
        } done: { parts in
            back.door.post { _ in back.wait.heard(parts.reduce([], +)) }
        }
    }

    private func heard(_ busy: [Int32]) {
        guard !busy.isEmpty else { return end(.success(nil)) }
        guard ContinuousClock.now < deadline else {
            let pausing = pausing
            worker.shared.post { $0.resume(pausing) }
            let list = busy.sorted().prefix(10).map(String.init).joined(separator: ", ")
            return end(
                .failure(
                    .init(
                        message:
                            "PAUSE has given up after \(patience): \(busy.count) clients have not ended what they do",
                        hint:
                            "Nothing is paused. They are \(list)\(busy.count > 10 ? " …" : "") in SHOW CLIENTS; end them with KILL_CLIENT, or PAUSE … TIMEOUT seconds."
                    )))
        }
        timer?.start(after: .milliseconds(10))
    }

    private func end(_ outcome: SharedState.AdminOutcome) {
        timer?.cancel()
        timer = nil
        done(outcome)
    }
}

extension Worker {
    func pause(_ pausing: Pausing) {
        switch pausing {
        case .everything: for database in databases.values { database.pause() }
        case .database(let name): databases[name]?.pause()
        case .schema(let name): pausedSchemas[name, default: SchemaPause(name)].isByOperator = true
        }
    }

    func resume(_ pausing: Pausing) {
        switch pausing {
        case .everything:
            for database in databases.values { database.resume() }
            for name in pausedSchemas.keys { pausedSchemas[name]?.isByOperator = false }
        case .database(let name): databases[name]?.resume()
        case .schema(let name): pausedSchemas[name]?.isByOperator = false
        }
        pausedSchemas = pausedSchemas.filter { $1.isInForce }
        releaseHeld()
    }

    /// Schemas that are being switched, and no others: whose time is over goes on.
    func holdBack(_ schemas: Set<String>) {
        guard !schemas.isEmpty || !pausedSchemas.isEmpty else { return }
        for name in schemas { pausedSchemas[name, default: SchemaPause(name)].isBySwitch = true }
        for name in pausedSchemas.keys where !schemas.contains(name) { pausedSchemas[name]?.isBySwitch = false }
        let before = pausedSchemas.count
        pausedSchemas = pausedSchemas.filter { $1.isInForce }
        if pausedSchemas.count < before { releaseHeld() }
    }

    /// Clients whose statements or transactions a PAUSE waits for.
    func busy(_ pausing: Pausing) -> [Int32] {
        clients.values.filter { client in
            guard let server = client.server, client.phase == .ready else { return false }
            switch pausing {
            case .everything: return true
            case .database(let name): return server.pool.database.name == name
            case .schema(let name):
                return client.touched & Decision.bit(ofSchema: name) != 0 && !server.queue.isIdle
            }
        }.map(\.processID)
    }

    // MARK: Statements that wait for RESUME SCHEMA

    /// Whether a unit may touch a schema that is paused. Transactions that have touched it already go on to their end.
    func isHeld(_ client: ClientSession) -> Bool {
        let open = client.server.map { $0.queue.transaction != .idle || $0.queue.isOpen } ?? false
        return pausedSchemas.contains { name, pause in
            !(open && client.touched & pause.bit != 0) && unitDecisions.contains { $0.mayTouch(name) }
        }
    }

    func hold(_ client: ClientSession) {
        guard client.heldSince == nil else { return }
        client.heldSince = loop.now
        heldClients.append(client)
    }

    /// In the order in which they came; who is still not let through waits again, in the same order.
    private func releaseHeld() {
        let waiting = heldClients
        heldClients = []
        for client in waiting {
            client.heldSince = nil
            client.unblock()
        }
    }

    /// Who has waited too long for RESUME hears why.
    func tendHeld(_ now: LoopTime) {
        while let first = heldClients.first, let since = first.heldSince, let limit = first.database?.limits,
            limit.queryWaitTimeout > .zero, now - since > limit.queryWaitTimeout
        {
            heldClients.removeFirst()
            first.heldSince = nil
            first.refusal = ErrorFields(
                code: "57P03", message: "the statement's schema is paused",
                detail: "It has waited \(limit.queryWaitTimeout) (query_wait_timeout) for RESUME SCHEMA.",
                hint: "Try again; SHOW LISTS in the admin database names the schemas that are paused.")
            first.unblock()
        }
    }
}
