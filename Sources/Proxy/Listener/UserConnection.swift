internal import PostgresDriver

/// One connection that looks users up. Nothing of a client's startup packet reaches it: its settings are its own, and the
/// name is a parameter.
struct UserConnection {
    private let nodes: DatabaseNodes
    private let bounded = Bounded()
    private var open: (connection: Connection, node: Int)?

    /// For connecting, and for the query with all that belongs to it.
    private static let timeout = Duration.seconds(5)

    /// Where a role has settings of its own, these go before them. Without pg_temp at the end it would be searched first.
    private static let options = """
        -c search_path=pg_catalog,pg_temp -c statement_timeout=4s -c lock_timeout=2s \
        -c default_transaction_read_only=on -c DateStyle=ISO -c TimeZone=UTC
        """

    init(nodes: DatabaseNodes) { self.nodes = nodes }

    /// - Returns: nil for a user that is not there, must not log in, or is past its time.
    mutating func secret(of user: String, by query: String) async throws -> String? {
        var failure: any Error = PostgresError(.connection(.closed), "no server of the main database can be asked")
        for node in order {
            do {
                return try await secret(of: user, by: query, at: node)
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                failure = error
            }
        }
        throw failure
    }

    /// The primary first; while it is gone, replicas know the same users.
    private var order: [Int] {
        let primary = nodes.primary
        guard nodes.count > 1 else { return [primary] }
        let replicas = (0..<nodes.count).filter { $0 != primary && nodes.isUsable($0) }
        return nodes.isUsable(primary) ? [primary] + replicas : replicas + [primary]
    }

    private mutating func secret(of user: String, by query: String, at node: Int) async throws -> String? {
        if let open, open.node == node {
            do {
                return try await ask(open.connection, user, query)
            } catch let error as PostgresError where error.isConnectionLost {
                // The server may have restarted: a new connection will show.
                abandon()
            } catch {
                if error is NoAnswer { abandon() }
                throw error
            }
        }
        abandon()
        let connection = try await connect(node)
        open = (connection, node)
        do {
            return try await ask(connection, user, query)
        } catch {
            abandon()
            throw error
        }
    }

    private func connect(_ node: Int) async throws -> Connection {
        let target = try nodes.connectionSettings(of: node).settings([
            "application_name": "strata proxy users", "connect_timeout": "5", "options": Self.options,
        ])
        return try await inTime {
            try await Connection.open(target)
        } ifLate: {
            await $0.close()
        }
    }

    private func ask(_ connection: Connection, _ user: String, _ query: String) async throws -> String? {
        try await inTime {
            guard let row = try await connection.query(query, [.text(user)]).first else { return nil }
            let columns = row.columns.count
            guard columns >= 2 else {
                throw PostgresError(.decoding, "auth_query gives \(columns) column, expected user and secret")
            }
            // A query that forgot its condition must not let anybody in with another's secret.
            guard try row.optionalString(0) == user, let secret = try row.optionalString(1) else { return nil }
            guard columns >= 3, let until = try row.optionalString(2) else { return secret }
            // The server's clock and its notation decide.
            let check = "SELECT CAST($1 AS timestamptz) > now()"
            do {
                return try await connection.query(check, [.text(until)]).only().bool(0) ? secret : nil
            } catch let error as PostgresError where !error.isConnectionLost {
                // In the server's words the value would stand, and a query with its columns in another order gives secrets.
                throw PostgresError(.decoding, "the third column of auth_query is no time", sqlState: error.sqlState)
            }
        }
    }

    private func inTime<Answer: Sendable>(
        _ work: @escaping @Sendable () async throws -> Answer,
        ifLate: @escaping @Sendable (Answer) async -> Void = { _ in }
    ) async throws -> Answer {
        let bounded = bounded
        let alarm = Task {
            try await Task.sleep(for: Self.timeout + .milliseconds(10))
            bounded.check(at: MonotonicTime.now)
        }
        defer { alarm.cancel() }
        return try await bounded.run(Self.timeout, work, ifLate: ifLate)
    }

    mutating func abandon() {
        guard let open else { return }
        // Closing waits for a statement that hangs, and nobody shall wait for that here.
        Task { await open.connection.close() }
        self.open = nil
    }
}
