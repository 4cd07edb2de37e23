import Foundation
package import Planning
package import PostgresDriver

/// The tables in which proxies write down what would cross a split, and what has been accepted of it: in schema `strata` of
/// the main database.
package struct CrossingStore: Sendable {
    let connection: Connection

    package init(_ connection: Connection) { self.connection = connection }

    /// Rows of `strata.crossings` that stay; the rarest go first, the oldest of them before the others.
    static let rowLimit = 5_000
    static let observerLimit = 1_000

    private static let tables = ["crossings", "observers", "observation_resets", "exemptions"]

    // MARK: Tables

    /// Safe to run again, by several at once; one transaction. Who finds all of them needs no right to make any.
    package func prepare() async throws {
        if try await missing().isEmpty { return }
        try await connection.transaction { connection in
            try await connection.execute(
                "SET LOCAL client_min_messages = warning; SELECT pg_advisory_xact_lock(\(Self.lock))")
            let hasSchema = try await connection.query("SELECT to_regnamespace('strata') IS NOT NULL").only().bool(0)
            if !hasSchema { try await connection.execute("CREATE SCHEMA IF NOT EXISTS strata") }
            if !(try await missing().isEmpty) { try await connection.execute(Self.statements) }
        }
    }

    /// For all who make schema `strata` and tables in it, of which several may begin at once. Any number that others do not
    /// use: the first letters of "crossing".
    static let lock = 0x6372_6F73_7369

    private func missing() async throws -> [String] {
        try await connection.query(
            "SELECT name FROM unnest($1::text[]) AS name WHERE to_regclass('strata.' || name) IS NULL",
            [.textArray(Self.tables)]
        ).map { try $0.string(0) }
    }

    private static let statements = """
        CREATE TABLE IF NOT EXISTS strata.crossings (
            fingerprint text NOT NULL,
            kind text NOT NULL,
            count bigint NOT NULL,
            first_seen timestamptz NOT NULL,
            last_seen timestamptz NOT NULL,
            example text NOT NULL,
            schemas text[] NOT NULL,
            application text NOT NULL,
            statements text[] NOT NULL,
            PRIMARY KEY (fingerprint, kind)
        );
        CREATE TABLE IF NOT EXISTS strata.observers (
            id text PRIMARY KEY,
            name text NOT NULL,
            schemas text[] NOT NULL,
            since timestamptz NOT NULL,
            last timestamptz NOT NULL,
            batch bigint NOT NULL,
            dropped bigint NOT NULL,
            -- Processes of the main database that work for this proxy.
            servers integer[] NOT NULL DEFAULT '{}'
        );
        CREATE TABLE IF NOT EXISTS strata.observation_resets (schema text PRIMARY KEY, at timestamptz NOT NULL);
        CREATE TABLE IF NOT EXISTS strata.exemptions (
            fingerprint text PRIMARY KEY,
            reason text NOT NULL,
            until date NOT NULL,
            accepted_by text NOT NULL,
            accepted_at timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        """

    // MARK: Counts

    /// Adds counts and says that the observer is there, both or neither; a batch that has been added already is not added
    /// again. The rows are taken in one order by all, so that no two proxies wait for each other. What was seen before a
    /// reset of the last minute, and was still on its way, is forgotten with the rest.
    /// - Parameter servers: the observer's processes in this database.
    package func add(
        _ crossings: [Crossing], by observer: CrossingRecord.Observer, servers: [Int32] = [], batch: Int
    ) async throws {
        _ = try await connection.query(
            """
            WITH beat AS (
                INSERT INTO strata.observers AS o (id, name, schemas, since, last, batch, dropped, servers)
                VALUES ($1, $2, $3, to_timestamp($4::bigint), clock_timestamp(), $5, $6, $8::text[]::int[])
                ON CONFLICT (id) DO UPDATE SET last = clock_timestamp(), batch = excluded.batch, dropped = excluded.dropped,
                    servers = excluded.servers
                    WHERE o.batch < excluded.batch
                RETURNING 1
            )
            INSERT INTO strata.crossings AS c
                (fingerprint, kind, count, first_seen, last_seen, example, schemas, application, statements)
            SELECT j.fingerprint, j.kind, j.count, to_timestamp(j.first_seen), to_timestamp(j.last_seen), j.example,
                   j.schemas, j.application, j.statements
              FROM jsonb_to_recordset($7::jsonb) AS j (fingerprint text, kind text, count bigint, first_seen bigint,
                   last_seen bigint, example text, schemas text[], application text, statements text[])
             WHERE EXISTS (SELECT FROM beat) AND NOT EXISTS (
                   SELECT FROM strata.observation_resets r WHERE r.schema = ANY (j.schemas)
                      AND r.at > to_timestamp(j.last_seen + 1) AND r.at > clock_timestamp() - interval '1 minute')
             ORDER BY j.fingerprint, j.kind
            ON CONFLICT (fingerprint, kind) DO UPDATE SET
                count = c.count + excluded.count, first_seen = least(c.first_seen, excluded.first_seen),
                last_seen = greatest(c.last_seen, excluded.last_seen), example = excluded.example,
                schemas = excluded.schemas, statements = excluded.statements,
                application =
                    CASE WHEN excluded.last_seen >= c.last_seen THEN excluded.application ELSE c.application END
            """,
            [
                .text(observer.id), .text(observer.name), .textArray(observer.schemas), .int(observer.since),
                .int(batch), .int(observer.dropped), .text(try Self.json(crossings)),
                .textArray(servers.map { "\($0)" }),
            ])
    }

    private struct CrossingRow: Encodable {
        var fingerprint: String
        var kind: String
        var count: Int
        var firstSeen: Int
        var lastSeen: Int
        var example: String
        var schemas: [String]
        var application: String
        var statements: [String]

        enum CodingKeys: String, CodingKey {
            case fingerprint, kind, count, example, schemas, application, statements
            case firstSeen = "first_seen"
            case lastSeen = "last_seen"
        }

        init(_ crossing: Crossing) {
            fingerprint = crossing.fingerprint
            kind = crossing.kind.rawValue
            count = crossing.count
            (firstSeen, lastSeen) = (crossing.firstSeen, crossing.lastSeen)
            example = crossing.example
            schemas = crossing.schemas
            application = crossing.application
            statements = crossing.statements.map(\.description)
        }
    }

    private static func json(_ crossings: [Crossing]) throws -> String {
        try JSONRecord.encode(crossings.map(CrossingRow.init))
    }

    /// What is too much, and observers that nobody has heard of for 90 days, go.
    package func tidy() async throws {
        try await connection.execute(
            """
            DELETE FROM strata.crossings WHERE (fingerprint, kind) IN (
                SELECT fingerprint, kind FROM strata.crossings ORDER BY count DESC, last_seen DESC OFFSET \(Self.rowLimit));
            DELETE FROM strata.observers WHERE last < clock_timestamp() - interval '90 days' OR id IN (
                SELECT id FROM strata.observers ORDER BY last DESC OFFSET \(Self.observerLimit))
            """)
    }

    // MARK: Reading

    /// Nothing of it is there: an empty record.
    package func read() async throws -> CrossingRecord {
        let clock = try await connection.query(
            "SELECT extract(epoch FROM clock_timestamp())::bigint AS now, current_date::text AS today"
        ).only()
        var record = CrossingRecord()
        record.now = try clock.int("now")
        guard let today = CalendarDate(try clock.string("today")) else {
            throw PostgresError(.decoding, "the server's date is not one")
        }
        record.today = today
        guard try await missing().isEmpty else { return record }
        record.crossings = try await crossings()
        record.observers = try await observers()
        for row in try await connection.query(
            "SELECT schema, extract(epoch FROM at)::bigint AS at FROM strata.observation_resets")
        {
            record.resets[try row.string("schema")] = try row.int("at")
        }
        record.accepted = try await accepted()
        return record
    }

    private func crossings() async throws -> [Crossing] {
        try await connection.query(
            """
            SELECT fingerprint, kind, count, extract(epoch FROM first_seen)::bigint AS first_seen,
                   extract(epoch FROM last_seen)::bigint AS last_seen, example, schemas, application, statements
              FROM strata.crossings ORDER BY count DESC, fingerprint, kind LIMIT \(Self.rowLimit * 2)
            """
        ).compactMap { row in
            // One of a newer Strata.
            guard let kind = Crossing.Kind(rawValue: try row.string("kind")) else { return nil }
            var crossing = Crossing(
                try row.string("fingerprint"), kind, example: try row.string("example"),
                schemas: try row.textArray("schemas"),
                statements: try row.textArray("statements").map { Crossing.Statement($0) })
            crossing.count = try row.int("count")
            crossing.firstSeen = try row.int("first_seen")
            crossing.lastSeen = try row.int("last_seen")
            crossing.application = try row.string("application")
            return crossing
        }
    }

    private func observers() async throws -> [CrossingRecord.Observer] {
        try await connection.query(
            """
            SELECT id, name, schemas, extract(epoch FROM since)::bigint AS since,
                   extract(epoch FROM last)::bigint AS last, dropped
              FROM strata.observers ORDER BY last DESC, id LIMIT \(Self.observerLimit)
            """
        ).map { row in
            CrossingRecord.Observer(
                id: try row.string("id"), name: try row.string("name"), schemas: try row.textArray("schemas"),
                since: try row.int("since"), last: try row.int("last"), dropped: try row.int("dropped"))
        }
    }

    private func accepted() async throws -> [CrossingRecord.Accepted] {
        try await connection.query(
            """
            SELECT fingerprint, until::text AS until, accepted_by, extract(epoch FROM accepted_at)::bigint AS at
              FROM strata.exemptions ORDER BY fingerprint
            """
        ).compactMap { row in
            guard let until = CalendarDate(try row.string("until")) else { return nil }
            return CrossingRecord.Accepted(
                fingerprint: try row.string("fingerprint"), until: until, by: try row.string("accepted_by"),
                at: try row.int("at"))
        }
    }

    // MARK: Changing

    /// Forgets what was counted of these schemas, and counts anew.
    /// - Returns: how many rows are gone.
    package func reset(_ schemas: [String]) async throws -> Int {
        try await prepare()
        return try await connection.query(
            """
            WITH gone AS (DELETE FROM strata.crossings WHERE schemas && $1::text[] RETURNING 1), marks AS (
                INSERT INTO strata.observation_resets SELECT schema, clock_timestamp() FROM unnest($1::text[]) AS schema
                ON CONFLICT (schema) DO UPDATE SET at = excluded.at)
            SELECT count(*) FROM gone
            """, [.textArray(schemas)]
        ).only().int(0)
    }

    /// What the layout has counts as accepted from now on, and nothing else.
    package func accept(_ exemptions: [Exemption], by identity: ActorIdentity) async throws {
        try await prepare()
        try await connection.transaction { connection in
            try await remove(allBut: exemptions, connection)
            for exemption in exemptions {
                _ = try await connection.query(
                    """
                    INSERT INTO strata.exemptions AS e (fingerprint, reason, until, accepted_by) VALUES ($1, $2, $3::date, $4)
                    ON CONFLICT (fingerprint) DO UPDATE SET reason = excluded.reason, until = excluded.until,
                        accepted_by = CASE WHEN excluded.until > e.until THEN excluded.accepted_by ELSE e.accepted_by END,
                        accepted_at = CASE WHEN excluded.until > e.until THEN clock_timestamp() ELSE e.accepted_at END
                    """,
                    [
                        .text(exemption.fingerprint), .text(exemption.reason), .text(exemption.until.description),
                        .text("\(identity.actor)@\(identity.host)"),
                    ])
            }
        }
    }

    /// What the layout has no longer, or for a shorter time, is no longer accepted either: it would come back unnoticed.
    package func shrink(to exemptions: [Exemption]) async throws {
        try await connection.transaction { connection in
            try await remove(allBut: exemptions, connection)
            for exemption in exemptions {
                _ = try await connection.query(
                    "UPDATE strata.exemptions SET until = $2::date WHERE fingerprint = $1 AND until > $2::date",
                    [.text(exemption.fingerprint), .text(exemption.until.description)])
            }
        }
    }

    private func remove(allBut exemptions: [Exemption], _ connection: Connection) async throws {
        _ = try await connection.query(
            "DELETE FROM strata.exemptions WHERE fingerprint <> ALL ($1::text[])",
            [.textArray(exemptions.map(\.fingerprint))])
    }
}
