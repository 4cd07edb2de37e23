import Planning
import Testing

/// What a person reads of a plan.
@Suite("Plan as text")
struct PlanTextTests {
    @Test("a dozen unplaced objects are named, and all of them on request; nothing is wider than the terminal")
    func unplaced() throws {
        var fixture = PlannerFixture()
        for number in 10..<40 { fixture.table("table_\(number)") }
        let plan = try fixture.plan("a: { tables: [table_10] }")
        let names = (11..<40).map { "table public.table_\($0)" }

        let short = PlanText(style: TextStyle(width: 80)).render(plan)
        let words = short.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(names.filter { words.contains($0) } == Array(names.prefix(12)))
        #expect(words.contains("and 17 more (--all lists them)"))
        #expect(short.split(separator: "\n").filter { $0.count > 80 } == [])

        let long = PlanText(style: TextStyle(width: 80), showsAllUnplaced: true).render(plan)
        #expect(long.split(separator: "\n").suffix(29).map { String($0.dropFirst(2)) } == names)
    }

    @Test("a long statement of a hazard is cut at the width")
    func excerpt() throws {
        var fixture = PlannerFixture()
        fixture.table("t")
        var plan = try fixture.plan("a: { tables: [t] }")
        let statement = "SELECT " + (1...40).map { "column_\($0)" }.joined(separator: ", ")
        plan.hazards.append(
            Hazard(.shimInsufficient, object: "public.t", message: "m", remedy: "r", excerpt: statement))
        let lines = PlanText(style: TextStyle(width: 80)).render(plan).split(separator: "\n")
        #expect(lines.filter { $0.count > 80 } == [])
        let quoted = lines.first { $0.contains("│ SELECT column_1, ") }
        #expect(quoted?.count == 80 && quoted?.last == "…")
    }
}
