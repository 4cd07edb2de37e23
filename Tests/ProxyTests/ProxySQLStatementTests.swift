import Planning
import PostgresDriver
import PostgresWire
import TestSupport
import Testing

@testable import Proxy

/// Statements that SQL names: PREPARE, EXECUTE, DEALLOCATE, with those of the protocol and without.
@Suite("Proxy: statements named in SQL")
struct ProxySQLStatementTests {
    typealias Wire = WireClient

    @Test("DEALLOCATE ALL and DISCARD ALL end the protocol's statements as well; DEALLOCATE of one; EXECUTE of one")
    func sqlAndProtocol() async throws {
        try await withProxy(size: 2) { proxy in
            let client = try proxy.wire()
            try client.send(Wire.parse("p", "SELECT 5") + Wire.sync)
            _ = try client.results()
            #expect(try client.query("EXECUTE p").rows == [["5"]])
            #expect(try client.query("DEALLOCATE p").tags == ["DEALLOCATE"])
            try client.send(Wire.bind("", "p") + Wire.sync)
            #expect(try client.results().error?.code == "26000")
            for end in ["DEALLOCATE ALL", "DISCARD ALL"] {
                try client.send(Wire.parse("q", "SELECT 6") + Wire.sync)
                #expect(try client.results().error == nil)
                #expect(try client.query(end).error == nil)
                try client.send(Wire.bind("", "q") + Wire.sync)
                #expect(try client.results().error?.code == "26000")
            }
            #expect(try client.query("DEALLOCATE nobody").error?.code == "26000")
        }
    }

    @Test("SQL's PREPARE, EXECUTE and DEALLOCATE, with two clients that use the same name on one server")
    func sqlLevel() async throws {
        // With one server for both, neither can keep it.
        try await withProxy(size: 1) { proxy in
            let first = try proxy.wire()
            let second = try proxy.wire()
            #expect(try first.query("PREPARE s (int) AS SELECT $1 + 1").tags == ["PREPARE"])
            #expect(try second.query("PREPARE s (int) AS SELECT $1 + 100").tags == ["PREPARE"])
            for _ in 0..<3 {
                #expect(try first.query("EXECUTE s(1)").rows == [["2"]])
                #expect(try second.query("EXECUTE s(1)").rows == [["101"]])
            }
            let taken = try first.query("PREPARE s AS SELECT 1").error
            #expect(taken?.code == "42P05" && taken?.message == "prepared statement \"s\" already exists")
            #expect(try first.query("DEALLOCATE s").tags == ["DEALLOCATE"])
            #expect(try first.query("EXECUTE s(1)").error?.code == "26000")
            #expect(try second.query("EXECUTE s(1)").rows == [["101"]])
        }
    }

    @Test("What SQL's PREPARE has made: in transactions, with comments and types of every kind, wherever it is run")
    func sqlLevelForms() async throws {
        let ddl = "CREATE TYPE mood AS ENUM ('sad', 'fine'); CREATE TABLE t (a int, m mood)"
        try await withProxy(size: 1, setup: ddl) { proxy in
            let client = try proxy.wire()
            let other = try proxy.wire()
            func tags(_ sql: String) throws -> [String] {
                // Another client has the server in between.
                _ = try other.query("SELECT 1")
                let result = try client.query(sql)
                #expect(result.error == nil, "\(sql)")
                return result.tags
            }
            _ = try tags(
                "/* a */ PREPARE \"A s\" (numeric(10, 2), mood) /* AS */ AS -- all\n INSERT INTO t VALUES ($1, $2);")
            #expect(try tags("BEGIN; PREPARE b AS SELECT a FROM t WHERE m = $1 ORDER BY a") == ["BEGIN", "PREPARE"])
            #expect(try client.query("EXECUTE b('fine')").rows == [])
            _ = try client.query("COMMIT")
            #expect(try tags("EXECUTE \"A s\" (7.2, 'fine')") == ["INSERT 0 1"])
            _ = try tags("CREATE TABLE made AS EXECUTE b('fine')")
            _ = try other.query("SELECT 1")
            #expect(try client.query("TABLE made").rows == [["7"]])
            _ = try other.query("SELECT 1")
            #expect(try client.query("EXPLAIN (COSTS off) EXECUTE b('sad')").rows.count > 1)
            try client.send(Wire.describe("S", "b") + Wire.bind("", "b", ["fine"]) + Wire.execute() + Wire.sync)
            let described = try client.results()
            #expect(described.messages.map(\.tag) == ["t", "T", "2", "D", "C", "Z"] && described.rows == [["7"]])
            // A name that is free again within a text.
            #expect(try tags("DEALLOCATE b; PREPARE b AS SELECT 2") == ["DEALLOCATE", "PREPARE"])
            #expect(try client.query("EXECUTE b").rows == [["2"]])
            #expect(try tags("DEALLOCATE ALL; PREPARE b AS SELECT 4; EXECUTE b").last == "SELECT 1")
            _ = try other.query("SELECT 1")
            #expect(try client.query("EXECUTE b").rows == [["4"]])
            _ = try tags("DEALLOCATE ALL")
            #expect(try client.query("EXECUTE b").error?.code == "26000")
            _ = try tags("PREPARE b AS SELECT 3")
            _ = try tags("DISCARD ALL")
            #expect(try client.query("EXECUTE b").error?.code == "26000")
            // It failed, so there is none.
            #expect(try client.query("BEGIN; PREPARE c AS SELECT 1; SELECT 1 / 0").error?.code == "22012")
            _ = try client.query("ROLLBACK")
            // PostgreSQL's PREPARE is not undone by ROLLBACK.
            #expect(try client.query("EXECUTE c").rows == [["1"]])
        }
    }

    @Test("EXECUTE and DEALLOCATE of the protocol's statements, through the extended protocol as well")
    func executeExtended() async throws {
        try await withProxy { proxy in
            let client = try proxy.wire()
            try client.send(Wire.parse("p", "SELECT 5") + Wire.sync)
            _ = try client.results()
            func run(_ sql: String) throws -> (rows: [[String?]], error: ErrorFields?, tags: [String]) {
                try client.send(Wire.parse("", sql) + Wire.bind() + Wire.execute() + Wire.sync)
                let result = try client.results()
                return (result.rows, result.error, result.tags)
            }
            #expect(try run("EXECUTE p").rows == [["5"]])
            #expect(try run("DEALLOCATE p").tags == ["DEALLOCATE"])
            #expect(try run("EXECUTE p").error?.message == "prepared statement \"p\" does not exist")
            try client.send(Wire.parse("q", "SELECT 6") + Wire.sync)
            _ = try client.results()
            #expect(try run("DEALLOCATE ALL").error == nil)
            try client.send(Wire.bind("", "q") + Wire.sync)
            #expect(try client.results().error?.code == "26000")
        }
    }

    @Test("EXECUTE that is parsed under a name and described before it is run")
    func executeByParts() async throws {
        try await withProxy(size: 2) { proxy in
            let client = try proxy.wire()
            let other = try proxy.wire()
            try client.send(Wire.parse("foobar", "SELECT 1 AS a") + Wire.describe("S", "foobar") + Wire.flush)
            _ = try client.receive(through: "T")
            try client.send(Wire.sync)
            _ = try client.results()
            try client.send(Wire.parse("e1", "EXECUTE foobar") + Wire.describe("S", "e1") + Wire.flush)
            #expect(try client.receive(through: "T").map(\.tag) == ["1", "t", "T"])
            try client.send(Wire.bind("", "e1") + Wire.execute() + Wire.sync)
            #expect(try client.results().rows == [["1"]])
            // On another server as well, and for another client of the same names.
            try other.send(Wire.parse("foobar", "SELECT 2 AS a") + Wire.parse("e1", "EXECUTE foobar") + Wire.sync)
            _ = try other.results()
            for round in 0..<4 {
                let holder = try proxy.wire()
                if round % 2 == 0 { try holder.holdServer() }
                for (each, value) in [(client, "1"), (other, "2")] {
                    try each.send(Wire.bind("", "e1") + Wire.execute() + Wire.sync)
                    #expect(try each.results().rows == [[value]])
                }
                if round % 2 == 0 { _ = try holder.query("COMMIT") }
            }
            try client.send(Wire.parse("d", "DEALLOCATE foobar") + Wire.describe("S", "d") + Wire.sync)
            #expect(try client.results().error == nil)
            try client.send(Wire.bind("", "foobar") + Wire.execute() + Wire.sync)
            #expect(try client.results().rows == [["1"]])
            try client.send(Wire.bind("", "d") + Wire.execute() + Wire.sync)
            #expect(try client.results().tags == ["DEALLOCATE"])
            try client.send(Wire.bind("", "foobar") + Wire.execute() + Wire.sync)
            #expect(try client.results().error?.code == "26000")
        }
    }

    @Test("What SQL's PREPARE has made keeps its server where it is too much to be asked for")
    func large() async throws {
        try await withProxy(size: 2) { proxy in
            let client = try proxy.wire()
            let other = try proxy.wire()
            let filler = String(repeating: " ", count: 600_000)
            // Each has all of the text, which is more than 1 MiB twice.
            let made = try client.query("PREPARE a AS SELECT 1;\(filler)PREPARE b AS SELECT 2")
            #expect(made.tags == ["PREPARE", "PREPARE"])
            _ = try other.query("BEGIN; SELECT 1")
            #expect(try client.query("EXECUTE a").rows == [["1"]])
            #expect(try client.query("SELECT count(*) FROM pg_prepared_statements WHERE from_sql").rows == [["2"]])
            // Less is left, and goes anywhere.
            #expect(try client.query("DEALLOCATE a").tags == ["DEALLOCATE"])
            #expect(try client.query("SELECT count(*) FROM pg_prepared_statements WHERE from_sql").rows == [["0"]])
            #expect(try client.query("EXECUTE b").rows == [["2"]])
        }
    }

    @Test("One whose table is gone: EXECUTE fails with one error, DEALLOCATE and a second PREPARE do as ever")
    func gone() async throws {
        try await withProxy(size: 2, setup: "CREATE TABLE gone (a int)") { proxy in
            let client = try proxy.wire()
            for name in ["p", "q", "r"] {
                #expect(try client.query("PREPARE \(name) AS SELECT a FROM gone").tags == ["PREPARE"])
            }
            #expect(try client.query("DROP TABLE gone").error == nil)
            func answer(_ sql: String) throws -> [String] {
                try client.query(sql).messages.compactMap {
                    $0.error?.message ?? ($0.tag == "C" ? nil : String($0.tag))
                }
            }
            let missing = "relation \"gone\" does not exist"
            #expect(try answer("EXECUTE p") == [missing, "Z"])
            // PostgreSQL gives no position either.
            #expect(try client.query("EXECUTE p").error?.others.contains { $0.type == UInt8(ascii: "P") } == false)
            #expect(try answer("SELECT 1; EXECUTE p").suffix(2) == [missing, "Z"])
            #expect(try client.query("SELECT 7").rows == [["7"]])
            #expect(try answer("BEGIN; EXECUTE p").suffix(2) == [missing, "Z"])
            #expect(try answer("BEGIN").last == "Z")
            #expect(try answer("EXECUTE p") == [missing, "Z"])
            #expect(try client.query("SELECT 7").error?.code == "25P02")
            #expect(try client.query("ROLLBACK").tags == ["ROLLBACK"])
            #expect(try answer("PREPARE p AS SELECT 1") == ["prepared statement \"p\" already exists", "Z"])
            #expect(try client.query("DEALLOCATE p").tags == ["DEALLOCATE"])
            #expect(try answer("EXECUTE p") == ["prepared statement \"p\" does not exist", "Z"])
            // By the extended protocol.
            func extended(_ sql: String) throws -> [String] {
                try client.send(Wire.parse("", sql) + Wire.bind() + Wire.execute() + Wire.sync)
                return try client.results().messages.map { $0.error?.message ?? String($0.tag) }
            }
            #expect(
                try extended("PREPARE q AS SELECT 1").suffix(2) == ["prepared statement \"q\" already exists", "Z"])
            #expect(try extended("EXECUTE q") == [missing, "Z"])
            #expect(try extended("DEALLOCATE q") == ["1", "2", "C", "Z"])
            #expect(try extended("EXECUTE q").suffix(2) == ["prepared statement \"q\" does not exist", "Z"])
            // The name was on servers for something else meanwhile.
            #expect(try client.query("PREPARE r AS SELECT 1").error?.code == "42P05")
            #expect(try client.query("CREATE TABLE gone (a int); INSERT INTO gone VALUES (3)").error == nil)
            #expect(try client.query("EXECUTE r").rows == [["3"]])
        }
    }

    @Test("EXECUTE asks the server for nothing else, and nor does DEALLOCATE")
    func quiet() async throws {
        try await withProxy(size: 1, setup: "CREATE TABLE t (a int)") { proxy in
            let client = try proxy.wire()
            let watcher = try await proxy.database.connect()
            let sql = "SELECT query FROM pg_stat_activity WHERE pid = $1"
            let process = try #require(try client.query("SELECT pg_backend_pid()").rows.first?.first ?? nil)
            _ = try client.query("PREPARE p AS INSERT INTO t VALUES (1)")
            for text in ["EXECUTE", "DEALLOCATE"] {
                #expect(try client.query("\(text) p").error == nil)
                let last = try await watcher.query(sql, [.text(process)]).only().string(0)
                #expect(last.hasPrefix(text))
            }
            await watcher.close()
        }
    }

    @Test("A text in another encoding than UTF-8 is left as it is")
    func encoding() async throws {
        try await withProxy(size: 2) { proxy in
            let client = try proxy.wire()
            _ = try client.query("SET client_encoding = LATIN1")
            try client.send(
                Wire.message("Q", Array("PREPARE a AS SELECT ascii('".utf8) + [0xE4] + Array("')".utf8) + [0]))
            #expect(try client.results().tags == ["PREPARE"])
            #expect(try client.query("EXECUTE a").rows == [["228"]])
        }
    }
}
