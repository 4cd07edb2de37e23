import Planning
import PostgresDriver
import Synchronization
import TestSupport
import Testing

@testable import Engine

/// `strata split diff` of tables that never stand still, whatever their key is.
@Suite("Split: diff")
struct SplitDiffTests {
    private static let setup = """
        CREATE SCHEMA audit;
        CREATE TABLE audit.codes (code text PRIMARY KEY, n int NOT NULL);
        INSERT INTO audit.codes SELECT 'ä' || n || 'Z', 0 FROM generate_series(1, 2000) n;
        CREATE TABLE audit.counters (id int PRIMARY KEY, n int NOT NULL); INSERT INTO audit.counters VALUES (1, 0), (2, 0);
        CREATE TABLE audit.log (line text); ALTER TABLE audit.log REPLICA IDENTITY FULL;
        """
    private static let layout = """
        strata: 1
        databases: { main: { url: "postgresql:///main" }, archive: { url: "postgresql:///archive" } }
        schemas: { audit: { database: archive, tables: [codes, counters, log] } }
        """
    private static let writes = """
        UPDATE audit.counters SET n = n + 1; UPDATE audit.codes SET n = n + 1 WHERE code IN ('ä1Z', 'ä2Z', 'ä3Z');
        INSERT INTO audit.log VALUES ('a line');
        """

    private final class Flag: Sendable {
        private let state = Mutex(false)
        var isSet: Bool { state.withLock { $0 } }
        func set() { state.withLock { $0 = true } }
    }

    private static func keepWriting(_ database: TestDatabase, until stop: Flag) async throws {
        let connection = try await database.connect()
        while !stop.isSet { try await connection.execute(writes) }
        await connection.close()
    }

    private static func compare(
        _ diff: SplitDiff, while database: TestDatabase
    ) async throws -> SplitDiffReport {
        let stop = Flag()
        async let writer: Void = keepWriting(database, until: stop)
        do {
            let report = try await diff.run()
            stop.set()
            try await writer
            return report
        } catch {
            stop.set()
            throw error
        }
    }

    @Test("Counters, text keys and tables without one are compared while they are written to all the time")
    func neverStill() async throws {
        try await withFollowed(Self.setup, Self.layout) { main, other in try await check(main, other) }
    }

    private func check(_ main: TestDatabase, _ other: TestDatabase) async throws {
        let diff = SplitDiff("audit", source: main.settings, target: other.settings, rangeRows: 100)
        let busy = try await Self.compare(diff, while: main)
        #expect(busy.tables.map(\.outcome) == [.equal, .equal, .equal], "\(busy)")
        #expect(busy.tables.map(\.method) == [.keyBuckets, .keyRanges, .wholeTable])
        #expect(busy.tables.first?.rows == 2_000)
        // What is still on its way would write over what is made wrong here.
        try await SplitSite.with(main.settings, other.settings) { site in
            let record = try #require(try await SplitLedger(site.source).open("audit"))
            try await SplitStreams(record: record, source: site.source, target: site.target).catchUp { _ in }
        }
        try await other.execute(
            """
            SET session_replication_role = replica;
            UPDATE audit.codes SET n = -1 WHERE code IN ('ä1Z', 'ä1500Z'); DELETE FROM audit.codes WHERE code = 'ä7Z';
            UPDATE audit.counters SET n = -1 WHERE id = 2; INSERT INTO audit.log VALUES ('another');
            """)
        let found = try await diff.run()
        #expect(found.tables.map(\.outcome) == [.differs, .differs, .differs], "\(found)")
        #expect(found.tables.map(\.differing) == [3, 1, 1])
        #expect(found.tables.first?.examples == [["ä1500Z"], ["ä1Z"], ["ä7Z"]])
    }

    private static let lines = """
        CREATE SCHEMA audit;
        CREATE TABLE audit.lines (page bigint, line int, note text, PRIMARY KEY (page, line));
        INSERT INTO audit.lines SELECT n / 3, n % 3, 'note ' || n FROM generate_series(0, 59999) n;
        ANALYZE audit.lines;
        """
    private static let linesLayout = """
        strata: 1
        databases: { main: { url: "postgresql:///main" }, archive: { url: "postgresql:///archive" } }
        schemas: { audit: { database: archive, tables: [lines] } }
        """

    @Test("A key of several columns: the server sees how few rows a range has, and each row that differs is found")
    func severalColumns() async throws {
        try await withFollowed(Self.lines, Self.linesLayout) { main, other in
            let connection = try await main.connect()
            let oid = try await connection.query("SELECT 'audit.lines'::regclass::oid AS oid").only().uint32("oid")
            let key = try #require(try await SplitDiffTable.keys(in: "audit", connection)[oid])
            let table = SplitDiffTable(oid: oid, name: "audit.lines", columns: ["page", "line", "note"], key: key)
            let plan = try await connection.query(
                "EXPLAIN " + table.sum(isFirst: false, isLast: false),
                [.text("10000"), .text("1"), .text("10100"), .text("1")]
            ).map { try $0.optionalString(0) ?? "" }
            await connection.close()
            // 300 rows; by the whole key alone the server expects a ninth of the table, 6,667.
            let expected = plan.compactMap { line in
                line.firstMatch(of: /rows=([0-9]+)/).flatMap { Int($0.1) }
            }
            let most = try #require(expected.max())
            #expect(most < 1_000, "\(plan)")

            let diff = SplitDiff("audit", source: main.settings, target: other.settings, rangeRows: 100)
            let same = try await diff.run()
            #expect(same.isClean && same.tables.map(\.rows) == [60_000], "\(same)")
            // The first and the last row, both sides of a border between ranges, one that is missing, one too many.
            try await other.execute(
                """
                SET session_replication_role = replica;
                UPDATE audit.lines SET note = 'another' WHERE (page, line) IN ((0, 0), (19999, 2), (33, 0), (33, 1));
                DELETE FROM audit.lines WHERE (page, line) = (500, 2); INSERT INTO audit.lines VALUES (700, 3, 'one too many');
                """)
            let found = try #require(try await diff.run().tables.first)
            #expect(found.method == .keyRanges && found.outcome == .differs && found.differing == 6, "\(found)")
            #expect(
                Set(found.examples).isSubset(of: [
                    ["0", "0"], ["33", "0"], ["33", "1"], ["500", "2"], ["700", "3"],
                ]))
        }
    }

    @Test("Cut off, a comparison goes on behind the ranges that it has done, and forgets nothing of them")
    func cutOff() async throws {
        try await withFollowed(Self.lines, Self.linesLayout) { main, other in
            try await other.execute(
                """
                SET session_replication_role = replica; UPDATE audit.lines SET note = 'another' WHERE (page, line) IN ((1, 1), (19000, 1))
                """)
            let task = Mutex<Task<SplitDiffReport, any Error>?>(nil)
            let first = SplitDiff(
                "audit", source: main.settings, target: other.settings, rangeRows: 100, saveInterval: .zero
            ) { _, rows in
                if rows >= 20_000 { task.withLock { $0?.cancel() } }
            }
            let running = Task { try await first.run() }
            task.withLock { $0 = running }
            await #expect(throws: (any Error).self) { try await running.value }
            let begun = Mutex<Int?>(nil)
            let second = SplitDiff("audit", source: main.settings, target: other.settings, rangeRows: 100) { _, rows in
                begun.withLock { $0 = $0 ?? rows }
            }
            let found = try #require(try await second.run().tables.first)
            #expect(found.rows == 60_000 && found.differing == 2, "\(found)")
            #expect(found.examples == [["1", "1"], ["19000", "1"]])
            #expect(try #require(begun.withLock { $0 }) >= 20_000)
            // Finished, it begins anew.
            #expect(try await first.run().tables.first?.differing == 2)
        }
    }
}
