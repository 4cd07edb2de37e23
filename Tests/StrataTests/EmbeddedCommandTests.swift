import Foundation
import PostgresDriver
import TestSupport
import Testing

/// With nothing set up: the private server.
@Suite(.serialized) struct EmbeddedCommandTests {
    /// Stops the server whatever happens.
    private func with(_ body: (Program) async throws -> Void) async throws {
        try await Workshop.withFolder { program in
            let result: Result<Void, any Error>
            do { result = .success(try await body(program)) } catch { result = .failure(error) }
            let stopped = try await program.run("pg", "stop", timeout: 120)
            #expect(stopped.code == 0, "\(stopped)")
            try result.get()
        }
    }

    @Test func startStatusStop() async throws {
        try await with { program in
            #expect(
                try object(try await program.run("pg", "status", "--format", "json").output)["state"] as? String
                    == "absent")
            let started = try await program.run("pg", "start", "--format", "json", timeout: 120)
            let server = try object(started.output)
            #expect(started.code == 0 && server["state"] as? String == "running", "\(started)")
            let url = try #require(server["url"] as? String)
            let connection = try await Connection.open(try ConnectionSettings(url))
            #expect(try await connection.query("SELECT current_database()").only().string(0) == "strata")
            await connection.close()

            let again = try await program.run("pg", "start")
            #expect(again.code == 0 && again.output.contains("already runs"), "\(again)")
            let status = try await program.run("pg", "status")
            #expect(status.output.contains("runs, pid") && status.output.contains(url), "\(status)")
            let stopped = try await program.run("pg", "stop", "--format", "json")
            #expect(try object(stopped.output)["stopped"] as? Bool == true)
            #expect(
                try object(try await program.run("pg", "stop", "--format", "json").output)["stopped"] as? Bool == false)
            #expect(
                try object(try await program.run("pg", "status", "--format", "json").output)["state"] as? String
                    == "stopped")
        }
    }

    @Test func planApplyRollbackWithNothingSetUp() async throws {
        try await with { program in
            let layout = Workshop.layout.replacing("main: { url: \"${DATABASE_URL}\" }", with: "main: {}")
            try Data(layout.utf8).write(to: program.folder.appending(path: "strata.yaml"))
            // The first command starts the server by itself; there is nothing in it yet.
            let empty = try await program.run("plan", timeout: 120)
            #expect(empty.code == 1 && empty.errors.contains("started the embedded PostgreSQL"), "\(empty)")
            #expect(empty.errors.contains("customers"), "\(empty)")
            let url = try #require(
                try object(try await program.run("pg", "start", "--format", "json").output)["url"] as? String)
            let connection = try await Connection.open(try ConnectionSettings(url))
            try await connection.execute(Workshop.pile)
            let before = try object(try await program.run("plan", "--format", "json").output)["fingerprint"] as? String

            #expect(try await program.run("apply", "--yes").code == 0)
            #expect(try await connection.query("SELECT count(*) FROM sales.orders").only().int(0) == 100)
            #expect(try await connection.query("SELECT count(*) FROM orders").only().int(0) == 100)
            let undone = try object(try await program.run("rollback", "--yes", "--format", "json").output)
            #expect(undone["fingerprintAfter"] as? String == before && before != nil)
            await connection.close()
        }
    }
}
