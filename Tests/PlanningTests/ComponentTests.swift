import Testing

@testable import Planning

/// What Strata keeps in a schema of its own: brought to the planner as data.
@Suite("Components")
struct ComponentTests {
    private static func component(_ parts: [Component.Part], from installed: Int? = nil) -> Component {
        var component = Component("event store", schema: "events", installed: installed, version: 2)
        component.parts = parts
        component.passing = ["events_2"]
        return component
    }

    private static let made = Component.Part(
        "tables", statements: ["CREATE TABLE events.t (id int)"], undo: ["DROP TABLE events.t"], reason: "for events",
        isNew: true)
    private static let renewed = Component.Part(
        "append", statements: ["CREATE FUNCTION events.append() …"], undo: [], reason: "other statements than before",
        isNew: false)

    private func layout(_ rest: String = "") throws -> Layout {
        try Pipeline.decode(
            "strata: 1\nschemas: { a: { tables: [t] } }\nevents:\n" + rest, file: "layout.yaml", environment: [:]
        ).layout
    }

    @Test("Its parts are steps of a transaction each, after all others, and read so")
    func steps() throws {
        var fixture = PlannerFixture()
        fixture.table("t")
        var component = Self.component([Self.made, Self.renewed], from: 1)
        component.diagnostics = [Diagnostic(.note, "event-store", "goes from version 1 to 2")]
        let plan = try Pipeline.plan(try layout(), fixture.maker.catalog, components: [component])
        let parts = plan.steps.suffix(2)
        #expect(parts.map(\.kind) == [.makePart, .renewPart] && Set(parts.map(\.group)).count == 2)
        #expect(plan.groups.suffix(2).allSatisfy { $0.inTransaction && $0.steps.count == 1 })
        #expect(parts.first?.statements == Self.made.statements && parts.first?.undo == Self.made.undo)
        #expect(plan.components == [PlannedComponent(schema: "events", passing: ["events_2"])])
        let text = PlanText(style: TextStyle(width: 80)).render(plan)
        #expect(
            text.contains(
                """
                  3 ─ make event store events: tables
                        for events
                  4 ─ renew event store events: append
                        other statements than before

                """), "\(text)")
        #expect(text.contains("· goes from version 1 to 2"))
    }

    @Test("Nothing to be done is an empty plan; what stands against it is a refusal")
    func nothing() throws {
        var fixture = PlannerFixture()
        fixture.table("t", in: "a")
        let plan = try Pipeline.plan(try layout(), fixture.maker.catalog, components: [Self.component([], from: 2)])
        #expect(plan.isEmpty && plan.components?.count == 1)
        var refused = Self.component([Self.made])
        refused.diagnostics = [Diagnostic(.error, "newer-store", "it is newer")]
        #expect(throws: DiagnosticsError.self) {
            try Pipeline.plan(try layout(), fixture.maker.catalog, components: [refused])
        }
    }

    @Test("What is in the event store's schema is not reported, and not taken by entries of the same name")
    func closed() throws {
        var fixture = PlannerFixture(schemas: ["public", "a", "events"])
        fixture.table("t")
        fixture.table("t", in: "events")
        fixture.table("organizations", in: "events")
        fixture.table("rest")
        let plan = try Pipeline.plan(try layout(), fixture.maker.catalog)
        #expect(plan.unplaced == ["table public.rest"])
        #expect(plan.steps.contains { $0.kind == .moveTable && $0.object == "public.t" })
        let without = try Pipeline.decode(
            "strata: 1\nschemas: { a: { tables: [rest] } }", file: "l", environment: [:]
        ).layout
        #expect(try Pipeline.plan(without, fixture.maker.catalog).unplaced.contains("table events.organizations"))
    }

    @Test("A store on another database is a note")
    func elsewhere() throws {
        let text = "strata: 1\ndatabases: { main: {}, far: { url: host=x } }\nevents: { database: far }"
        let layout = try Pipeline.decode(text, file: "l", environment: [:]).layout
        let note = try #require(try Pipeline.plan(layout, PlannerFixture().maker.catalog).notes.first)
        #expect(note.message.contains("database far") && note.nextStep?.contains("strata events init") == true)
    }

    private static let components = [PlannedComponent(schema: "My Events", passing: ["events_2"])]

    @Test(
        "Lines about its schema and what is in it",
        arguments: [
            ("schema \"My Events\"", true), ("comment on schema \"My Events\"", true),
            ("table \"My Events\".events", true), ("function \"My Events\".now()", true),
            ("trigger \"My Events\".events.events_immutable", true), ("schema public", false),
            ("table public.events", false), ("table \"My Events 2\".events", false),
            ("comment on schema public", false),
        ])
    func belongs(object: String, belongs: Bool) {
        #expect(ComponentLines(Self.components).belongs(object) == belongs)
        #expect(!ComponentLines([]).belongs(object))
    }

    @Test("Partitions come and go; nothing else does")
    func passing() {
        let lines = [
            "table \"My Events\".events\towner=x", "table \"My Events\".events_2026_11\towner=x",
            "index \"My Events\".events_2026_11_pkey\tx=y", "index \"My Events\".events_stream_id_idx\tx=y",
            "trigger \"My Events\".events_2026_11.events_not_truncated\tx=y", "table public.events_2026_11\tx=y",
        ]
        #expect(ComponentLines(Self.components).withoutPassing(lines) == [lines[0], lines[3], lines[5]])
        #expect(ComponentLines([]).withoutPassing(lines) == lines)
    }
}
