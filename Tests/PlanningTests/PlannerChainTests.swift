import Planning
import Testing

/// Names that are taken, left, and taken again.
@Suite("Planner: names")
struct PlannerChainTests {
    @Test("what leaves a name goes first, in the same transaction, and the reused name is a hazard")
    func chain() throws {
        var fixture = PlannerFixture()
        for schema in ["a", "b"] {
            let table = fixture.table("t", in: schema)
            fixture.index("t_pkey", on: table)
        }
        let plan = try fixture.plan("b: { tables: [{ table: t, from: a }] }\nc: { tables: [{ table: t, from: b }] }")
        #expect(plan.group(.moveTable, "a.t") == plan.group(.moveTable, "b.t"))
        let moves = plan.statements.filter { $0.hasPrefix("ALTER") }
        #expect(moves == ["ALTER TABLE b.t SET SCHEMA c", "ALTER TABLE a.t SET SCHEMA b"])
        #expect(plan.steps.filter { $0.kind == .createShim }.map(\.object) == ["a.t"])
        let hazard = try #require(plan.hazards.first { $0.object == "b.t" })
        #expect(hazard.code == .oldNameFails && hazard.message.contains("without an error"))
    }

    @Test("a chain that has been done is not done again")
    func chainDone() throws {
        var fixture = PlannerFixture(schemas: ["a", "b", "c"])
        let first = fixture.table("t", in: "b")
        fixture.table("t", in: "c")
        fixture.shim("t", in: "a", for: "b.t", of: first)
        let plan = try fixture.plan("b: { tables: [{ table: t, from: a }] }\nc: { tables: [{ table: t, from: b }] }")
        #expect(plan.isEmpty, "\(plan.statements)")
    }

    @Test("a longer chain, listed the wrong way round, starts at its end")
    func longChain() throws {
        var fixture = PlannerFixture(schemas: ["a", "b", "c", "d"])
        for schema in ["a", "b", "c"] { fixture.table("t", in: schema) }
        let plan = try fixture.plan(
            "b: { tables: [{ table: t, from: a }] }\nc: { tables: [{ table: t, from: b }] }\n"
                + "d: { tables: [{ table: t, from: c }] }")
        #expect(plan.steps.filter { $0.kind == .moveTable }.map(\.object) == ["c.t", "b.t", "a.t"])
        #expect(Set(plan.steps.map(\.group)).count == 1)
    }

    @Test("a longer chain that has been done is not done again")
    func longChainDone() throws {
        var fixture = PlannerFixture(schemas: ["a", "b", "c", "d"])
        for schema in ["b", "c", "d"] { fixture.table("t", in: schema) }
        let plan = try fixture.plan(
            "b: { tables: [{ table: t, from: a }] }\nc: { tables: [{ table: t, from: b }] }\n"
                + "d: { tables: [{ table: t, from: c }] }")
        #expect(plan.isEmpty, "\(plan.statements)")
    }

    @Test("one name in several schemas, each of them where it says that it is taken from")
    func staying() throws {
        var fixture = PlannerFixture()
        for schema in ["a", "b"] { fixture.table("t", in: schema) }
        #expect(
            try fixture.plan("a: { tables: [{ table: t, from: a }] }\nb: { tables: [{ table: t, from: b }] }").isEmpty)
    }

    @Test("two of one name that change places are refused: their names do not say whether they have")
    func places() throws {
        var fixture = PlannerFixture()
        for schema in ["a", "b"] { fixture.table("t", in: schema) }
        let found = try fixture.complaints(
            "a: { tables: [{ table: t, from: b }] }\nb: { tables: [{ table: t, from: a }] }")
        #expect(found.map(\.code) == ["ambiguous-name", "ambiguous-name"])
        #expect(found.allSatisfy { $0.nextStep?.contains("two runs") == true })
    }

    @Test("where indexes stand in each other's way, one table steps aside within the transaction")
    func aside() throws {
        var fixture = PlannerFixture()
        let (one, two) = (fixture.table("one", in: "a"), fixture.table("two", in: "b"))
        for table in [one, two] { fixture.index("place", on: table) }
        let plan = try fixture.plan("a: { tables: [two] }\nb: { tables: [one] }")
        #expect(
            plan.statements.filter { !$0.hasPrefix("CREATE VIEW") } == [
                "CREATE SCHEMA strata_aside", "ALTER TABLE b.two SET SCHEMA strata_aside",
                "ALTER TABLE a.one SET SCHEMA b", "ALTER TABLE strata_aside.two SET SCHEMA a",
                "DROP SCHEMA strata_aside",
            ])
        #expect(
            plan.steps.reversed().flatMap(\.undo).filter { $0.hasPrefix("ALTER") || $0.contains("SCHEMA strata") } == [
                "CREATE SCHEMA strata_aside", "ALTER TABLE a.two SET SCHEMA strata_aside",
                "ALTER TABLE b.one SET SCHEMA a", "ALTER TABLE strata_aside.two SET SCHEMA b",
                "DROP SCHEMA strata_aside",
            ])
        #expect(Set(plan.steps.map(\.group)).count == 1)
        // Each table is looked for once before and once before undoing, where it is then.
        #expect(plan.steps.flatMap(\.expects).map(\.schema).sorted() == ["a", "b"])
        #expect(plan.steps.flatMap(\.undoExpects).map(\.schema).sorted() == ["a", "b"])
        #expect(plan.steps.filter { $0.kind == .createShim }.count == 2)
    }

    @Test("the schema to step aside into is one that does not exist")
    func asideSchema() throws {
        var fixture = PlannerFixture(schemas: ["a", "b", "strata_aside"])
        let (one, two) = (fixture.table("one", in: "a"), fixture.table("two", in: "b"))
        for table in [one, two] { fixture.index("place", on: table) }
        let plan = try fixture.plan("a: { tables: [two] }\nb: { tables: [one] }")
        #expect(plan.statements.contains("CREATE SCHEMA strata_aside_"))
    }

    @Test("an index of a table that leaves takes no name; the order sees to it")
    func leavingIndex() throws {
        var fixture = PlannerFixture()
        let (one, two) = (fixture.table("one", in: "a"), fixture.table("two", in: "b"))
        for table in [one, two] { fixture.index("key", on: table) }
        let plan = try fixture.plan("b: { tables: [one] }\nc: { tables: [two] }")
        #expect(plan.steps.filter { $0.kind == .moveTable }.map(\.object) == ["b.two", "a.one"])
        #expect(plan.steps.filter { $0.kind == .createShim }.count == 2, "the tables' own names are free")
    }

    @Test("an index of a table that stays takes its name")
    func stayingIndex() throws {
        var fixture = PlannerFixture()
        let (one, two) = (fixture.table("one", in: "a"), fixture.table("two", in: "b"))
        for table in [one, two] { fixture.index("key", on: table) }
        let found = try fixture.complaints("b: { tables: [one, two] }")
        #expect(found.map(\.code) == ["name-collision"])
        #expect(found.first?.message.contains("index key would collide with an index there") == true)
    }

    @Test("an index has no row type: a type of its name does not stand in its way")
    func spaces() throws {
        var fixture = PlannerFixture()
        let table = fixture.table("t")
        fixture.index("mood", on: table)
        _ = fixture.maker.type("mood", in: "a")
        #expect(try !fixture.plan("a: { tables: [t] }").isEmpty)
    }

    @Test("two that arrive under one name are both named")
    func arrivingTogether() throws {
        var fixture = PlannerFixture()
        let (one, two) = (fixture.table("one"), fixture.table("two", in: "b"))
        fixture.index("key", on: one)
        fixture.index("key", on: two)
        let found = try fixture.complaints("a: { tables: [one, two] }")
        #expect(found.map(\.object) == ["b.two"])
        #expect(found.first?.message.contains("index key of public.one, which moves there too") == true, "\(found)")
    }

    @Test("functions of the same arguments collide, of others do not")
    func functions() throws {
        var fixture = PlannerFixture()
        _ = fixture.maker.function("f", ["integer"])
        _ = fixture.maker.function("f", ["text"], in: "b")
        #expect(try fixture.plan("b: { functions: [{ function: f, from: public }] }").steps.count == 2)
        _ = fixture.maker.function("f", ["integer"], in: "b")
        let found = try fixture.complaints("b: { functions: [{ function: f, from: public }] }")
        #expect(found.map(\.code) == ["name-collision"] && found.first?.nextStep?.hasSuffix("b.f(integer)") == true)
    }

    @Test("statistics objects of one name collide in the target")
    func statistics() throws {
        var fixture = PlannerFixture()
        let (one, two) = (fixture.table("one"), fixture.table("two", in: "a"))
        fixture.statistics("s", on: one, in: "public")
        fixture.statistics("s", on: two, in: "a")
        let found = try fixture.complaints("a: { tables: [one, two] }")
        #expect(found.first?.message.contains("statistics object s would collide") == true, "\(found)")
    }

    @Test("one overload moves while another is listed where it is")
    func overloads() throws {
        var fixture = PlannerFixture()
        _ = fixture.maker.function("f", ["integer"])
        _ = fixture.maker.function("f", ["text"])
        let plan = try fixture.plan("a: { functions: [f(int)] }\npublic: { functions: [f(text)] }")
        #expect(plan.steps.filter { $0.kind == .moveFunction }.map(\.object) == ["public.f(integer)"])
    }

    // MARK: Compatibility objects of earlier runs

    @Test("the view where a table comes back to makes way, and undo makes it again")
    func backHome() throws {
        var fixture = PlannerFixture()
        let table = fixture.table("t", in: "b")
        fixture.shim("t", in: "a", for: "b.t", of: table)
        let plan = try fixture.plan("a: { tables: [t] }")
        #expect(plan.steps.map(\.kind) == [.dropShim, .moveTable, .createShim])
        #expect(Set(plan.steps.map(\.group)).count == 1)
        let drop = try #require(plan.steps.first)
        #expect(drop.statements == ["DROP VIEW a.t"])
        #expect(drop.undo.first?.hasPrefix("CREATE VIEW a.t WITH (security_invoker=true) AS") == true)
        #expect(drop.locks.map(\.mode) == ["ACCESS EXCLUSIVE"])
    }

    @Test("views of former places go on standing for a table that moves on")
    func onwards() throws {
        var fixture = PlannerFixture()
        let table = fixture.table("t", in: "b")
        fixture.shim("t", in: "a", for: "b.t", of: table)
        let plan = try fixture.plan("c: { tables: [t] }")
        let kept = try #require(plan.steps.last)
        #expect(kept.object == "a.t" && kept.statements == ["COMMENT ON VIEW a.t IS 'strata:shim c.t'"])
        #expect(kept.undo.first?.contains("'strata:shim b.t'") == true)
        #expect(plan.group(.moveTable, "b.t") == kept.group)
        #expect(!plan.steps.contains { $0.kind == .dropShim })
    }

    @Test("a view that stands for another table is not taken away from it")
    func foreignShim() throws {
        var fixture = PlannerFixture(schemas: ["a", "b", "x"])
        let table = fixture.table("t", in: "b")
        fixture.shim("t", in: "a", for: "b.t", of: table)
        fixture.table("t", in: "x")
        let found = try fixture.complaints("a: { tables: [{ table: t, from: x }] }")
        #expect(found.map(\.code) == ["name-collision"])
        #expect(found.first?.message.contains("left for b.t") == true, "\(found)")
    }

    @Test("what is built on the view in the way is named")
    func neededShim() throws {
        var fixture = PlannerFixture()
        let table = fixture.table("t", in: "b")
        let shim = fixture.shim("t", in: "a", for: "b.t", of: table)
        _ = fixture.maker.view("report", of: [shim], in: "a")
        let found = try fixture.complaints("a: { tables: [t] }")
        #expect(found.contains { $0.code == "shim-needed" && $0.message.contains("a.report") }, "\(found)")
    }

    // MARK: Hints

    @Test(
        "what is listed under the wrong key is sent to the right one",
        arguments: [
            ("v", "view a.v: list it under views:"), ("s", "sequence a.s: list it under sequences:"),
            ("mood", "type a.mood: list it under types:"), ("f", "function a.f: list it under functions:"),
            ("own", "it belongs to table t and follows it"),
        ])
    func otherKey(_ name: String, _ hint: String) throws {
        var fixture = PlannerFixture()
        let table = fixture.table("t", in: "a")
        _ = fixture.maker.view("v", of: [table], in: "a")
        fixture.table("s", in: "a", kind: .sequence)
        fixture.sequence("own", ownedBy: table)
        _ = fixture.maker.type("mood", in: "a")
        _ = fixture.maker.function("f", in: "a")
        let found = try fixture.complaints("b: { tables: [\(name)] }")
        #expect(found.map(\.code) == ["no-such-object"] && found.first?.nextStep?.contains(hint) == true, "\(found)")
    }
}
