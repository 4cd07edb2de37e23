import Planning
import PostgresDriver
import PostgresWire
import TestSupport
import Testing

@testable import Proxy

/// Prepared statements of both levels work while servers change hands, and say what PostgreSQL says.
@Suite("Proxy: prepared statements")
struct ProxyStatementTests {
    typealias Wire = WireClient

    @Test("A named statement follows its client to other servers; generic names do not collide")
    func namedStatements() async throws {
        try await withProxy(size: 2) { proxy in
            let first = try proxy.wire()
            let second = try proxy.wire()
            for (client, text) in [(first, "SELECT 'first' || $1"), (second, "SELECT 'second' || $1")] {
                try client.send(Wire.parse("s0", text) + Wire.sync)
                #expect(try client.results().error == nil)
            }
            for round in 0..<6 {
                // Every other time one server is taken, so both servers come to serve both clients.
                let holder = try proxy.wire()
                if round % 2 == 0 { try holder.holdServer() }
                for (client, word) in [(first, "first"), (second, "second")] {
                    try client.send(Wire.bind("", "s0", ["x"]) + Wire.describe("P") + Wire.execute() + Wire.sync)
                    let result = try client.results()
                    #expect(result.rows == [["\(word)x"]])
                    #expect(result.messages.map(\.tag) == ["2", "T", "D", "C", "Z"])
                }
                if round % 2 == 0 { _ = try holder.query("COMMIT") }
            }
        }
    }

    @Test("An unknown statement: 26000 in PostgreSQL's words, skip to Sync, and the session goes on")
    func unknown() async throws {
        try await withProxy { proxy in
            let client = try proxy.wire()
            try client.send(Wire.bind("", "nobody") + Wire.execute() + Wire.sync)
            let result = try client.results()
            #expect(result.error?.code == "26000")
            #expect(result.error?.message == "prepared statement \"nobody\" does not exist")
            #expect(result.messages.map(\.tag) == ["E", "Z"])
            #expect(try client.query("SELECT 1").rows == [["1"]])
        }
    }

    @Test("A name that is taken: 42P05, and the first statement is still the one")
    func duplicate() async throws {
        try await withProxy { proxy in
            let client = try proxy.wire()
            try client.send(Wire.parse("a", "SELECT 1") + Wire.sync + Wire.parse("a", "SELECT 2") + Wire.sync)
            #expect(try client.results().error == nil)
            let result = try client.results()
            #expect(result.error?.code == "42P05")
            #expect(result.error?.message == "prepared statement \"a\" already exists")
            for _ in 0..<2 {
                try client.send(Wire.bind("", "a") + Wire.execute() + Wire.sync)
                #expect(try client.results().rows == [["1"]])
            }
            // Nothing of the trick is left for others.
            #expect(try proxy.wire().query("SELECT name FROM pg_prepared_statements WHERE name = 'a'").rows.isEmpty)
        }
    }

    @Test("A failed Parse is not remembered, neither by the client nor by the server")
    func failedParse() async throws {
        try await withProxy { proxy in
            let client = try proxy.wire()
            try client.send(Wire.parse("f", "SELECT * FROM later") + Wire.sync)
            #expect(try client.results().error?.code == "42P01")
            try client.send(Wire.bind("", "f") + Wire.execute() + Wire.sync)
            #expect(try client.results().error?.code == "26000")
            _ = try client.query("CREATE TABLE later AS SELECT 7 AS a")
            try client.send(
                Wire.parse("f", "SELECT * FROM later") + Wire.bind("", "f") + Wire.execute() + Wire.sync)
            #expect(try client.results().rows == [["7"]])
        }
    }

    @Test("A Parse behind an error of its batch is forgotten too")
    func skippedParse() async throws {
        try await withProxy { proxy in
            let client = try proxy.wire()
            let other = try proxy.wire()
            // The text is known to the server already, so that the proxy would answer by itself.
            try other.send(Wire.parse("x", "SELECT 42") + Wire.sync)
            _ = try other.results()
            try client.send(Wire.bind("", "nobody") + Wire.parse("mine", "SELECT 42") + Wire.sync)
            #expect(try client.results().error?.code == "26000")
            try client.send(Wire.bind("", "mine") + Wire.execute() + Wire.sync)
            #expect(try client.results().error?.message == "prepared statement \"mine\" does not exist")
        }
    }

    @Test("One batch with a known Parse, a new one and an error keeps the order of the answers")
    func order() async throws {
        try await withProxy(size: 1) { proxy in
            let client = try proxy.wire()
            try client.send(Wire.parse("k", "SELECT 1") + Wire.sync)
            _ = try client.results()
            let other = try proxy.wire()
            try other.send(
                Wire.parse("n1", "SELECT 2") + Wire.parse("k", "SELECT 1") + Wire.bind("", "k") + Wire.execute()
                    + Wire.parse("n2", "SELECT 3") + Wire.close("S", "n1") + Wire.bind("", "n2") + Wire.execute()
                    + Wire.sync)
            let result = try other.results()
            #expect(result.messages.map(\.tag) == ["1", "1", "2", "D", "C", "1", "3", "2", "D", "C", "Z"])
            #expect(result.rows == [["1"], ["3"]])
        }
    }

    @Test("The unnamed statement follows its client, and another client's is never seen")
    func unnamedStatements() async throws {
        try await withProxy(size: 1) { proxy in
            let first = try proxy.wire()
            let second = try proxy.wire()
            try first.send(Wire.parse("", "SELECT 'one'") + Wire.sync)
            _ = try first.results()
            try second.send(Wire.bind() + Wire.execute() + Wire.sync)
            #expect(try second.results().error?.message == "unnamed prepared statement does not exist")
            try second.send(Wire.parse("", "SELECT 'two'") + Wire.sync)
            _ = try second.results()
            try first.send(Wire.bind() + Wire.execute() + Wire.sync)
            #expect(try first.results().rows == [["one"]])
            // A simple query ends it.
            _ = try first.query("SELECT 1")
            try first.send(Wire.bind() + Wire.execute() + Wire.sync)
            #expect(try first.results().error?.code == "26000")
        }
    }

    @Test("Close of a portal and of a statement with the same name; Close of what is not there")
    func close() async throws {
        try await withProxy { proxy in
            let client = try proxy.wire()
            try client.send(
                Wire.parse("n", "SELECT 1") + Wire.bind("n", "n") + Wire.close("P", "n") + Wire.bind("n", "n")
                    + Wire.execute("n") + Wire.close("S", "n") + Wire.close("S", "none") + Wire.sync)
            #expect(try client.results().messages.map(\.tag) == ["1", "2", "3", "2", "D", "C", "3", "3", "Z"])
            try client.send(Wire.bind("", "n") + Wire.sync)
            #expect(try client.results().error?.code == "26000")
        }
    }

    @Test("More statements than a server keeps: the oldest go, none that the pipeline still uses")
    func eviction() async throws {
        try await withProxy(size: 1, limits: { $0.maximumPreparedStatements = 5 }) { proxy in
            let client = try proxy.wire()
            var bytes: [UInt8] = []
            for index in 0..<12 { bytes += Wire.parse("s\(index)", "SELECT \(index)") }
            for index in 0..<12 { bytes += Wire.bind("", "s\(index)") + Wire.execute() }
            try client.send(bytes + Wire.sync)
            #expect(try client.results().rows.map { $0[0] } == (0..<12).map { "\($0)" })
            for index in (0..<12).reversed() {
                try client.send(Wire.bind("", "s\(index)") + Wire.execute() + Wire.sync)
                #expect(try client.results().rows == [["\(index)"]])
            }
            let kept = try client.query("SELECT count(*) FROM pg_prepared_statements").rows[0][0]
            #expect(Int(kept ?? "") ?? 99 <= 12)
        }
    }

    @Test("After DDL, who prepares a text again gets a new plan and new types; who holds the old one hears so")
    func afterDefinitions() async throws {
        try await withProxy(size: 1, setup: "CREATE TABLE t (a int)") { proxy in
            let client = try proxy.wire()
            let other = try proxy.wire()
            func run(_ client: WireClient, _ name: String) throws -> ErrorFields? {
                try client.send(Wire.bind("", name) + Wire.execute() + Wire.sync)
                return try client.results().error
            }
            for each in [client, other] {
                try each.send(Wire.parse("s1", "SELECT * FROM t") + Wire.sync)
                #expect(try each.results().error == nil)
            }
            #expect(try run(client, "s1") == nil)
            _ = try client.query("ALTER TABLE t ALTER a TYPE text")
            #expect(try run(client, "s1")?.code == "0A000")
            try client.send(Wire.close("S", "s1") + Wire.parse("s1", "SELECT * FROM t") + Wire.sync)
            #expect(try client.results().error == nil)
            #expect(try run(client, "s1") == nil)
            #expect(try run(other, "s1")?.code == "0A000")
        }
    }

    @Test(
        "The unnamed statement outlives set_config, and SQL's PREPARE is seen by EXECUTE",
        arguments: [Database.Pool.Mode.transaction, .session])
    func unnamedAndSettings(_ mode: Database.Pool.Mode) async throws {
        try await withProxy(mode: mode) { proxy in
            let client = try proxy.wire()
            try client.send(Wire.parse("", "SELECT $1::int") + Wire.sync)
            _ = try client.results()
            try client.send(
                Wire.parse("i", "SELECT set_config('jit', 'off', false)") + Wire.bind("", "i") + Wire.execute()
                    + Wire.sync)
            _ = try client.results()
            try client.send(Wire.bind("", "", ["7"]) + Wire.execute() + Wire.sync)
            #expect(try client.results().rows == [["7"]])
            _ = try client.query("PREPARE test AS SELECT 1 AS a")
            try client.send(Wire.parse("", "EXECUTE test") + Wire.sync)
            _ = try client.results()
            try client.send(Wire.describe("S") + Wire.sync)
            #expect(try client.results().messages.map(\.tag) == ["t", "T", "Z"])
        }
    }

    @Test("Session mode: BackendKeyData has the process that pg_backend_pid() shows, and it cancels")
    func processNumber() async throws {
        try await withProxy(mode: .session) { proxy in
            let client = try proxy.wire()
            let key = try #require(client.key)
            #expect(try client.query("SELECT pg_backend_pid()").rows == [["\(key.processID)"]])
            try client.send(Wire.query("SELECT pg_sleep(60)"))
            let watch = try await proxy.database.connect()
            try await eventually("it runs") {
                try await watch.query(
                    "SELECT 1 FROM pg_stat_activity WHERE pid = \(key.processID) AND wait_event = 'PgSleep'"
                ).count == 1
            }
            await watch.close()
            try WireClient(port: proxy.port).send(key.cancelRequest)
            #expect(try client.results().error?.code == "57014")
        }
    }

    @Test("A statement that was described is not run with other result types on a server that did not have it")
    func describedStatements() async throws {
        let setup = "CREATE TABLE t (a int); INSERT INTO t VALUES (1); CREATE TABLE u (b int)"
        try await withProxy(size: 2, setup: setup) { proxy in
            let client = try proxy.wire()
            try client.send(
                Wire.parse("s", "SELECT * FROM t") + Wire.describe("S", "s") + Wire.parse("u", "SELECT * FROM u")
                    + Wire.describe("S", "u") + Wire.sync)
            #expect(try client.results().error == nil)
            let ddl = try proxy.wire()
            _ = try ddl.query("ALTER TABLE t ALTER a TYPE text")
            // The server that has the statements is taken: the other one does not have them.
            let holder = try proxy.wire()
            try holder.holdServer()
            func run(_ name: String) throws -> (rows: [[String?]], error: ErrorFields?, status: String?) {
                try client.send(Wire.bind("", name) + Wire.execute() + Wire.sync)
                let result = try client.results()
                return (result.rows, result.error, result.messages.last?.text)
            }
            let first = try run("s")
            #expect(first.error?.code == "0A000")
            #expect(first.error?.message == "cached plan must not change result type")
            #expect(first.rows.isEmpty && first.status == "I")
            #expect(try run("u").error == nil)
            // Within a transaction it fails with it, as with PostgreSQL.
            _ = try client.query("BEGIN")
            #expect(try run("u").status == "T")
            let second = try run("s")
            #expect(second.error?.code == "0A000" && second.status == "E")
            #expect(try run("u").error?.code == "25P02")
            #expect(try client.query("ROLLBACK").tags == ["ROLLBACK"])
            // A pipeline: what comes before is answered, what comes behind is skipped to its Sync.
            let one = Wire.bind("", "u") + Wire.execute()
            try client.send(one + Wire.sync + Wire.bind("", "s") + Wire.execute() + one + Wire.sync + one + Wire.sync)
            #expect(try client.results().messages.map(\.tag) == ["2", "C", "Z"])
            #expect(try client.results().messages.map(\.tag) == ["E", "Z"])
            #expect(try client.results().messages.map(\.tag) == ["2", "C", "Z"])
            try client.send(
                Wire.close("S", "s") + Wire.parse("s", "SELECT * FROM t") + Wire.describe("S", "s") + Wire.sync)
            _ = try client.results()
            #expect(try run("s").rows == [["1"]])
            _ = try holder.query("COMMIT")
        }
    }

    @Test(
        "What the server skips behind an error has not been done: neither Parse nor Close, nor a simple query",
        arguments: [Database.Pool.Mode.transaction, .session])
    func skipped(mode: Database.Pool.Mode) async throws {
        try await withProxy(size: 1, mode: mode) { proxy in
            let client = try proxy.wire()
            func tags(_ bytes: [UInt8]) throws -> String {
                try client.send(bytes)
                return try String(client.results().messages.map(\.tag))
            }
            // A Close behind an error.
            #expect(
                try tags(
                    Wire.parse("", "SELECT 1") + Wire.bind("c1") + Wire.parse("s1", "SELECT 2") + Wire.bind("c1")
                        + Wire.close("S", "s1") + Wire.sync) == "121EZ")
            #expect(try tags(Wire.describe("S", "s1") + Wire.sync) == "tTZ")
            // A Parse behind an error, and the next batch in the same packet.
            try client.send(
                Wire.parse("", "SELECT 1") + Wire.execute("none") + Wire.parse("s2", "SELECT 3") + Wire.sync
                    + Wire.describe("S", "s2") + Wire.sync + Wire.parse("s2", "SELECT 4") + Wire.bind("", "s2")
                    + Wire.execute() + Wire.sync)
            #expect(try String(client.results().messages.map(\.tag)) == "1EZ")
            let unknown = try client.results()
            #expect(unknown.error?.message == "prepared statement \"s2\" does not exist")
            #expect(try client.results().rows == [["4"]])
            // A simple query behind one, too: there is no ReadyForQuery for it.
            #expect(
                try tags(
                    Wire.bind("", "none") + Wire.flush + Wire.query("SELECT 5") + Wire.close("S", "s1") + Wire.sync)
                    == "EZ")
            #expect(try tags(Wire.parse("s1", "SELECT 6") + Wire.sync) == "EZ")
            #expect(try tags(Wire.close("S", "s1") + Wire.parse("s1", "SELECT 6") + Wire.sync) == "31Z")
            #expect(try client.query("SELECT 'end'").rows == [["end"]])
        }
    }

    @Test(
        "Batches in parts, with errors, leave the answers in step with the questions",
        arguments: [Database.Pool.Mode.transaction, .session])
    func partsAndErrors(mode: Database.Pool.Mode) async throws {
        try await withProxy(size: 1, mode: mode) { proxy in
            let client = try proxy.wire()
            try client.send(Wire.parse("", "DEALLOCATE s0") + Wire.flush)
            _ = try client.receive(through: "1")
            try client.send(Wire.describe("P") + Wire.execute() + Wire.flush)
            _ = try client.receive(through: "E")
            try client.send(Wire.sync)
            #expect(try client.results().messages.map(\.tag) == ["Z"])
            #expect(try client.query("ROLLBACK").messages.map(\.tag) == ["N", "C", "Z"])
            for text in ["CLOSE ALL", "SELECT set_config('jit', 'off', false)", "SELECT current_user <> session_user"] {
                try client.send(
                    Wire.parse("s1", text) + Wire.bind("", "s1") + Wire.execute() + Wire.flush)
                _ = try client.receive(through: "C")
                try client.send(Wire.sync + Wire.query("ROLLBACK") + Wire.query("SELECT 'end'"))
                #expect(try client.results().messages.map(\.tag) == ["Z"])
                #expect(try client.results().messages.map(\.tag) == ["N", "C", "Z"])
                #expect(try client.results().rows == [["end"]])
                try client.send(Wire.close("S", "s1") + Wire.sync)
                _ = try client.results()
            }
        }
    }

    @Test("In a transaction that has failed nothing is prepared, though the server has it")
    func failedParseAgain() async throws {
        try await withProxy(size: 1) { proxy in
            let client = try proxy.wire()
            _ = try client.query("BEGIN")
            try client.send(Wire.parse("s1", "SELECT 1") + Wire.sync)
            _ = try client.results()
            _ = try client.query("SELECT 1/0")
            try client.send(Wire.close("S", "s1") + Wire.parse("s1", "SELECT 1") + Wire.sync)
            let result = try client.results()
            #expect(result.messages.map(\.tag) == ["3", "E", "Z"] && result.error?.code == "25P02")
            _ = try client.query("ROLLBACK")
            try client.send(Wire.parse("s1", "SELECT 1") + Wire.bind("", "s1") + Wire.execute() + Wire.sync)
            #expect(try client.results().rows == [["1"]])
        }
    }

    @Test("Errors name statements as their client does")
    func namesInErrors() async throws {
        try await withProxy { proxy in
            let client = try proxy.wire()
            try client.send(Wire.parse("mine", "SELECT 1") + Wire.bind("", "mine", ["1"]) + Wire.execute() + Wire.sync)
            let error = try client.results().error
            #expect(error?.code == "08P01")
            #expect(
                error?.message == "bind message supplies 1 parameters, but prepared statement \"mine\" requires 0")
        }
    }

    @Test("Describe within a transaction that failed says 25P02, as PostgreSQL does")
    func failedTransaction() async throws {
        try await withProxy { proxy in
            let client = try proxy.wire()
            try client.send(Wire.parse("d", "SELECT 1") + Wire.sync)
            _ = try client.results()
            _ = try client.query("BEGIN")
            #expect(try client.query("SELECT 1/0").messages.last?.text == "E")
            try client.send(Wire.bind("", "d") + Wire.execute() + Wire.sync)
            #expect(try client.results().error?.code == "25P02")
            #expect(try client.query("ROLLBACK").tags == ["ROLLBACK"])
            try client.send(Wire.bind("", "d") + Wire.execute() + Wire.sync)
            #expect(try client.results().rows == [["1"]])
        }
    }
}
