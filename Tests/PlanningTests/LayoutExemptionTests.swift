import Testing

@testable import Planning

@Suite("Layout: exemptions of a split")
struct LayoutExemptionTests {
    static let head = "strata: 1\nexemptions:\n"
    private static let rest = "reason: r, until: 2027-01-31"
    private static let print = "fingerprint: 4f2a60c1d09e7b35"

    @Test("An exemption has a fingerprint, a reason and a last day")
    func decoded() throws {
        let layout = try layout(
            Self.head
                + "  - { fingerprint: 4f2a60c1d09e7b35, reason: \"report, goes with PROJ-12\", until: 2027-01-31 }\n"
                + "  - { fingerprint: 1234567890123456, reason: digits alone, until: 2028-02-29 }\n")
        #expect(layout.exemptions.map(\.fingerprint) == ["4f2a60c1d09e7b35", "1234567890123456"])
        #expect(layout.exemptions.first?.reason == "report, goes with PROJ-12")
        #expect(layout.exemptions.map(\.until.description) == ["2027-01-31", "2028-02-29"])
        #expect(layout.exemptions.first?.place.line == 3)
    }

    static let complaints: [LayoutComplaint] = [
        .init("no fingerprint", head + "  - { \(rest) }", "missing-key", 3, 5, "an exemption needs `fingerprint`"),
        .init("no reason", head + "  - { \(print), until: 2027-01-31 }", "missing-key", 3, 5, "needs `reason`"),
        .init("no day", head + "  - { \(print), reason: r }", "missing-key", 3, 5, "needs `until`", "until: 2027"),
        .init(
            "short fingerprint", head + "  - { fingerprint: 4f2a, \(rest) }", "bad-fingerprint", 3, 20, "\"4f2a\"",
            "16 hexadecimal digits", "strata split observe"),
        .init(
            "capitals", head + "  - { fingerprint: 4F2A60C1D09E7B35, \(rest) }", "bad-fingerprint", 3, 20,
            "small letters"),
        .init(
            "empty reason", head + "  - { \(print), reason: \" \", until: 2027-01-31 }", "empty-value", 3, 46,
            "`reason`"),
        .init(
            "long reason", head + "  - { \(print), reason: \(String(repeating: "x", count: 501)), until: 2027-01-31 }",
            "out-of-bounds", 3, 46, "501 characters"),
        .init("no such day", head + "  - { \(print), reason: r, until: 2027-02-29 }", "bad-date", 3, 56, "2027-02-29"),
        .init("a word", head + "  - { \(print), reason: r, until: soon }", "bad-date", 3, 56, "year, month and day"),
        .init("a short date", head + "  - { \(print), reason: r, until: 2027-1-31 }", "bad-date", 3, 56),
        .init("a list as date", head + "  - { \(print), reason: r, until: [] }", "wrong-type", 3, 56, "found a list"),
        .init(
            "unknown key", head + "  - { \(print), \(rest), untill: x }", "unknown-key", 3, 68, "did you mean `until`?"),
        .init("no list", "strata: 1\nexemptions: { a: b }", "wrong-type", 2, 13, "a list of exemptions"),
        .init(
            "twice", head + "  - { \(print), \(rest) }\n  - { \(print), \(rest) }", "duplicate-entry", 4, 5,
            "fingerprint 4f2a60c1d09e7b35", "first at line 3"),
    ]

    @Test("What is wrong is said with its place", arguments: complaints)
    func complaint(_ complaint: LayoutComplaint) { complaint.check(.error) }

    @Test("Days are those of the calendar")
    func days() {
        #expect(CalendarDate("2028-02-29")?.description == "2028-02-29")
        for text in ["2027-02-29", "2100-02-29", "2027-13-01", "2027-00-10", "1969-12-31", "2027-04-31", "٢٠٢٧-٠١-٠١"] {
            #expect(CalendarDate(text) == nil, "\(text)")
        }
        #expect(CalendarDate.utc(0) == "1970-01-01 00:00:00Z")
        #expect(CalendarDate.utc(1_709_251_199) == "2024-02-29 23:59:59Z")
        #expect(CalendarDate.utc(1_795_293_487) == "2026-11-21 20:38:07Z")
        #expect(CalendarDate("2026-12-31").map { $0 < CalendarDate("2027-01-01") ?? $0 } == true)
    }
}
