import Planning
import PostgresDriver
import PostgresWire
import TestSupport
import Testing

@testable import Proxy

/// What a client sees is what PostgreSQL itself would say, whatever is between.
@Suite("Proxy: protocol")
struct ProxyProtocolTests {
    typealias Wire = WireClient

    @Test("A goodbye: what was asked before is done; a COPY that it leaves open is not, and holds nothing")
    func goodbye() async throws {
        try await withProxy(size: 1, setup: "CREATE TABLE g (a int)") { proxy in
            let leaving = try proxy.wire()
            try leaving.send(Wire.query("INSERT INTO g VALUES (1)") + Wire.message("X"))
            #expect(try leaving.results().tags == ["INSERT 0 1"])
            #expect(try leaving.receive() == nil)
            for isWaiting in [true, false] {
                let copying = try proxy.wire()
                try copying.send(Wire.query("BEGIN; CREATE TABLE h (a int)") + Wire.query("COPY h FROM STDIN"))
                _ = try copying.results()
                if isWaiting { _ = try copying.receive(through: "G") }
                try copying.send(Wire.message("X"))
                // Its server is free for others, and nothing of it is left.
                #expect(try proxy.wire().query("SELECT count(*) FROM g").rows == [["1"]])
                #expect(try proxy.wire().query("CREATE TABLE h (a int); DROP TABLE h").error == nil)
            }
        }
    }

    @Test(
        "A client that goes in the middle of a batch leaves no server behind, and nothing of its work",
        arguments: [Database.Pool.Mode.transaction, .session])
    func goneWithinBatch(mode: Database.Pool.Mode) async throws {
        try await withProxy(size: 2, mode: mode, setup: "CREATE TABLE g (a int)") { proxy in
            let watch = try await proxy.database.connect()
            for text in ["SELECT 1/0", "INSERT INTO g VALUES (1)"] {
                var client: WireClient? = try proxy.wire()
                try client?.send(Wire.parse("", text) + Wire.bind() + Wire.execute() + Wire.flush)
                _ = try client?.receive(through: text.hasPrefix("I") ? "C" : "E")
                client = nil
                try await eventually("no server is in the middle of something") {
                    try await watch.query(
                        """
                        SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%g%'
                        AND pid <> pg_backend_pid() AND application_name <> 'strata proxy'
                        AND (state <> 'idle' OR backend_xid IS NOT NULL)
                        """
                    ).isEmpty
                }
            }
            #expect(try await watch.query("SELECT 1 FROM g").isEmpty)
            try await watch.execute("SET lock_timeout = '5s'; DROP TABLE g")
            await watch.close()
            // Both servers of the pool are there again.
            let one = try proxy.wire()
            let two = try proxy.wire()
            #expect(try one.query("BEGIN; SELECT 1").error == nil)
            #expect(try two.query("BEGIN; SELECT 1").error == nil)
        }
    }

    @Test("A simple query, several statements, an empty one, an error, and a query after it")
    func simple() async throws {
        try await withProxy { proxy in
            let client = try proxy.wire()
            #expect(try client.query("SELECT 1, 'two', NULL").rows == [["1", "two", nil]])
            #expect(try client.query("SELECT 1; SELECT 2").rows == [["1"], ["2"]])
            #expect(try client.query("").messages.map(\.tag) == ["I", "Z"])
            let failed = try client.query("SELECT 1/0")
            #expect(failed.error?.code == "22012")
            #expect(failed.messages.last?.text == "I")
            #expect(try client.query("SELECT 3").rows == [["3"]])
        }
    }

    @Test("Pipelining: several Syncs outstanding, an error in the middle skips only to its Sync")
    func pipeline() async throws {
        try await withProxy { proxy in
            let client = try proxy.wire()
            var bytes: [UInt8] = []
            for text in ["SELECT 1", "SELECT 1/0", "SELECT 3"] {
                bytes += Wire.parse("", text) + Wire.bind() + Wire.execute() + Wire.sync
            }
            try client.send(bytes)
            #expect(try client.results().rows == [["1"]])
            #expect(try client.results().error?.code == "22012")
            #expect(try client.results().rows == [["3"]])
        }
    }

    @Test("Extended and simple messages mixed without Sync, then an error")
    func mixed() async throws {
        try await withProxy { proxy in
            let client = try proxy.wire()
            try client.send(Wire.parse("", "SELECT 1/0") + Wire.bind() + Wire.execute() + Wire.flush)
            #expect(try client.receive(through: "E").map(\.tag) == ["1", "E"])
            // PostgreSQL skips the query as well: only Sync ends it.
            try client.send(Wire.query("SELECT 5") + Wire.sync)
            #expect(try client.results().messages.map(\.tag) == ["Z"])
            #expect(try client.query("SELECT 6").rows == [["6"]])
        }
    }

    @Test("Flush: answers come without Sync, the portal lives until Sync")
    func flush() async throws {
        try await withProxy { proxy in
            let client = try proxy.wire()
            try client.send(Wire.parse("", "SELECT generate_series(1, 3)") + Wire.bind("p") + Wire.flush)
            #expect(try client.receive(through: "2").map(\.tag) == ["1", "2"])
            try client.send(Wire.execute("p") + Wire.flush)
            #expect(try client.receive(through: "C").map(\.tag) == ["D", "D", "D", "C"])
            try client.send(Wire.sync)
            #expect(try client.receive()?.tag == "Z")
        }
    }

    @Test("COPY in and out, an error before CopyDone, one after, and CopyData that comes late")
    func copy() async throws {
        try await withProxy(setup: "CREATE TABLE t (a int)") { proxy in
            let client = try proxy.wire()
            try client.send(Wire.query("COPY t FROM STDIN"))
            #expect(try client.receive()?.tag == "G")
            try client.send(Wire.message("d", Array("1\n2\n".utf8)) + Wire.message("c"))
            #expect(try client.results().tags == ["COPY 2"])
            #expect(try client.query("COPY t TO STDOUT").messages.map(\.tag) == ["H", "d", "d", "c", "C", "Z"])

            try client.send(Wire.query("COPY t FROM STDIN"))
            #expect(try client.receive()?.tag == "G")
            try client.send(Wire.message("d", Array("x\n".utf8)))
            #expect(try client.results().error?.code == "22P02")
            try client.send(Wire.message("d", Array("3\n".utf8)) + Wire.message("c"))
            #expect(try client.query("SELECT count(*) FROM t").rows == [["2"]])

            try client.send(Wire.query("COPY t FROM STDIN"))
            #expect(try client.receive()?.tag == "G")
            try client.send(Wire.message("f", Array("no more\0".utf8)))
            #expect(try client.results().error?.code == "57014")
            #expect(try client.query("SELECT count(*) FROM t").rows == [["2"]])
        }
    }

    @Test("COPY through the extended protocol, with its Sync sent ahead")
    func copyExtended() async throws {
        try await withProxy(setup: "CREATE TABLE t (a int)") { proxy in
            let client = try proxy.wire()
            try client.send(Wire.parse("", "COPY t FROM STDIN") + Wire.bind() + Wire.execute() + Wire.sync)
            #expect(try client.receive(through: "G").map(\.tag) == ["1", "2", "G"])
            try client.send(Wire.message("d", Array("7\n".utf8)) + Wire.message("c") + Wire.sync)
            let result = try client.results()
            #expect(result.tags == ["COPY 1"])
            #expect(try client.query("SELECT a FROM t").rows == [["7"]])
        }
    }

    @Test("Fastpath: a function call, and an error of one")
    func fastpath() async throws {
        try await withProxy { proxy in
            let client = try proxy.wire()
            let oid = try client.query("SELECT 'pg_catalog.reverse(text)'::regprocedure::oid").rows[0][0] ?? "0"
            func call(_ function: Int32) -> [UInt8] {
                Wire.message(
                    "F",
                    Wire.int32(function) + Wire.int16(1) + Wire.int16(0) + Wire.int16(1) + Wire.int32(3)
                        + Array("ABC".utf8) + Wire.int16(0))
            }
            try client.send(call(Int32(oid) ?? 0))
            let answer = try client.receive(through: "Z")
            #expect(answer.map(\.description) == ["V(|||\u{3}CBA)", "Z(I)"])
            try client.send(call(1))
            #expect(try client.results().error?.code == "42883")
            #expect(try client.query("SELECT 1").rows == [["1"]])
        }
    }

    @Test("Statements and parameters larger than what the proxy holds are passed on", arguments: [100_000, 3_000_000])
    func large(_ size: Int) async throws {
        try await withProxy { proxy in
            let client = try proxy.wire()
            let text = String(repeating: "x", count: size)
            #expect(try client.query("SELECT length('\(text)')").rows == [["\(size)"]])
            try client.send(
                Wire.parse("", "SELECT length($1::text)") + Wire.bind("", "", [text]) + Wire.execute() + Wire.sync)
            #expect(try client.results().rows == [["\(size)"]])
            try client.send(
                Wire.parse("named", "SELECT length($1::text)") + Wire.sync + Wire.bind("", "named", [text])
                    + Wire.execute() + Wire.sync)
            #expect(try client.results().error == nil)
            #expect(try client.results().rows == [["\(size)"]])
            #expect(try client.query("SELECT repeat('y', \(size))").rows == [[String(repeating: "y", count: size)]])
            #expect(try client.query("SELECT 1").rows == [["1"]])
        }
    }

    @Test("A client that does not read holds its server, not the proxy's memory, and loses nothing")
    func slowReader() async throws {
        try await withProxy(size: 2) { proxy in
            let slow = try proxy.wire()
            try slow.send(Wire.query("SELECT repeat('z', 1000) FROM generate_series(1, 20000)"))
            let other = try proxy.wire()
            #expect(try other.query("SELECT 1").rows == [["1"]])
            let result = try slow.results()
            #expect(result.rows.count == 20_000)
            #expect(result.rows.allSatisfy { $0[0]?.utf8.count == 1000 })
        }
    }

    @Test("Messages that are none end the session with 08P01, and only that one")
    func violations() async throws {
        try await withProxy { proxy in
            let other = try proxy.wire()
            for bytes: [UInt8] in [
                [UInt8(ascii: "Q"), 0, 0, 0, 3], [UInt8(ascii: "Q"), 0x80, 0, 0, 0], [UInt8(ascii: "!"), 0, 0, 0, 4],
                Wire.message("Q", Array("SELECT 1".utf8)), Wire.message("B", [1, 2, 3]), Wire.message("P", [0]),
            ] {
                let client = try proxy.wire()
                try client.send(bytes + Wire.sync)
                let messages = try client.receive(through: "E")
                #expect(messages.last?.error?.code == "08P01", "\(bytes)")
                #expect(messages.last?.error?.severity == "FATAL")
            }
            #expect(try other.query("SELECT 1").rows == [["1"]])
        }
    }

    @Test("Startup packets: too long, too short, of another protocol, without a user, behind an SSLRequest")
    func startup() async throws {
        try await withProxy { proxy in
            let cases: [([UInt8], String)] = [
                (Wire.int32(10_001) + Wire.int32(196_608), "08P01"), (Wire.int32(7) + [0, 0, 0], "08P01"),
                (Wire.int32(8) + Wire.int32(2 << 16), "08P01"), (Wire.int32(9) + Wire.int32(196_608) + [0], "08P01"),
                (Wire.int32(8) + Wire.int32(80_877_103) + Array("Q".utf8), "08P01"),
            ]
            for (bytes, code) in cases {
                let client = try proxy.wire(login: false)
                try client.send(bytes)
                #expect(try client.receive(through: "E").last?.error?.code == code, "\(bytes)")
                #expect(try client.receive() == nil)
            }
        }
    }

    @Test("3.2 and unknown options are negotiated, GSSAPI and TLS are declined")
    func negotiation() async throws {
        try await withProxy { proxy in
            let client = try proxy.wire(login: false)
            try client.send(Wire.int32(8) + Wire.int32(80_877_104))
            #expect(try client.receiveByte() == UInt8(ascii: "N"))
            try client.send(
                StartupMessage(
                    minorVersion: 9, parameters: [.init("user", proxy.user), .init("database", "main")],
                    protocolOptions: ["_pq_.unknown"]
                ).packet)
            let messages = try client.receive(through: "Z")
            #expect(messages.first?.tag == "v")
            #expect(messages.first?.text.contains("_pq_.unknown") == true)
        }
    }
}
