import Foundation
import PostgresDriver
import StrataDatabases
import Synchronization
import TestSupport

/// Two databases with a schema `audit` in each, whose table `place` says which one it is, and the tables that a switch
/// writes on the main one.
struct FactoryFixture {
    let main: TestDatabase
    let archive: TestDatabase
    /// To the main database.
    let control: Connection
    let events = EventLog()

    /// What a switch makes on the main database.
    static let routeTables = """
        CREATE SCHEMA strata;
        CREATE TABLE strata.routes (schema text PRIMARY KEY, database text NOT NULL, epoch bigint NOT NULL,
                                    hold bigint, hold_until timestamptz);
        CREATE TABLE strata.splits (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, schema text NOT NULL,
                                    state text NOT NULL);
        CREATE TABLE strata.followers (id text PRIMARY KEY, kind text, name text, pid int, epoch bigint, hold bigint,
                                       busy int, seen_at timestamptz);
        GRANT USAGE ON SCHEMA strata TO PUBLIC;
        GRANT SELECT ON strata.routes TO PUBLIC;
        GRANT SELECT (schema, state) ON strata.splits TO PUBLIC;
        GRANT SELECT, INSERT, UPDATE, DELETE ON strata.followers TO PUBLIC
        """

    static let layout = """
        strata: 1
        databases:
          main: { url: "${DATABASE_URL}" }
          archive: { url: "${ARCHIVE_URL}" }
        schemas:
          audit: { database: archive, tables: [entries] }
          billing: { tables: [invoices] }
          public: { tables: [users] }
        roles:
          auditor: { write: [audit] }
        """

    static func with(_ body: (FactoryFixture) async throws -> Void) async throws {
        try await withTestDatabase("factory_main") { main in
            try await withTestDatabase("factory_archive") { archive in
                for (database, name) in [(main, "main"), (archive, "archive")] {
                    try await database.execute(
                        """
                        CREATE SCHEMA audit; CREATE TABLE audit.place AS SELECT '\(name)' AS name;
                        CREATE TABLE audit.entries (id bigint GENERATED ALWAYS AS IDENTITY, note text)
                        """)
                }
                try await main.execute(
                    "CREATE SCHEMA billing; CREATE TABLE billing.place AS SELECT 'main' AS name; " + routeTables)
                let control = try await main.connect()
                try await body(FactoryFixture(main: main, archive: archive, control: control))
                await control.close()
            }
        }
    }

    var environment: [String: String] {
        get throws { ["DATABASE_URL": try url(main), "ARCHIVE_URL": try url(archive)] }
    }

    func url(_ database: TestDatabase, application: String? = nil) throws -> String {
        let text = database.settings.keywordText(withPassword: true)
        return application.map { "\(text) application_name=\($0)" } ?? text
    }

    func options(_ change: (inout FactoryOptions) -> Void = { _ in }) -> FactoryOptions {
        var options = FactoryOptions()
        options.onEvent = { [events] in events.add($0) }
        change(&options)
        return options
    }

    func factory(
        _ extra: [String: String] = [:], layout: String = layout, _ options: FactoryOptions? = nil
    ) async throws -> DatabaseFactory {
        try await DatabaseFactory(
            layoutText: layout, environment: environment.merging(extra) { $1 }, options: options ?? self.options())
    }

    // MARK: What a switch does

    func hold(_ schema: String, _ number: Int, for time: String = "1 minute") async throws {
        try await control.execute(
            """
            UPDATE strata.routes SET hold = \(number), hold_until = clock_timestamp() + interval '\(time)'
             WHERE schema = '\(schema)';
            NOTIFY strata_routes, '\(schema)'
            """)
    }

    /// One transaction: the route, and the hold's end.
    func route(_ schema: String, to database: String, epoch: Int) async throws {
        try await control.execute(
            """
            INSERT INTO strata.routes VALUES ('\(schema)', '\(database)', \(epoch))
            ON CONFLICT (schema) DO UPDATE SET database = excluded.database, epoch = excluded.epoch, hold = NULL,
                                               hold_until = NULL;
            NOTIFY strata_routes, '\(schema)'
            """)
    }

    /// The guard of a database that a schema has left.
    func guardEntries(in database: TestDatabase) async throws {
        try await database.execute(
            """
            CREATE FUNCTION audit.refuse() RETURNS trigger LANGUAGE plpgsql AS
              $$ BEGIN RAISE 'audit has left' USING ERRCODE = 'read_only_sql_transaction'; END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON audit.entries FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse()
            """)
    }

    func follower(_ factory: DatabaseFactory, is condition: String) async throws {
        try await eventually {
            try await control.query(
                "SELECT 1 FROM strata.followers WHERE id = $1 AND \(condition)", [.text(factory.id)]
            ).count == 1
        }
    }
}

/// What a factory reported.
final class EventLog: Sendable {
    private let events = Mutex<[FactoryEvent]>([])

    func add(_ event: FactoryEvent) { events.withLock { $0.append(event) } }
    var all: [FactoryEvent] { events.withLock { $0 } }
}

/// Waits until something is so; the test's time limit bounds it.
func eventually(_ condition: () async throws -> Bool) async throws {
    while try await !condition() { try await Task.sleep(for: .milliseconds(2)) }
}

func place(_ schema: SchemaDatabase) async throws -> String {
    try await schema.query("SELECT name FROM place").only().value("name")
}

/// The error that `body` throws, as that type.
func failure<E: Error>(_ type: E.Type, _ body: () async throws -> Void) async throws -> E {
    do { try await body() } catch let error as E { return error }
    throw NoFailure()
}

struct NoFailure: Error {}
