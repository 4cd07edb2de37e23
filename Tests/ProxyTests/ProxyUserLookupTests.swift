import PostgresDriver
import PostgresWire
import TestSupport
import Testing

@testable import Proxy

/// Users that only the database knows: `auth_query`.
@Suite("Proxy: users of the database")
struct ProxyUserLookupTests {
    private static let noUsers = Users(secrets: [:])

    /// A proxy that asks its database for users; roles are dropped when the test is over.
    private func withLookup(
        _ query: String = UserLookup.defaultQuery, setup: String = "", roles: [String],
        login: ProxyConfiguration.Login = .scram, _ body: (ProxyFixture, [String]) async throws -> Void
    ) async throws {
        let names = roles.indices.map { "r\($0)_\(UInt64.random(in: 0...UInt64.max))" }
        try await withTestDatabase("roles") { database in
            for (name, definition) in zip(names, roles) {
                try await database.execute("CREATE ROLE \(name) \(definition)")
            }
            do {
                try await withProxy(
                    setup: setup,
                    configure: {
                        $0.login = login
                        $0.users = Self.noUsers
                        $0.authQuery = query
                    }
                ) { try await body($0, names) }
                for name in names { try await database.execute("DROP ROLE \(name)") }
            } catch {
                for name in names { try? await database.execute("DROP ROLE \(name)") }
                throw error
            }
        }
    }

    /// The types of the messages up to the end of the login, and the last error.
    private func start(
        _ proxy: ProxyFixture, _ user: String, _ password: String, _ parameters: [(String, String)] = []
    ) async throws -> (client: WireClient, error: ErrorFields?, tags: String) {
        try await blocking {
            let client = try proxy.wire(login: false)
            let messages = try client.start(user: user, database: "main", password: password, parameters: parameters)
            return (client, messages.last?.error, String(messages.map(\.tag)))
        }
    }

    @Test("The default query: a role's own verifier lets it in, and logs it in to the server")
    func verifier() async throws {
        try await withLookup(roles: ["LOGIN PASSWORD 'sésame'"]) { proxy, roles in
            let good = try await start(proxy, roles[0], "sésame")
            #expect(good.error == nil)
            #expect(try good.client.query("SELECT current_user").rows == [[roles[0]]])
            #expect(try await start(proxy, roles[0], "guess").error?.code == "28P01")
        }
    }

    @Test("Unknown, past its time, not allowed to log in, without a password: the same exchange and the same words")
    func strangers() async throws {
        let definitions = [
            "LOGIN PASSWORD 'x'", "LOGIN PASSWORD 'x' VALID UNTIL '2020-01-01'", "PASSWORD 'x' NOLOGIN", "LOGIN",
        ]
        try await withLookup(roles: definitions) { proxy, roles in
            let wrong = try await start(proxy, roles[0], "wrong")
            for name in roles.dropFirst() + ["nobody"] {
                // With what would be right if only the password counted.
                let refused = try await start(proxy, name, "x")
                #expect(refused.tags == wrong.tags, "\(name)")
                #expect(refused.error?.code == "28P01")
                #expect(
                    refused.error?.message.replacing(name, with: "U")
                        == wrong.error?.message.replacing(roles[0], with: "U"))
            }
        }
    }

    @Test("A query of one's own with a third column: VALID UNTIL counts, infinity is for ever")
    func validUntil() async throws {
        let setup = """
            CREATE TABLE public.people (name text, secret text, until text);
            CREATE FUNCTION public.who(text) RETURNS TABLE (u text, s text, valid_until timestamptz)
                LANGUAGE sql SECURITY DEFINER AS 'SELECT name, secret, until::timestamptz FROM public.people
                WHERE name = $1'
            """
        try await withLookup(
            "SELECT * FROM public.who($1)", setup: setup,
            roles: Array(repeating: "LOGIN PASSWORD 'geheim'", count: 3)
        ) { proxy, roles in
            for (name, until) in zip(roles, ["infinity", "2001-02-03", "2999-01-01"]) {
                try await proxy.database.execute("INSERT INTO people VALUES ('\(name)', 'geheim', '\(until)')")
            }
            #expect(try await start(proxy, roles[0], "geheim").error == nil)
            #expect(try await start(proxy, roles[1], "geheim").error?.code == "28P01")
            #expect(try await start(proxy, roles[2], "geheim").error == nil)
        }
    }

    @Test("A password that the database has: the client's md5 is compared with it, and it logs in to the server")
    func password() async throws {
        let setup = "CREATE TABLE public.people (name text, secret text)"
        try await withLookup(
            "SELECT name, secret FROM public.people WHERE name = $1", setup: setup,
            roles: Array(repeating: "LOGIN PASSWORD 'alt'", count: 2), login: .md5
        ) { proxy, roles in
            let stored = try #require(MD5Password.stored(password: "alt", user: roles[1]))
            try await proxy.database.execute(
                "INSERT INTO people VALUES ('\(roles[0])', 'alt'), ('\(roles[1])', '\(stored)')")
            let good = try await start(proxy, roles[0], "alt")
            #expect(good.error == nil)
            #expect(try good.client.query("SELECT current_user").rows == [[roles[0]]])
            #expect(try await start(proxy, roles[0], "neu").error?.code == "28P01")
            #expect(try await start(proxy, roles[1], "neu").error?.detail == nil)
            // The client has proved itself; this server wants more than an md5 secret can give.
            let hashed = try await start(proxy, roles[1], "alt")
            #expect(hashed.error?.detail?.contains("the proxy has none for this user") ?? true)
        }
    }

    @Test("Neither the client's startup packet nor the database's search_path leads to another pg_authid")
    func fixedPath() async throws {
        let setup = """
            CREATE SCHEMA evil;
            CREATE TABLE evil.pg_authid (rolname name, rolpassword text, rolvaliduntil timestamptz, rolcanlogin bool);
            DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = evil, pg_catalog', current_database());
            END$$
            """
        try await withLookup(setup: setup, roles: ["LOGIN PASSWORD 'right'"]) { proxy, roles in
            try await proxy.database.execute(
                "INSERT INTO evil.pg_authid VALUES ('\(roles[0])', 'planted', NULL, true)")
            let packet = [("options", "-c search_path=evil,pg_catalog"), ("search_path", "evil, pg_catalog")]
            #expect(try await start(proxy, roles[0], "planted", packet).error?.code == "28P01")
            #expect(try await start(proxy, roles[0], "right", packet).error == nil)
        }
    }

    @Test("Another user's row is nobody's, and a query that fails lets nobody in and says nothing of the database")
    func wrongQuery() async throws {
        try await withLookup(
            "SELECT 'somebody', 'x' WHERE $1::text IS NOT NULL", roles: ["LOGIN PASSWORD 'x'"]
        ) { proxy, roles in
            let error = try await start(proxy, roles[0], "x").error
            #expect(error?.code == "28P01")
        }
        try await withLookup("SELECT 1 / 0, $1::text", roles: ["LOGIN PASSWORD 'x'"]) { proxy, roles in
            let error = try await start(proxy, roles[0], "x").error
            #expect(error?.code == "58000")
            #expect(error?.message == "the proxy cannot look up users at the moment")
            #expect(error?.detail == nil)
        }
    }

    @Test("A query whose columns are in another order: the error, which is logged, has no secret in it")
    func noSecretInErrors() async throws {
        try await withTestDatabase("users") { database in
            let nodes = DatabaseNodes(
                primary: NodeDescription(name: "primary", settings: database.settings), replicas: [])
            var connection = UserConnection(nodes: nodes)
            do {
                _ = try await connection.secret(of: "a", by: "SELECT $1::text, '2999-01-01', 'geheim'")
                Issue.record("a secret is no time")
            } catch let error as PostgresError {
                #expect(error.message == "the third column of auth_query is no time")
                #expect(!"\(error)".contains("geheim"))
            }
            let found = try await connection.secret(of: "a", by: "SELECT $1::text, 'x', '2999-01-01'")
            #expect(found == "x")
            connection.abandon()
        }
    }

    @Test("Many logins of one user at once: one question")
    func shared() {
        var cache = UserCache<Int>()
        #expect(cache.ask("a", at: 0, 1) == .waits(isNew: true))
        #expect(cache.ask("a", at: 0, 2) == .waits(isNew: false))
        #expect(cache.ask("b", at: 0, 3) == .waits(isNew: true))
        #expect(cache.next() == "a")
        // While it is under way, too.
        #expect(cache.ask("a", at: 0, 4) == .waits(isNew: false))
        let found = UserLookup.answer("x")
        #expect(cache.settle("a", found, at: 0) == [1, 2, 4])
        #expect(cache.next() == "b")
        #expect(cache.next() == nil)
    }

    @Test("An answer counts for its time and no longer; a failure is no answer")
    func lifetimes() {
        var cache = UserCache<Int>()
        let second: UInt64 = 1_000_000_000
        let found = UserLookup.answer("x")
        for (user, answer) in [("known", found), ("unknown", .unknown), ("failed", .failed)] {
            _ = cache.ask(user, at: 0, 0)
            _ = cache.settle(cache.next() ?? "", answer, at: 0)
        }
        #expect(cache.ask("failed", at: 0, 0) == .waits(isNew: true))
        #expect(cache.ask("known", at: 10 * second - 1, 0) == .known(found))
        #expect(cache.ask("unknown", at: second - 1, 0) == .known(.unknown))
        #expect(cache.ask("unknown", at: second, 0) == .waits(isNew: true))
        #expect(cache.ask("known", at: 10 * second, 0) == .waits(isNew: true))
        #expect(cache.last("known") != nil && cache.last("unknown") == nil)
    }

    @Test("What strangers ask is bounded, in questions and in what is remembered")
    func bounds() {
        var limits = UserCache<Int>.Limits()
        (limits.users, limits.questions) = (3, 2)
        var cache = UserCache<Int>(limits)
        #expect(cache.ask("a", at: 0, 0) == .waits(isNew: true))
        #expect(cache.ask("b", at: 0, 0) == .waits(isNew: true))
        #expect(cache.ask("c", at: 0, 0) == .known(.failed))
        for index in 0..<10 { _ = cache.settle("u\(index)", .unknown, at: 0) }
        var remembered = 0
        for index in 0..<10 where cache.ask("u\(index)", at: 0, 0) == .known(.unknown) { remembered += 1 }
        #expect(1...3 ~= remembered)
    }
}
