import Planning
import Testing

/// What of a dump is restored when, and which pages a worker copies.
@Suite("Split: copy")
struct SplitCopyTests {
    private static let list = """
        ;
        ; Archive created at 2026-11-21
        6; 2615 16385 SCHEMA - audit owner
        841; 1247 16387 TYPE audit kind owner
        210; 1259 16394 TABLE audit events some one
        211; 1259 16400 MATERIALIZED VIEW audit sums owner
        3345; 0 0 COMMENT audit TABLE events owner
        3346; 0 0 DEFAULT ACL audit DEFAULT PRIVILEGES FOR TABLES owner
        """
    private static let after = """
        3201; 2606 16412 CONSTRAINT audit events events_pkey owner
        3202; 2606 16420 FK CONSTRAINT audit parts parts_event_fkey owner
        3203; 2606 16421 FK CONSTRAINT audit events crossing some one
        3204; 1259 16422 INDEX audit events_at_idx owner
        3205; 1259 16423 INDEX audit tells_apart owner
        3206; 0 0 INDEX ATTACH audit days_2026_pkey owner
        3207; 2620 16424 TRIGGER audit events stamp owner
        3208; 2620 16425 TRIGGER audit events strata_guard_write owner
        """

    @Test("Kinds of several words, schemas and names are told apart")
    func entries() {
        let entries = DumpEntry.entries(Self.list)
        #expect(entries.map(\.kind) == ["SCHEMA", "TYPE", "TABLE", "MATERIALIZED VIEW", "COMMENT", "DEFAULT ACL"])
        #expect(entries[0].schema == "-" && entries[0].name == "audit")
        #expect(entries[3].schema == "audit" && entries[3].name == "sums")
        #expect(DumpEntry("; comment") == nil && DumpEntry("") == nil && DumpEntry("7; 0 0") == nil)
        #expect(DumpEntry.entries(Self.after)[1].name == "parts parts_event_fkey")
    }

    @Test("Keys and indexes come behind the rows, foreign keys last, those that cross the cut never")
    func order() {
        let order = DumpOrder(
            before: DumpEntry.entries(Self.list), after: DumpEntry.entries(Self.after), identities: ["tells_apart"],
            hasSchema: true, crossing: ["events crossing"])
        #expect(
            order.first.map(\.name) == [
                "kind", "events some", "sums", "TABLE events", "DEFAULT PRIVILEGES FOR TABLES", "tells_apart",
            ])
        #expect(order.afterCopy.map(\.kind) == ["CONSTRAINT", "INDEX", "INDEX ATTACH", "TRIGGER"])
        #expect(order.foreignKeys.map(\.name) == ["parts parts_event_fkey"])
    }

    @Test("Ranges of pages meet, and the last one has no end")
    func ranges() {
        #expect(PageRange.ranges(pages: 0, size: 10).map(\.condition) == [""])
        #expect(PageRange.ranges(pages: 15, size: 10).map(\.condition) == [""])
        let ranges = PageRange.ranges(pages: 34, size: 10)
        #expect(
            ranges.map(\.condition) == [
                "ctid < '(10,0)'::tid", "ctid >= '(10,0)'::tid AND ctid < '(20,0)'::tid", "ctid >= '(20,0)'::tid",
            ])
        for (left, right) in zip(ranges, ranges.dropFirst()) { #expect(left.end == right.first) }
    }

    @Test("A range is a worker's share of all tables, and not smaller than it may be")
    func shares() {
        #expect(PageRange.size(of: [650, 150, 100, 100], workers: 4, least: 16) == 250)
        #expect(PageRange.size(of: [650, 150, 100, 101], workers: 4, least: 16) == 251)
        #expect(PageRange.size(of: [650, 150], workers: 4, least: 300) == 300)
        #expect(PageRange.size(of: [], workers: 0, least: 16) == 16)
    }
}
