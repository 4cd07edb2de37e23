import PostgresWire
import TestSupport
import Testing

@testable import Proxy

/// Names of statements in pipelines, of which a part fails.
@Suite("Proxy: names in pipelines")
struct ProxyPipelineTests {
    typealias Wire = WireClient

    /// Sends units of the extended protocol, one after the other; gives the tags of the last one's answers, errors with
    /// their codes.
    private func answers(_ client: WireClient, _ units: [UInt8]...) throws -> [String] {
        var last: [String] = []
        for unit in units {
            try client.send(unit)
            last = try client.receive(through: "Z").map { $0.tag == "E" ? "E\($0.error?.code ?? "")" : "\($0.tag)" }
        }
        return last
    }

    @Test("A query behind messages without Sync, all behind an error, leaves nobody waiting")
    func skippedQuery() async throws {
        try await withProxy(size: 2) { proxy in
            let client = try proxy.wire()
            _ = try answers(client, Wire.parse("s1", "SELECT 1") + Wire.sync)
            for _ in 0..<2 {
                try client.send(
                    Wire.parse("s1", "SHOW work_mem") + Wire.describe("S", "s1") + Wire.bind("", "s1")
                        + Wire.execute() + Wire.query("SELECT 5") + Wire.flush + Wire.describe("S", "s1")
                        + Wire.bind("c1", "s1", ["1", "2"]) + Wire.execute("c1") + Wire.sync)
                try client.send(Wire.sync + Wire.close("S", "x") + Wire.sync)
                #expect(try client.results().error?.code == "42P05")
                #expect(try client.results().messages.map(\.tag) == ["Z"])
                #expect(try client.results().messages.map(\.tag) == ["3", "Z"])
            }
        }
    }

    @Test("A name that is taken, a query behind it without Sync, and more behind that: nobody waits")
    func takenName() async throws {
        try await withProxy(size: 2) { proxy in
            let client = try proxy.wire()
            _ = try answers(client, Wire.parse("s0", "SELECT 1") + Wire.sync, Wire.parse("s1", "SELECT 1") + Wire.sync)
            let batch =
                Wire.parse("s0", "SET work_mem = 'nonsense'") + Wire.describe("S", "s0") + Wire.bind("c1", "s0")
                + Wire.execute("c1") + Wire.query("SELECT repeat('x', 11200)") + Wire.bind("", "s1")
                + Wire.describe("P") + Wire.execute() + Wire.close("P", "") + Wire.close("S", "s1") + Wire.sync
            for _ in 0..<3 {
                try client.send(batch + Wire.sync + Wire.close("S", "x") + Wire.sync)
                #expect(try client.results().error?.code == "42P05")
                #expect(try client.results().messages.map(\.tag) == ["Z"])
                #expect(try client.results().messages.map(\.tag) == ["3", "Z"])
            }
            #expect(try answers(client, Wire.bind("", "s1") + Wire.execute() + Wire.sync) == ["2", "D", "C", "Z"])
            // A Parse that fails, and a query that is skipped with it.
            try client.send(Wire.parse("s2", "SELECT 1; SELECT 2") + Wire.query("SELECT 3") + Wire.sync)
            #expect(try client.results().error?.code == "42601")
            #expect(try answers(client, Wire.bind("", "s2") + Wire.sync) == ["E26000", "Z"])
        }
    }

    @Test("What ends all statements and was not done has ended none")
    func undoneDeallocation() async throws {
        try await withProxy(size: 1) { proxy in
            let client = try proxy.wire()
            for text in ["DEALLOCATE ALL", "DISCARD ALL"] {
                _ = try answers(client, Wire.parse("s1", "SELECT 1") + Wire.sync)
                #expect(try client.query("SELECT 1/0; \(text)").error?.code == "22012")
                #expect(try answers(client, Wire.parse("s2", "SELECT 1") + Wire.sync) == ["1", "Z"])
                _ = try client.query("DEALLOCATE ALL")
            }
        }
    }

    @Test("A Close that is skipped behind an error closes nothing")
    func skippedClose() async throws {
        try await withProxy(size: 1) { proxy in
            let client = try proxy.wire()
            let parsed = Wire.parse("s1", "SELECT 1") + Wire.sync
            let failing = Wire.describe("S", "unknown") + Wire.close("S", "s1") + Wire.sync
            let described = try answers(client, parsed, failing, Wire.describe("S", "s1") + Wire.sync)
            #expect(described == ["t", "T", "Z"])
        }
    }

    @Test(
        "A statement is there for the second unit of a pipeline, also when the first one failed before it was prepared")
    func pipelined() async throws {
        try await withProxy(size: 2) { proxy in
            let (client, other) = (try proxy.wire(), try proxy.wire())
            _ = try answers(client, Wire.parse("s1", "SELECT 1") + Wire.sync)
            // The server that has it is taken.
            _ = try other.query("BEGIN; SELECT 1")
            let run = Wire.bind("", "s1") + Wire.execute() + Wire.sync
            try client.send(Wire.describe("S", "unknown") + run + run)
            _ = try client.receive(through: "Z")
            let rows = try client.results().rows
            #expect(rows == [["1"]])
        }
    }
}
