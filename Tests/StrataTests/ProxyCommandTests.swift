import Foundation
import PostgresDriver
import TestSupport
import Testing

/// `strata proxy`, as a person starts and ends it.
@Suite struct ProxyCommandTests {
    private static func layout(_ routing: String, databases: String = "") -> String {
        """
        strata: 1
        databases:
          main: { url: "${DATABASE_URL}" }
        \(databases)
        routing: { \(routing) }
        """
    }

    /// Starts the proxy on a free port, hands it over, and ends it.
    private func serving(
        _ routing: String, in shop: Workshop, endsItself: Bool = false,
        _ body: (RunningProgram, Int) async throws -> Void
    ) async throws -> Program.Result {
        try shop.write(Self.layout(routing))
        let running = try shop.program.start(["proxy", "--listen", "127.0.0.1:0"])
        var port: Int?
        try await eventually("the proxy listens") {
            port = running.errorsSoFar.firstMatch(of: /listening on 127\.0\.0\.1:(\d+) for/).flatMap { Int($0.1) }
            return port != nil
        }
        do { try await body(running, try #require(port)) } catch {
            running.signal(SIGKILL)
            _ = try await running.finish()
            throw error
        }
        if !endsItself { running.signal(SIGTERM) }
        return try await running.finish()
    }

    private func connect(_ port: Int, _ shop: Workshop, _ more: [String: String] = [:]) async throws -> Connection {
        try await Connection.open(
            shop.database.settings.settings(
                ["host": "127.0.0.1", "port": "\(port)", "dbname": "main"].merging(more) { $1 }))
    }

    @Test func servesUntilItIsTold() async throws {
        try await Workshop.with { shop in
            let result = try await serving("auth: { type: trust }", in: shop) { _, port in
                let connection = try await connect(port, shop)
                #expect(try await connection.query("SELECT count(*) FROM customers").only().int(0) == 20)
                await connection.close()
            }
            #expect(result.code == 0 && !result.wasKilled && result.output.isEmpty, "\(result)")
            #expect(result.errors.contains("no new clients") && result.errors.hasSuffix("ended\n"), "\(result.errors)")
        }
    }

    @Test("At the first signal clients may finish, at the second it ends at once", arguments: [true, false])
    func drains(isPatient: Bool) async throws {
        try await Workshop.with { shop in
            let result = try await serving("auth: { type: trust }", in: shop, endsItself: true) { running, port in
                let connection = try await connect(port, shop)
                running.signal(SIGTERM)
                try await eventually("it drains") { running.errorsSoFar.contains("no new clients") }
                try await eventually("nobody else gets in") {
                    guard let other = try? await connect(port, shop) else { return true }
                    await other.close()
                    return false
                }
                #expect(try await connection.query("SELECT 1").only().int(0) == 1)
                guard !isPatient else { return await connection.close() }
                running.signal(SIGTERM)
                try await eventually("it has ended, with this client connected") {
                    (try? await connection.query("SELECT 1")) == nil
                }
            }
            #expect(result.code == (isPatient ? 0 : 128 + SIGTERM) && !result.wasKilled, "\(result)")
        }
    }

    @Test("Files are looked for beside the layout, wherever the program runs")
    func filesBesideTheLayout() async throws {
        try await Workshop.with { shop in
            let folder = shop.folder.appending(path: "etc")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try shop.write(
                Self.layout(#"listen: "127.0.0.1:1", auth: { type: scram, users: users.txt }"#), to: "etc/strata.yaml")
            let missing = try await shop.program.run("proxy", "--layout", "etc/strata.yaml")
            refused(missing, "etc/users.txt", "`users`", "there is no such file", "strata.yaml:5:10")
            try Data("\"ann\" \"sesame\"\n".utf8).write(to: folder.appending(path: "users.txt"))
            let running = try shop.program.start(["proxy", "--layout", "etc/strata.yaml", "--listen", "127.0.0.1:0"])
            try await eventually("the proxy listens") { running.errorsSoFar.contains("listening on") }
            running.signal(SIGTERM)
            let result = try await running.finish()
            #expect(result.code == 0 && !result.errors.contains("sesame"), "\(result.errors)")
        }
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl")))
    func encrypts() async throws {
        try await Workshop.with { shop in
            let make = [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.crt",
            ]
            let made = try await shop.program.start(make, executable: URL(filePath: "/usr/bin/openssl")).finish()
            #expect(made.code == 0, "\(made.errors)")
            let key = shop.folder.appending(path: "server.key").path
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: key)
            let tls = "tls: { certificate: server.crt, key: server.key, require: true }, auth: { type: trust }"
            let result = try await serving(tls, in: shop) { _, port in
                let connection = try await connect(port, shop, ["sslmode": "require"])
                #expect(try await connection.query("SELECT 1").only().int(0) == 1)
                await connection.close()
                await #expect(throws: PostgresError.self) {
                    _ = try await self.connect(port, shop, ["sslmode": "disable"])
                }
            }
            let words = result.errors.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(result.code == 0 && words.contains("everybody on this machine may use the key"), "\(result)")
            #expect(words.contains("try: chmod 600"))
        }
    }

    private func refused(
        _ result: Program.Result, _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(result.code == 1 && result.output.isEmpty, "\(result)", sourceLocation: sourceLocation)
        let words = result.errors.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        for part in parts + ["error: ", "try: "] {
            #expect(words.contains(part), "\(part) is not in: \(words)", sourceLocation: sourceLocation)
        }
    }

    @Test(arguments: [
        ("auth: { type: trust }", "does not say where the proxy listens"),
        ("listen: 127.0.0.1:1", "does not say how clients prove who they are"),
        (
            "listen: 127.0.0.1:1, auth: { rules: [{ address: local, type: trust }] }",
            "that no rule of routing.auth fits"
        ),
        ("listen: \"no-such-host.invalid:1\", auth: { type: trust }", "no-such-host.invalid:1, which is no address"),
        ("listen: 127.0.0.1:1, auth: { type: scram, users: none.txt }", "none.txt, the `users`"),
        ("listen: 127.0.0.1:1, auth: { type: scram, users: . }", "it is a folder"),
        ("listen: 127.0.0.1:1, auth: { type: trust }, tls: { certificate: a.crt, key: a.key }", "the `certificate`"),
        (
            "listen: 127.0.0.1:1, auth: { type: trust }, tls: { certificate: strata.yaml, key: a.key }",
            "a.key, the `key`"
        ),
        (
            "listen: 127.0.0.1:1, auth: { type: trust }, tls: { certificate: strata.yaml, key: strata.yaml, authorities: c }",
            "c, the `authorities`"
        ),
        (
            "listen: 127.0.0.1:1, auth: { type: trust }, tls: { certificate: strata.yaml, key: strata.yaml }",
            "the certificate"
        ),
    ])
    func whatIsMissing(routing: String, says: String) async throws {
        try await Workshop.withFolder { program in
            var program = program
            program.environment["DATABASE_URL"] = try TestServer.url()
            try Data(Self.layout(routing).utf8).write(to: program.folder.appending(path: "strata.yaml"))
            refused(try await program.run("proxy"), says)
        }
    }

    @Test("SIGHUP reads the layout again: what can change does, what cannot is named, a wrong file changes nothing")
    func readsAgain() async throws {
        try await Workshop.with { shop in
            let trust = "listen: \"127.0.0.1:6432\", auth: { type: trust }"
            let result = try await serving(trust, in: shop) { running, port in
                let connection = try await connect(port, shop)
                try shop.write(Self.layout("listen: \"127.0.0.1:6432\", auth: { type: scram, users: users.txt }"))
                try shop.write("\"ann\" \"sesame\"\n", to: "users.txt")
                running.signal(SIGHUP)
                try await eventually("it has read it") { running.errorsSoFar.contains("reloaded\n") }
                await #expect(throws: PostgresError.self) { _ = try await connect(port, shop, ["user": "nobody"]) }
                #expect(try await connection.query("SELECT 1").only().int(0) == 1)
                try shop.write(Self.layout("listen: nonsense, auth: { type: trust }"))
                running.signal(SIGHUP)
                try await eventually("it says why") {
                    running.errorsSoFar.contains("not reloaded, everything is as it was: strata.yaml:5:")
                }
                try shop.write(Self.layout("event_loops: 3, \(trust)"))
                running.signal(SIGHUP)
                try await eventually("it names what is fixed") {
                    running.errorsSoFar.contains("needs a restart, and is as it was: routing.event_loops")
                }
                let other = try await connect(port, shop)
                #expect(try await other.query("SELECT 1").only().int(0) == 1)
                await other.close()
                await connection.close()
            }
            #expect(result.code == 0 && !result.errors.contains("sesame"), "\(result)")
        }
    }

    @Test func databasesThatCannotBe() async throws {
        try await Workshop.withFolder { program in
            var program = program
            program.environment["DATABASE_URL"] = try TestServer.url()
            func run(_ databases: String) async throws -> Program.Result {
                let layout = Self.layout("listen: 127.0.0.1:1, auth: { type: trust }", databases: databases)
                try Data(layout.utf8).write(to: program.folder.appending(path: "strata.yaml"))
                return try await program.run("proxy")
            }
            refused(try await run("  strata: { url: host=127.0.0.1 }"), "admin database", "strata.yaml:4:3")
            refused(try await run("  other: { url: \"${OTHER_URL}\" }"), "export OTHER_URL=postgresql://")
            refused(try await run("  other: { url: host=no-such-host.invalid }"), "no-such-host.invalid")
        }
    }

    @Test("S2.9 a replica without its URL is left out, and said so")
    func replicaWithoutURL() async throws {
        try await Workshop.with { shop in
            let replica = "  main: { url: \"${DATABASE_URL}\", replicas: [{ name: r1, url: \"${READONLY_URL}\" }] }"
            let text = Self.layout("auth: { type: trust }").replacing(
                "  main: { url: \"${DATABASE_URL}\" }", with: replica)
            try shop.write(text)
            let running = try shop.program.start(["proxy", "--listen", "127.0.0.1:0"])
            try await eventually("the proxy listens") { running.errorsSoFar.contains("listening on") }
            running.signal(SIGTERM)
            let result = try await running.finish()
            #expect(result.code == 0 && result.errors.contains("r1 of main is left out: READONLY_URL is not set"))
        }
    }

    @Test(arguments: ["0", "65", "many"]) func loopsAreBounded(count: String) async throws {
        try await Workshop.withFolder { program in
            let result = try await program.run("proxy", "--loops", count)
            #expect(result.code == 64 && result.errors.contains("--loops"), "\(result)")
        }
    }

    @Test(arguments: ["proxy", "route"]) func helpHasAnExample(command: String) async throws {
        try await Workshop.withFolder { program in
            let result = try await program.run(command, "--help")
            let lines = result.output.split(separator: "\n")
            #expect(result.code == 0 && lines.contains { $0.contains("  strata \(command)") }, "\(result.output)")
            #expect(lines.allSatisfy { $0.count <= 120 || $0.hasPrefix("USAGE") })
        }
    }
}
