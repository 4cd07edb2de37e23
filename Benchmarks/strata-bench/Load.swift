import PostgresDriver

/// Clients at work, until they are stopped.
final class Load: Sendable {
    struct Options: Sendable {
        var connections = 16
        /// What a client does between two statements: nothing, for this long. Without it the clients alone would fill
        /// the machine, and their waits would say more about its cores than about locks.
        var pause = Duration.milliseconds(5)
        /// SET ROLE on each connection.
        var role: String?
        var firstPhase = "start"
    }

    /// How long a client may still wait for its last statement when all are stopped.
    static let grace = Duration.seconds(30)

    let tally: LoadTally
    private let toggle = LoadSwitch()
    private let work: Task<Void, Never>

    /// Connects all clients, then lets them begin. Throws when one cannot connect.
    static func start(_ settings: ConnectionSettings, _ workload: Workload, _ options: Options) async throws -> Load {
        var connections: [Connection] = []
        for number in 1...options.connections {
            let name = ["application_name": "strata-bench client \(number)"]
            let connection = try await Connection.open(try settings.settings(name))
            if let role = options.role {
                _ = try await connection.query("SELECT set_config('role', $1, false)", [.text(role)])
            }
            connections.append(connection)
        }
        return Load(connections, workload, options)
    }

    private init(_ connections: [Connection], _ workload: Workload, _ options: Options) {
        let tally = LoadTally(phase: options.firstPhase)
        let toggle = toggle
        self.tally = tally
        work = Task {
            await withTaskGroup { group in
                for (number, connection) in connections.enumerated() {
                    let client = LoadClient(
                        number: number, connection: connection, statements: workload.statements, pause: options.pause,
                        tally: tally, toggle: toggle)
                    group.addTask { await client.run() }
                }
            }
        }
    }

    /// Asks all clients to end, and waits until they have.
    func stop() async {
        toggle.turnOff()
        let work = work
        let limit = Task {
            try await Task.sleep(for: Self.grace)
            work.cancel()
        }
        await work.value
        limit.cancel()
    }

    /// Waits until all clients have ended by themselves: their connections are gone.
    func ended() async { await work.value }
}
