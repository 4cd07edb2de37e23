import Testing

@testable import Planning

@Suite("Split: what crosses, and what is exempt")
struct CrossingReportTests {
    private static let now = 1_800_000_000
    private static let day = 86_400
    private static let text = """
        strata: 1
        databases: { main: { url: host=a }, books: { url: host=b } }
        schemas:
          shop: { tables: [orders] }
          billing: { database: books, tables: [invoices] }
          tax: { database: books, tables: [rates] }
        """

    private func exemption(_ fingerprint: String, until: String) throws -> Exemption {
        Exemption(
            fingerprint: fingerprint, reason: "r", until: try #require(CalendarDate(until)),
            place: SourcePlace(file: "strata.yaml", line: 9, column: 1))
    }

    private func record(_ crossings: [Crossing], observedFor days: Int = 30) -> CrossingRecord {
        var record = CrossingRecord()
        record.now = Self.now
        record.today = CalendarDate("2027-01-15")
        record.crossings = crossings
        record.observers = [
            .init(
                id: "1", name: "h", schemas: ["billing", "tax"], since: Self.now - days * Self.day, last: Self.now - 5,
                dropped: 2)
        ]
        return record
    }

    private func crossing(_ fingerprint: String, _ schemas: [String], daysAgo: Int = 0) -> Crossing {
        var crossing = Crossing(fingerprint, .join, example: "SELECT ?", schemas: schemas)
        crossing.lastSeen = Self.now - daysAgo * Self.day
        return crossing
    }

    private func accepted(_ fingerprint: String, until: String, daysAgo: Int = 30) throws -> CrossingRecord.Accepted {
        .init(
            fingerprint: fingerprint, until: try #require(CalendarDate(until)), by: "a",
            at: Self.now - daysAgo * Self.day)
    }

    @Test("A crossing counts for each schema that it touches, and only while this layout has the cut")
    func entries() throws {
        let layout = try layout(Self.text)
        let record = record([
            crossing("a", ["billing", "shop"]), crossing("b", ["billing", "tax"]), crossing("c", ["shop", "other"]),
            crossing("d", ["billing", "shop", "tax"]),
        ])
        let report = CrossingReport(layout, record: record, exemptions: ExemptionReview([], record: record))
        #expect(report.schemas.map(\.schema) == ["billing", "tax"])
        #expect(report.schemas.map { $0.entries.map(\.crossing.fingerprint) } == [["a", "d"], ["d"]])
        #expect(report.schemas.first?.entries.first?.databases == ["main", "books"])
        #expect(report.uncovered == 2 && report.dropped == 2 && report.unobserved.isEmpty)
        let one = CrossingReport(layout, record: record, exemptions: .init([], record: record), only: "tax")
        #expect(one.schemas.map(\.schema) == ["tax"] && one.uncovered == 1)
    }

    @Test("That nothing crosses is one thing, that nobody has looked another")
    func unobserved() throws {
        let layout = try layout(Self.text)
        var record = record([])
        record.observers[0].schemas = ["tax"]
        record.resets = ["tax": Self.now - 60]
        let report = CrossingReport(layout, record: record, exemptions: .init([], record: record))
        #expect(report.unobserved.map(\.schema) == ["billing"])
        #expect(report.schemas.last?.observedSince == Self.now - 60 && report.schemas.last?.observers == 1)
        let text = CrossingText(style: TextStyle()).render(report)
        #expect(text.contains("Schema billing, to database books: nobody has looked yet"), "\(text)")
        #expect(text.contains("Schema tax, to database books: nothing crosses"), "\(text)")
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(text)")
    }

    @Test("New exemptions and later days are additions; fewer and earlier ones are not")
    func additions() throws {
        var record = record([])
        record.accepted = [
            try accepted("a", until: "2027-02-01"), try accepted("b", until: "2027-02-01"),
            try accepted("c", until: "2027-02-01"),
        ]
        let review = ExemptionReview(
            [
                try exemption("a", until: "2027-02-01"), try exemption("b", until: "2027-02-02"),
                try exemption("d", until: "2027-02-01"),
            ], record: record)
        #expect(review.additions.map(\.exemption.fingerprint) == ["b", "d"])
        #expect(review.additions.first?.acceptedUntil?.description == "2027-02-01")
        #expect(review.valid.keys.sorted() == ["a"] && review.hasShrunk)
        let earlier = ExemptionReview(
            try ["a", "b", "c"].map { try exemption($0, until: "2027-01-31") }, record: record)
        #expect(earlier.additions.isEmpty && earlier.hasShrunk && earlier.valid.count == 3)
        let same = ExemptionReview(
            try ["a", "b", "c"].map { try exemption($0, until: "2027-02-01") }, record: record)
        #expect(!same.hasShrunk && same.additions.isEmpty)
    }

    @Test("An expired exemption covers nothing; its last day still counts")
    func expiry() throws {
        var record = record([crossing("a", ["billing", "shop"]), crossing("b", ["billing", "shop"])])
        record.accepted = [try accepted("a", until: "2027-01-14"), try accepted("b", until: "2027-01-15")]
        let review = ExemptionReview(
            [try exemption("a", until: "2027-01-14"), try exemption("b", until: "2027-01-15")], record: record)
        #expect(review.expired.map(\.fingerprint) == ["a"] && review.valid.keys.sorted() == ["b"])
        let report = CrossingReport(try layout(Self.text), record: record, exemptions: review)
        #expect(report.uncovered == 1)
        let text = CrossingText(style: TextStyle()).render(report)
        #expect(text.contains("Exemption a has expired on 2027-01-14 and covers nothing"), "\(text)")
        #expect(text.contains("exempt until 2027-01-15: r") && text.contains("1 crossing without"), "\(text)")
    }

    @Test("An exemption that nothing has needed for a week can go, once somebody has looked for a week")
    func removable() throws {
        let exemptions = try ["a", "b", "c", "d"].map { try exemption($0, until: "2027-02-01") }
        var record = record([
            crossing("a", ["billing", "shop"], daysAgo: 6), crossing("b", ["billing", "shop"], daysAgo: 8),
        ])
        record.accepted =
            try ["a", "b", "c"].map { try accepted($0, until: "2027-02-01") }
            + [try accepted("d", until: "2027-02-01", daysAgo: 6)]
        #expect(ExemptionReview(exemptions, record: record).removable.map(\.fingerprint) == ["b", "c"])
        record.observers[0].since = Self.now - 6 * Self.day
        #expect(ExemptionReview(exemptions, record: record).removable.isEmpty)
        record.observers = []
        #expect(ExemptionReview(exemptions, record: record).removable.isEmpty)
    }

    @Test("Each kind has a title and a way out, and the report fits the screen", arguments: Crossing.Kind.allCases)
    func kinds(kind: Crossing.Kind) throws {
        var crossing = Crossing(
            "0123456789abcdef", kind, example: "SELECT * FROM " + String(repeating: "shop.orders, ", count: 60),
            schemas: ["billing", "shop"],
            statements: [.init("0123456789abcdee writes"), .init("0123456789abcded locks")])
        crossing.count = 12_345
        crossing.application = "web\u{1B}[31m"
        let record = record([crossing])
        let report = CrossingReport(try layout(Self.text), record: record, exemptions: .init([], record: record))
        let text = CrossingText(style: TextStyle()).render(report)
        #expect(text.contains("✗ 0123456789abcdef  \(kind.title)") && text.contains("12,345 times"), "\(text)")
        #expect(text.contains("instead: ") && text.contains("0123456789abcdee writes, 0123456789abcded locks"))
        #expect(!text.contains("\u{1B}") && text.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(text)")
        #expect(Crossing.Statement(crossing.statements[0].description) == crossing.statements[0])
    }

    @Test("A text is cut between letters")
    func bounded() {
        #expect(Crossing.bounded("äöü", to: 3) == "ä")
        #expect(Crossing.bounded("äöü", to: 4) == "äö")
        #expect(Crossing.bounded("abc", to: 3) == "abc" && Crossing.bounded("e\u{301}x", to: 2) == "")
        #expect(
            Crossing.fingerprint(of: "a").count == 16 && Crossing.fingerprint(of: "a") != Crossing.fingerprint(of: "b"))
    }
}
