import Foundation
import Planning
import Testing

@Suite struct VerificationTextTests {
    private var clean: Verification {
        var verification = Verification(database: "shop", server: 15)
        verification.figures.runs = 1
        verification.figures.placed = 38
        verification.figures.compared = 12
        verification.figures.tables = 12
        verification.figures.rows = 12_345
        verification.figures.constraints = 40
        verification.figures.foreignKeys = 15
        verification.figures.indexes = 41
        verification.figures.sequences = 8
        verification.figures.grants = 60
        verification.figures.functions = 9
        verification.figures.shims = 12
        verification.figures.shimsWithRow = 10
        verification.figures.shimsWithoutRow = 2
        verification.add(.init(.passed, .placement, "placed", "shop", "38 objects are where the layout says"))
        verification.add(.init(.passed, .objects, "same-object", "sales.orders", "the same table as before run 1"))
        verification.add(.init(.passed, .constraints, "valid", "shop", "valid"))
        verification.add(.init(.passed, .functions, "resolved", "shop", "9 function bodies read"))
        verification.add(.init(.passed, .shims, "shim-works", "public.orders", "SELECT, UPDATE, DELETE, INSERT"))
        verification.add(.init(.passed, .rows, "estimated", "shop", "about 12,345 rows"))
        verification.add(.init(.passed, .access, "reachable", "shop", "reachable"))
        verification.unplaced = ["table public.aside"]
        return verification
    }

    private var dirty: Verification {
        var verification = clean
        verification.add(
            .init(
                .difference, .constraints, "index-invalid", "sales.orders_note",
                "index of sales.orders is invalid: writes pay for it, no query uses it",
                nextStep: "unless it is being built right now: REINDEX INDEX CONCURRENTLY sales.orders_note"))
        verification.add(.init(.warning, .objects, "rewritten", "sales.bare", "rewritten since run 1, not by Strata"))
        verification.add(.init(.skipped, .shims, "shim-busy", "public.orders", "a lock did not come free"))
        verification.sort()
        return verification
    }

    @Test func cleanText() {
        #expect(
            VerificationText(style: TextStyle()).render(clean) == """
                Verified database shop on PostgreSQL 15: no difference.
                  ✓ placement    38 objects of the layout
                  ✓ objects      12 objects compared with how they were before the run
                  ✓ constraints  40 constraints, 15 foreign keys among them, and 41 indexes
                  ✓ functions    9 bodies read
                  ✓ shims        12 shims tried: 10 with a real row, 2 on no row
                  ✓ rows         about 12,345 rows in 12 tables
                  ✓ access       owners and callers of 12 tables

                Unplaced (no schema lists them; they stay): table public.aside

                Nothing was lost: 12 tables with about 12,345 rows, 40 constraints, 41 indexes,
                  8 sequences, 60 grants, 9 function bodies and 12 shims.

                """)
    }

    @Test func differencesComeLastWithTheirNextSteps() {
        let text = VerificationText(style: TextStyle()).render(dirty)
        #expect(text.hasPrefix("Verified database shop on PostgreSQL 15: 1 difference, 1 warning.\n"))
        #expect(
            text.contains(
                """
                  ✗ constraints  40 constraints, 15 foreign keys among them, and 41 indexes; 1
                                 difference

                """))
        #expect(
            text.contains(
                """
                Differences:
                  index-invalid  sales.orders_note
                    index of sales.orders is invalid: writes pay for it, no query uses it
                    try: unless it is being built right now: REINDEX INDEX CONCURRENTLY
                         sales.orders_note

                """))
        #expect(text.contains("Warnings:\n  rewritten  sales.bare\n"))
        #expect(text.contains("Not checked:\n  shim-busy  public.orders\n"))
        #expect(!text.contains("Nothing was lost"))
        #expect(!text.contains("same-object"))
        #expect(
            VerificationText(style: TextStyle(), showsPassed: true).render(dirty).contains("same-object  sales.orders"))
    }

    @Test(arguments: [40, 80, 100]) func noLineIsLongerThanTheWidth(width: Int) {
        for verification in [clean, dirty] {
            let text = VerificationText(style: TextStyle(width: width)).render(verification)
            let lines = text.split(separator: "\n")
            #expect(lines.allSatisfy { $0.count <= width || !$0.dropFirst(18).contains(" ") }, "\(text)")
        }
    }

    @Test func nothingToCompareWithIsNotCalledProof() {
        var verification = clean
        verification.figures.compared = 0
        #expect(VerificationText(style: TextStyle()).render(verification).contains("\nNo difference: 12 tables with"))
    }

    @Test func namesCannotSteerTheTerminal() {
        var verification = Verification(database: "a\u{1B}[2J", server: 15)
        verification.add(
            .init(.difference, .objects, "object-gone", "sales.\"x\u{07}\"", "gone\nfor good", nextStep: "look\u{1B}"))
        verification.unplaced = ["table public.\"\u{08}\""]
        let text = VerificationText(style: TextStyle()).render(verification)
        #expect(!text.unicodeScalars.contains { $0.properties.generalCategory == .control && $0 != "\n" })
        #expect(text.contains("gone for good"))
    }

    @Test func jsonSaysWhetherItIsClean() throws {
        let data = try JSONEncoder().encode(dirty)
        struct Outside: Decodable {
            var clean: Bool; var checks: [Check]; struct Check: Decodable { var code: String; var outcome: String }
        }
        let outside = try JSONDecoder().decode(Outside.self, from: data)
        #expect(!outside.clean)
        #expect(outside.checks.contains { $0.code == "index-invalid" && $0.outcome == "difference" })
        #expect(try JSONDecoder().decode(Verification.self, from: data) == dirty)
        #expect(try JSONDecoder().decode(Outside.self, from: JSONEncoder().encode(clean)).clean)
    }

    @Test func checksAreSortedByGroupAndObject() {
        #expect(
            dirty.checks.map(\.group.rawValue)
                == dirty.checks.map(\.group).sorted { left, right in
                    let order = Verification.Check.Group.allCases
                    return (order.firstIndex(of: left) ?? 0) < (order.firstIndex(of: right) ?? 0)
                }.map(\.rawValue))
        #expect(dirty.checks.filter { $0.group == .objects }.map(\.object) == ["sales.bare", "sales.orders"])
    }
}
