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

    /// The connection that listens, and what came of registering by it.
    struct Line: Sendable {
        let connection: Connection
        fileprivate var isRegistered = false
        /// Said once for each connection.
        fileprivate var hasSaidWhy = false
    }

    /// Opens the connection and reads the routes for the first time. Throws what stands in the way.
    func begin() async throws -> Line {
        let connection = try await Connection.open(settings)
        do {
            // A table that somebody holds locked must not make this wait for ever; then the connection begins anew.
            try await connection.execute("SET statement_timeout = '10s'; LISTEN strata_routes")
            var line = Line(connection: connection)
            try await readAgain(&line)
            return line
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Until the task is cancelled; then the row is taken out and the connection ends.
    func run(_ first: Line) async {
        var line: Line? = first
        var pause = Self.shortestPause
        while !Task.isCancelled {
            do {
                if line == nil {
                    line = try await begin()
                    report(.following)
                }
                pause = Self.shortestPause
                guard var open = line else { continue }
                while true {
                    let rings = board.work.rings
                    try await readAgain(&open)
                    line = open
                    try await waitForChange(open.connection, after: rings)
                }
            } catch {
                if Task.isCancelled { break }
                board.lost()
                report(.followingLost(reason: Self.summary(error), nextTry: pause))
                await line?.connection.close()
                line = nil
                // Services that lost the same server do not all come back at the same moment.
                try? await Task.sleep(for: pause * Double.random(in: 0.5...1))
                pause = min(pause * 2, Self.longestPause)
            }
        }
        guard let line else { return }
        if line.isRegistered { try? await FollowerRow.remove(line.connection, id: id) }
        await line.connection.close()
    }

    private func readAgain(_ line: inout Line) async throws {
        let question = board.lastQuestion
        var (snapshot, followers) = try await RouteRecord.read(line.connection, schemas: away.keys.sorted())
        snapshot.stillOnMain = await stillOnMain(snapshot)
        for move in board.apply(snapshot, answering: question) {
            report(.moved(schema: move.schema, from: move.from, to: move.to))
        }
        // After the hold has been applied: from then on no use begins, and the number can only fall.
        try await register(&line, followers)
    }

    private func register(_ line: inout Line, _ followers: RouteRecord.Followers) async throws {
        guard followers != .absent else { return }
        do {
            guard followers == .writable else {
                return sayWhy(&line, "role \(settings.user) needs SELECT, INSERT, UPDATE and DELETE on it")
            }
            try await FollowerRow.write(line.connection, id: id, name: name, board.followerState)
            if !line.isRegistered { try await FollowerRow.removeOld(line.connection) }
            line.isRegistered = true
        } catch let error as PostgresError where error.kind == .server && !error.isConnectionLost {
            // The routes are followed all the same: that needs no more than to read.
            sayWhy(&line, error.message)
        }
    }

    private func sayWhy(_ line: inout Line, _ reason: String) {
        if !line.hasSaidWhy { report(.notRegistered(reason: reason)) }
        line.hasSaidWhy = true
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
