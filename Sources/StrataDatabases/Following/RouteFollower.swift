internal import PostgresDriver

/// Follows the routes on the main database: one connection that listens, and reads them again whenever they change, when a
/// use of a held schema ends, and every few seconds.
struct RouteFollower: Sendable {
    /// How often the routes are read and the row in `strata.followers` is renewed where nothing happens.
    static let heartbeat = Duration.seconds(5)
    private static let shortestPause = Duration.milliseconds(100)
    private static let longestPause = Duration.seconds(10)

    let id: String
    let name: String
    let settings: ConnectionSettings
    let board: RouteBoard
    /// Schemas that the layout places on another database than the main one.
    let away: [String: String]
    /// Whether a schema has anything in a database; throws where that cannot be asked.
    let isFilled: @Sendable (_ schema: String, _ database: String) async throws -> Bool
    let report: @Sendable (FactoryEvent) -> Void

    /// Opens the connection and reads the routes for the first time. Throws what stands in the way.
    func begin() async throws -> Connection {
        let connection = try await Connection.open(settings)
        do {
            // A table that somebody holds locked must not make this wait for ever; then the connection begins anew.
            try await connection.execute("SET statement_timeout = '10s'; LISTEN strata_routes")
            try await readAgain(connection, isFirst: true)
            return connection
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Until the task is cancelled; then the row is taken out and the connection ends.
    func run(_ first: Connection) async {
        var connection: Connection? = first
        var pause = Self.shortestPause
        while !Task.isCancelled {
            do {
                if connection == nil {
                    connection = try await begin()
                    report(.following)
                }
                pause = Self.shortestPause
                guard let open = connection else { continue }
                while true {
                    let rings = board.work.rings
                    try await readAgain(open, isFirst: false)
                    try await waitForChange(open, after: rings)
                }
            } catch {
                if Task.isCancelled { break }
                board.lost()
                report(.followingLost(reason: Self.summary(error), nextTry: pause))
                await connection?.close()
                connection = nil
                // Services that lost the same server do not all come back at the same moment.
                try? await Task.sleep(for: pause * Double.random(in: 0.5...1))
                pause = min(pause * 2, Self.longestPause)
            }
        }
        guard let connection else { return }
        try? await FollowerRow.remove(connection, id: id)
        await connection.close()
    }

    private func readAgain(_ connection: Connection, isFirst: Bool) async throws {
        let question = board.lastQuestion
        var (snapshot, hasFollowers) = try await RouteRecord.read(connection, schemas: away.keys.sorted())
        snapshot.stillOnMain = await stillOnMain(snapshot)
        let moves = board.apply(snapshot, answering: question)
        if !isFirst || !moves.isEmpty {
            for move in moves { report(.moved(schema: move.schema, from: move.from, to: move.to)) }
        }
        guard hasFollowers else { return }
        // After the hold has been applied: from then on no use begins, and the number can only fall.
        try await FollowerRow.write(connection, id: id, name: name, board.followerState)
        if isFirst { try await FollowerRow.removeOld(connection) }
    }

    /// Before its split begins a schema is on the main database, whatever the layout says. Where the other database cannot
    /// be asked, nothing is assumed: what a finished split left behind must not be taken for the schema itself.
    private func stillOnMain(_ snapshot: RouteSnapshot) async -> Set<String> {
        var found: Set<String> = []
        for (schema, database) in away
        where snapshot.routes[schema] == nil && !snapshot.leaving.contains(schema) && snapshot.filled.contains(schema) {
            if (try? await isFilled(schema, database)) == false { found.insert(schema) }
        }
        return found
    }

    /// Returns with a notification, with a ring of `board.work`, or after the heartbeat.
    private func waitForChange(_ connection: Connection, after rings: Int) async throws {
        let board = board
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await connection.waitForNotification(timeout: Self.heartbeat) }
            group.addTask { try await board.work.wait(after: rings, until: .now + Self.heartbeat) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private static func summary(_ error: any Error) -> String {
        if let error = error as? PostgresError { return error.message }
        return "\(error)"
    }
}
