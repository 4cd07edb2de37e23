import Foundation
import PostgresDriver
import TestSupport
import Testing

/// What goes wrong before anything is touched: a clear message with the next step, exit code 1, and no secrets.
@Suite struct BadInputTests {
    private func expectRefusal(
        _ result: Program.Result, code: Int32 = 1, _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(result.code == code && result.output.isEmpty, "\(result)", sourceLocation: sourceLocation)
        #expect(result.errors.hasPrefix("error: "), "\(result.errors)", sourceLocation: sourceLocation)
        #expect(result.errors.contains("try: "), "\(result.errors)", sourceLocation: sourceLocation)
        let words = result.errors.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        for part in parts {
            #expect(words.contains(part), "\(part) is not in: \(words)", sourceLocation: sourceLocation)
        }
    }

    private func with(layout: String = Workshop.layout, _ body: (Program) async throws -> Void) async throws {
        try await Workshop.withFolder { program in
            try Data(layout.utf8).write(to: program.folder.appending(path: "strata.yaml"))
            try await body(program)
        }
    }

    // MARK: The server

    @Test func nothingListens() async throws {
        try await with { program in
            let port = try FakeServer.freePort()
            for command in ["plan", "apply", "rollback", "status", "contract"] {
                let url = "postgresql://me:sesame-street@127.0.0.1:\(port)/db"
                let result = try await program.run(command, environment: ["DATABASE_URL": url])
                expectRefusal(result, "cannot connect", "127.0.0.1", "\(port)", "refused")
                #expect(!result.errors.contains("sesame"))
            }
        }
    }

    @Test func anUnknownHost() async throws {
        try await with { program in
            let result = try await program.run("plan", "--url", "postgresql://me@no-such-host.invalid/db")
            expectRefusal(result, "cannot connect", "no-such-host.invalid")
        }
    }

    @Test(arguments: ["HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", ""]) func notPostgreSQL(
        answer: String
    ) async throws {
        try await with { program in
            let listener = try FakeServer(.answers(answer))
            let url = "postgresql://me:sesame-street@127.0.0.1:\(listener.port)/db"
            let result = try await program.run("plan", "--url", url)
            listener.stop()
            expectRefusal(result, "cannot connect", "127.0.0.1")
            #expect(!result.errors.contains("sesame"))
        }
    }

    @Test func aWrongPassword() async throws {
        try await with { program in
            var url = try #require(URLComponents(string: TestServer.url()))
            url.password = "sesame-street"
            let text = try #require(url.string)
            for arguments in [["plan", "--url", text], ["status", "--format", "json", "--url", text]] {
                let result = try await program.start(arguments).finish()
                expectRefusal(result, "password authentication failed")
                #expect(!result.errors.contains("sesame"))
            }
        }
    }

    @Test func noSuchDatabase() async throws {
        try await with { program in
            let result = try await program.run("plan", "--url", Workshop.url(of: "no_such_database"))
            expectRefusal(result, "no_such_database", "does not exist")
        }
    }

    @Test(arguments: ["postgresql://[broken", "postgresql://me:sesame-street@host:port/db", "host=x nonsense=y"])
    func notAConnectionString(url: String) async throws {
        try await with { program in
            let result = try await program.run("plan", "--url", url)
            expectRefusal(result, "--url", "connection string")
            #expect(!result.errors.contains("sesame"))
        }
    }

    // MARK: The layout

    @Test func noLayout() async throws {
        try await Workshop.withFolder { program in
            let result = try await program.run("plan")
            expectRefusal(result, "strata.yaml", "there is no such file", "strata init")
            expectRefusal(try await program.run("plan", "--layout", "other.yaml"), "other.yaml")
            expectRefusal(try await program.run("plan", "--layout", "."), "cannot read")
        }
    }

    @Test func notText() async throws {
        try await Workshop.withFolder { program in
            try Data([0xFF, 0xFE, 0x00, 0x80]).write(to: program.folder.appending(path: "strata.yaml"))
            expectRefusal(try await program.run("plan"), "strata.yaml", "UTF-8")
        }
    }

    @Test(arguments: [
        ("strata: 1\nschemas: {\n", "strata.yaml:3:1"),
        ("strata: 1\nschemas:\n  sales: { tabels: [orders] }\n", "strata.yaml:3:12"),
        ("strata: 1\nschemas:\n  sales: { tables: orders }\n", "strata.yaml:3:20"),
        ("strata: 1\ndatabases:\n  main: { url: \"${MAIN URL}\" }\n", "strata.yaml:3:16"),
        ("strata: 1\nschemas:\n  sales: { tables: [\"${NOT_SET_ANYWHERE}\"] }\n", "strata.yaml:3:21"),
    ])
    func brokenLayouts(text: String, place: String) async throws {
        try await with(layout: text) { program in
            expectRefusal(try await program.run("plan"), "--> \(place)")
        }
    }

    @Test func namesThatAreNotThere() async throws {
        let layout =
            "strata: 1\ndatabases:\n  main: { url: \"${DATABASE_URL}\" }\nschemas:\n  sales: { tables: [customers, ordres] }\n"
        try await Workshop.with(layout: layout) { shop in
            let result = try await shop.program.run("plan")
            expectRefusal(result, "ordres", "did you mean", "orders", "strata.yaml:5:32")
            expectRefusal(try await shop.program.run("apply", "--yes"), "ordres")
            #expect(
                try await shop.column("SELECT count(*) FROM pg_namespace WHERE nspname IN ('people', 'sales')") == ["0"]
            )
        }
    }

    @Test func aNameThatIsTaken() async throws {
        let pile =
            Workshop.pile
            + "CREATE SCHEMA sales; CREATE TABLE sales.other (id integer); CREATE INDEX orders_pkey ON sales.other (id);"
        try await Workshop.with(pile: pile) { shop in
            let result = try await shop.program.run("apply", "--yes")
            expectRefusal(result, "orders_pkey", "collide")
            #expect(try await shop.places() == Workshop.unmoved)
        }
    }

    // MARK: Terminals

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script")))
    func coloursOnlyOnATerminal() async throws {
        try await Workshop.with { shop in
            func onTerminal(_ environment: [String: String]) async throws -> String {
                let arguments = ["-qec", "\(Program.path.path) plan", "/dev/null"]
                let running = try shop.program.start(
                    arguments, environment: environment, executable: URL(filePath: "/usr/bin/script"))
                return try await running.finish().output
            }
            let colour = "\u{1B}["
            let coloured = try await onTerminal([:])
            #expect(coloured.contains(colour))
            for environment in [["NO_COLOR": "1"], ["TERM": "dumb"]] {
                let plain = try await onTerminal(environment)
                #expect(plain.contains("move table") && !plain.contains(colour), "\(environment)")
            }
        }
    }
}
