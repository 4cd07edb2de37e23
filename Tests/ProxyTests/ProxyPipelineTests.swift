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
