package import Planning
package import PostgresDriver
import SQLSyntax

/// Where a schema lives, by the main database's record.
package struct SchemaRoute: Sendable, Equatable {
    package var schema: String
    /// As the layout names it.
    package var database: String
    package var epoch: Int
    /// Where it is to go, as long as a split is open.
    package var destination: String?
    package var hold: Hold?
    /// What is known of both databases must be newer than this number.
    package var definitions = 0

    package struct Hold: Sendable, Equatable {
        package var number: Int
        /// Until it is over, by the main database's clock when it was read.
        package var left: Duration

        package init(number: Int, left: Duration) { (self.number, self.left) = (number, left) }
    }

    package init(
        schema: String, database: String, epoch: Int, destination: String? = nil, hold: Hold? = nil
    ) {
        self.schema = schema
        self.database = database
        self.epoch = epoch
        self.destination = destination
        self.hold = hold
    }
}

/// Who follows the routes.
package struct RouteFollower: Sendable, Equatable, Codable {
    package var id: String
    package var kind: String
    package var name: String
    /// The newest change that it routes by.
    package var epoch: Int
    /// The switch for which it holds statements back, and what still runs that had begun before.
    package var hold: Int?
    package var busy: Int
    /// Why it could not take part.
    package var problem: String?
    /// Of `SchemaRoute.definitions`, the newest that it has read for.
    package var definitions: Int

    package init(
        id: String, kind: String, name: String, epoch: Int, hold: Int? = nil, busy: Int = 0, problem: String? = nil,
        definitions: Int = 0
    ) {
        self.id = id
        self.kind = kind
        self.name = name
        self.epoch = epoch
        self.hold = hold
        self.busy = busy
        self.problem = problem
        self.definitions = definitions
    }
}

/// Reads and writes `strata.routes` and `strata.followers`.
package struct RouteStore: Sendable {
    package static let channel = "strata_routes"
    /// The session of a follower is called so, with its id behind.
    package static let sessionName = "strata follower"

    let connection: Connection

    package init(_ connection: Connection) { self.connection = connection }

    package func exists() async throws -> Bool {
        try await connection.query("SELECT to_regclass('strata.routes') IS NOT NULL AS present").only().bool("present")
    }

    package func routes() async throws -> [SchemaRoute] {
        try await connection.query(
            """
            SELECT schema, database, epoch, destination, hold, definitions,
                   (extract(epoch FROM hold_until - clock_timestamp()) * 1000)::bigint AS left
              FROM strata.routes ORDER BY schema
            """
        ).map { row in
            var route = SchemaRoute(
                schema: try row.string("schema"), database: try row.string("database"), epoch: try row.int("epoch"),
                destination: try row.optionalString("destination"))
            route.definitions = try row.int("definitions")
            if let number = try row.optionalInt("hold"), let left = try row.optionalInt("left"), left > 0 {
                route.hold = .init(number: number, left: .milliseconds(left))
            }
            return route
        }
    }

    // MARK: Following

    /// Says what this follower does, which its session vouches for.
    /// - Throws: `PostgresError` where the role may not write `strata.followers`.
    package func report(_ follower: RouteFollower) async throws {
        _ = try await connection.query(
            """
            INSERT INTO strata.followers AS f (id, kind, name, pid, epoch, hold, busy, problem, definitions)
            VALUES ($1, $2, $3, pg_backend_pid(), $4, $5, $6, $7, $8)
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, pid = excluded.pid, epoch = excluded.epoch,
                hold = excluded.hold, busy = excluded.busy, problem = excluded.problem, definitions = excluded.definitions, seen_at = clock_timestamp()
            """,
            [
                .text(follower.id), .text(follower.kind), .text(follower.name), .int(follower.epoch),
                follower.hold.map { .int($0) } ?? .null, .int(follower.busy),
                follower.problem.map { .text(String($0.prefix(500))) } ?? .null, .int(follower.definitions),
            ])
    }

    /// Those whose session is there now, also those that may not say more of themselves.
    package func followers() async throws -> [RouteFollower] {
        try await connection.query(
            """
            SELECT coalesce(f.id, split_part(a.application_name, ' ', 3)) AS id, coalesce(f.kind, 'proxy') AS kind,
                   coalesce(f.name, 'pid ' || a.pid) AS name, coalesce(f.epoch, -1) AS epoch, f.hold, coalesce(f.busy, 0) AS busy,
                   coalesce(f.definitions, 0) AS definitions,
                   CASE WHEN f.id IS NULL THEN 'it has not registered in strata.followers of the main database, which its role must be allowed to write (SELECT, INSERT, UPDATE, DELETE)'
                        ELSE f.problem END AS problem
              FROM pg_stat_activity a LEFT JOIN strata.followers f
                ON f.pid = a.pid AND a.application_name = '\(Self.sessionName) ' || f.id
             WHERE starts_with(a.application_name, '\(Self.sessionName) ') AND a.datname = current_database()
             ORDER BY name, id
            """
        ).map { row in
            RouteFollower(
                id: try row.string("id"), kind: try row.string("kind"), name: try row.string("name"),
                epoch: try row.int("epoch"), hold: try row.optionalInt("hold"), busy: try row.int("busy"),
                problem: try row.optionalString("problem"), definitions: try row.int("definitions"))
        }
    }

    /// Rows of followers that are gone.
    package func tidy() async throws {
        _ = try await connection.query(
            """
            DELETE FROM strata.followers f WHERE NOT EXISTS (
                SELECT FROM pg_stat_activity a WHERE a.pid = f.pid AND a.application_name = '\(Self.sessionName) ' || f.id)
            """)
    }

    // MARK: Changing

    /// A split is far enough for a switch: where the schema is, and where it is to go.
    func announce(_ schema: String, at database: String, destination: String) async throws {
        _ = try await connection.query(
            """
            WITH noted AS (
                INSERT INTO strata.routes AS r (schema, database, epoch, destination, definitions)
                VALUES ($1, $2, nextval('strata.route_epochs'), $3, nextval('strata.route_epochs'))
                ON CONFLICT (schema) DO UPDATE SET destination = excluded.destination, definitions = excluded.definitions
                RETURNING schema
            ) SELECT pg_notify('\(Self.channel)', schema) FROM noted
            """, [.text(schema), .text(database), .text(destination)])
    }

    /// Definitions were changed that proxies have to know of before the schema goes.
    /// - Returns: the number that each of them will say.
    func announceDefinitions(of schema: String) async throws -> Int {
        try await connection.query(
            """
            WITH noted AS (
                UPDATE strata.routes SET definitions = nextval('strata.route_epochs') WHERE schema = $1 RETURNING schema, definitions
            ) SELECT definitions, pg_notify('\(Self.channel)', schema) FROM noted
            """, [.text(schema)]
        ).only().int("definitions")
    }

    /// New statements wait from now on.
    /// - Returns: the number of this hold.
    func hold(_ schema: String, for budget: Duration) async throws -> Int {
        let row = try await connection.query(
            """
            WITH held AS (
                UPDATE strata.routes SET hold = nextval('strata.route_epochs'),
                       hold_until = clock_timestamp() + $2 * interval '1 millisecond'
                 WHERE schema = $1 RETURNING schema, hold
            ) SELECT hold, pg_notify('\(Self.channel)', schema) FROM held
            """, [.text(schema), .int(Int(budget.milliseconds))]
        ).first
        guard let row else {
            throw PostgresError(.protocolViolation, "strata.routes has no row for schema \(schema)")
        }
        return try row.int("hold")
    }

    /// As SQL: the moment when the hold is over.
    static func holdEnd(_ schema: String) -> String {
        "(SELECT hold_until FROM strata.routes WHERE schema = \(SQL.literal(schema)))"
    }

    /// An attempt is taken back for good: one that was about to decide has done so by now, or finds another number and
    /// will not. Whoever waits goes on waiting.
    func withdraw(_ record: SplitRecord) async throws {
        try await connection.transaction { connection in
            let schema: [Parameter] = [.text(record.schema)]
            // Waits for a decision that is being written.
            _ = try await connection.query("SELECT FROM strata.routes WHERE schema = $1 FOR UPDATE", schema)
            _ = try await connection.query(
                "UPDATE strata.routes SET hold = nextval('strata.route_epochs') WHERE schema = $1 AND hold IS NOT NULL",
                schema)
            let undone = try await connection.query(
                """
                UPDATE strata.splits SET state = CASE state WHEN 'switching' THEN 'following' ELSE 'switched' END,
                       changed_at = clock_timestamp()
                 WHERE id = $1 AND state IN ('switching', 'reversing') RETURNING state
                """, [.int(record.id)]
            ).first
            guard try undone?.string("state") == "following" else { return }
            _ = try await connection.query(
                "UPDATE strata.write_guards SET until = '-infinity' WHERE schema = $1", schema)
        }
    }

    /// They go on where they would have gone before.
    func release(_ schema: String) async throws {
        _ = try await connection.query(
            """
            WITH freed AS (
                UPDATE strata.routes SET hold = NULL, hold_until = NULL WHERE schema = $1 AND hold IS NOT NULL RETURNING schema
            ) SELECT pg_notify('\(Self.channel)', schema) FROM freed
            """, [.text(schema)])
    }

    func forget(_ schema: String) async throws {
        _ = try await connection.query(
            """
            WITH gone AS (DELETE FROM strata.routes WHERE schema = $1 RETURNING schema)
            SELECT pg_notify('\(Self.channel)', schema) FROM gone
            """, [.text(schema)])
    }

    /// There is nothing left to switch.
    func settle(_ schema: String) async throws {
        _ = try await connection.query(
            "UPDATE strata.routes SET destination = NULL WHERE schema = $1", [.text(schema)])
    }

    /// The decision, in one statement: the route, the split's state, and that nobody writes here any more (of the way out).
    /// - Parameter reserve: so much of the hold must be left, so that nobody has gone on when it is committed.
    /// - Returns: the new epoch; nil where it was too late.
    func flip(
        _ record: SplitRecord, to database: String, from: String, hold: Int, state: SplitRecord.State, reserve: Duration
    ) async throws -> Int? {
        try await connection.query(
            """
            WITH flipped AS (
                UPDATE strata.routes SET database = $2, destination = $3, epoch = nextval('strata.route_epochs'),
                       hold = NULL, hold_until = NULL
                 WHERE schema = $1 AND hold = $4 AND clock_timestamp() + $5 * interval '1 millisecond' < hold_until
                RETURNING schema, epoch
            ), noted AS (
                UPDATE strata.splits SET state = $6, error = NULL, changed_at = clock_timestamp()
                 WHERE id = $7 AND EXISTS (SELECT FROM flipped) RETURNING id
            ), compared AS (
                -- What was compared was the other direction.
                DELETE FROM strata.split_diffs WHERE split = $7 AND EXISTS (SELECT FROM flipped)
            ), progressed AS (
                DELETE FROM strata.split_diff_progress WHERE split = $7 AND EXISTS (SELECT FROM flipped)
            ), sealed AS (
                UPDATE strata.write_guards SET until = CASE WHEN $6 = 'switched' THEN 'infinity' ELSE '-infinity' END::timestamptz
                 WHERE schema = $1 AND EXISTS (SELECT FROM flipped) RETURNING schema
            ) SELECT epoch, pg_notify('\(Self.channel)', schema) FROM flipped
            """,
            [
                .text(record.schema), .text(database), .text(from), .int(hold), .int(Int(reserve.milliseconds)),
                .text(state.rawValue), .int(record.id),
            ]
        ).first?.int("epoch")
    }
}
