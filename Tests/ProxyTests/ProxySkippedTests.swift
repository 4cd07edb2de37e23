import PostgresWire
import TestSupport
import Testing

@testable import Proxy

/// Statements of the protocol behind errors: what the server skipped has not happened.
@Suite("Proxy: statements behind errors")
struct ProxySkippedTests {
    typealias Wire = WireClient

    /// Sends units of the extended protocol, one after the other; gives the tags of the last one's answers, errors with
    /// their codes.
    private func answers(_ client: WireClient, _ units: [UInt8]...) throws -> [String] {
        var last: [String] = []
        for unit in units {
            try client.send(unit)
            last = try client.receive(through: "Z").map { $0.error.map { "E\($0.code)" } ?? "\($0.tag)" }
        }
        return last
    }

    @Test("A Parse that is skipped behind an error makes no statement, also for what is sent in the same packet")
    func skippedParse() async throws {
        try await withProxy(size: 1) { proxy in
            let client = try proxy.wire()
            try client.send(
                Wire.describe("S", "unknown") + Wire.parse("s1", "SELECT 1") + Wire.sync + Wire.describe("S", "s1")
                    + Wire.sync)
            _ = try client.receive(through: "Z")
            let error = try client.results().error
            #expect(error?.code == "26000" && error?.message == "prepared statement \"s1\" does not exist")
        }
    }

    @Test("An error names the statement as its client does")
    func names() async throws {
        try await withProxy(size: 1) { proxy in
            let client = try proxy.wire()
            try client.send(Wire.parse("s1", "SELECT 1") + Wire.bind("", "s1", ["x"]) + Wire.sync)
            let message = try client.results().error?.message
            #expect(message == "bind message supplies 1 parameters, but prepared statement \"s1\" requires 0")
        }
    }

    @Test("In a failed transaction nothing is prepared, whether the server has it or not")
    func parseInFailedTransaction() async throws {
        try await withProxy(size: 1) { proxy in
            let client = try proxy.wire()
            let parse = Wire.parse("s1", "SELECT 1") + Wire.sync
            let tags = try answers(
                client, parse, Wire.query("BEGIN"), Wire.query("SELECT 1/0"), Wire.close("S", "s1") + parse)
            #expect(tags == ["3", "E25P02", "Z"])
        }
    }

    @Test("A name that was to be taken twice, behind an error, is nobody else's error")
    func strayName() async throws {
        try await withProxy(size: 1) { proxy in
            let (first, second) = (try proxy.wire(), try proxy.wire())
            _ = try answers(
                first, Wire.parse("s1", "SELECT 1") + Wire.sync,
                Wire.describe("S", "unknown") + Wire.parse("s1", "SELECT 2") + Wire.sync)
            let error = try second.query("SELECT 1").error
            #expect(error == nil)
        }
    }
}
