internal import PostgresWire

/// Commands concern all loops: each does its part on its own thread, and the answer comes when the last has.
extension SharedState {
    typealias AdminOutcome = Result<AdminTable?, AdminCommand.Failure>

    /// Calls back on the asking worker's loop.
    func perform(_ command: AdminCommand, for asker: Worker, _ done: @escaping (AdminOutcome, String) -> Void) {
        let back = WayBack(door: asker.loop.door, done: done)
        let settings = asker.configuration.listing
        let counts = crossings
        if let unknown = Self.unknownName(command, asker) {
            return done(
                .failure(.init(message: "no such database: \(unknown)", hint: "SHOW DATABASES lists them.")), "")
        }
        if case .pause(let pausing, let patience) = command {
            post { $0.pause(pausing) }
            return PauseWait(pausing, patience: patience, worker: asker) { done($0, Self.tag(command)) }.start()
        }
        gather {
            $0.perform(command)
        } done: { all in
            back.door.post { _ in
                // Where the loops have just handed theirs over.
                if case .show(.crossings) = command {
                    return back.done(.success(CrossingRows.table(counts.totals)), Self.tag(command))
                }
                back.done(Self.outcome(command, all, settings), Self.tag(command))
            }
        }
    }

    private static func unknownName(_ command: AdminCommand, _ worker: Worker) -> String? {
        switch command {
        case .pause(.database(let name), _), .resume(.database(let name)), .reconnect(let name?), .kill(let name):
            worker.databases[name] == nil ? name : nil
        default: nil
        }
    }

    private static func outcome(
        _ command: AdminCommand, _ reports: [WorkerReport], _ settings: [(String, String)]
    ) -> AdminOutcome {
        guard case .show(let report) = command else { return .success(nil) }
        return .success(AdminReports.table(report, reports, settings))
    }

    private static func tag(_ command: AdminCommand) -> String {
        switch command {
        case .show: "SHOW"
        case .pause: "PAUSE"
        case .resume: "RESUME"
        case .reconnect: "RECONNECT"
        case .kill, .killClient: "KILL"
        case .shutdown, .drain: "SHUTDOWN"
        case .set: "SET"
        case .reload: "RELOAD"
        case .empty: ""
        }
    }

    /// The asker's callback is only called on its own loop.
    private struct WayBack: @unchecked Sendable {
        let door: EventLoopDoor
        let done: (AdminOutcome, String) -> Void
    }
}

extension Worker {
    /// This loop's part of a command, and what it has to say for SHOW.
    func perform(_ command: AdminCommand) -> WorkerReport {
        switch command {
        case .show(.routes): return routeReport()
        case .show(.crossings): handOverCrossings()
        case .show: return report()
        case .pause(let pausing, _): pause(pausing)
        case .resume(let pausing): resume(pausing)
        case .reconnect(let name):
            for database in named(name) { for pool in database.pools.values { pool.reconnect() } }
        case .kill(let name): for database in named(name) { database.kill() }
        case .killClient(let id):
            clients[id]?.end(with: .init(code: "57P01", message: "terminating connection due to administrator command"))
        case .shutdown: stop()
        case .drain: drain()
        case .reload, .set, .empty: break
        }
        return WorkerReport()
    }

    private func named(_ name: String?) -> [WorkerDatabase] {
        guard let name else { return Array(databases.values) }
        return databases[name].map { [$0] } ?? []
    }
}
