import Planning
import Testing

/// The planner on catalogs made by hand: what is done, in which order, and in which transactions.
@Suite("Planner")
struct PlannerTests {
    @Test("nothing to do gives an empty plan")
    func nothing() throws {
        var fixture = PlannerFixture()
        fixture.table("t", in: "a")
        #expect(try fixture.plan("a: { tables: [t] }").isEmpty)
    }

    @Test("the same input gives the same plan")
    func deterministic() throws {
        var fixture = PlannerFixture()
        for number in 1...30 { fixture.table("t\(number)") }
        let names = (1...30).map { "t\($0)" }.joined(separator: ", ")
        let first = try fixture.plan("new: { tables: [\(names)] }")
        for _ in 1...5 { #expect(try fixture.plan("new: { tables: [\(names)] }") == first) }
    }

    @Test("a table and its view share a transaction; tables do not share one with each other")
    func transactions() throws {
        var fixture = PlannerFixture()
        fixture.table("one")
        fixture.table("two")
        let plan = try fixture.plan("a: { tables: [two, one] }")
        #expect(plan.group(.moveTable, "public.one") == plan.group(.createShim, "public.one"))
        #expect(plan.group(.moveTable, "public.one") != plan.group(.moveTable, "public.two"))
        let moved = plan.steps.filter { $0.kind == .moveTable }.map(\.object)
        #expect(moved == ["public.two", "public.one"], "the order of the layout")
    }

    @Test("schemas first, then functions, types, sequences, tables and views")
    func ranks() throws {
        var fixture = PlannerFixture()
        let table = fixture.table("t")
        fixture.table("numbers", kind: .sequence)
        _ = fixture.maker.view("v", of: [table])
        _ = fixture.maker.function("f", ["integer"])
        _ = fixture.maker.type("mood")
        let plan = try fixture.plan(
            "new: { tables: [t], views: [v], sequences: [numbers], functions: [f], types: [mood] }")
        let kinds = plan.steps.map(\.kind).filter { $0 != .createShim }
        #expect(kinds == [.createSchema, .moveFunction, .moveType, .moveSequence, .moveTable, .moveView])
    }

    @Test("steps are numbered from 1 without gaps, and so are transactions")
    func numbers() throws {
        var fixture = PlannerFixture()
        for name in ["x", "y", "z"] { fixture.table(name) }
        let plan = try fixture.plan("new: { tables: [x, y, z] }")
        #expect(plan.steps.map(\.number) == Array(1...plan.steps.count))
        #expect(Set(plan.steps.map(\.group)) == Set(1...(plan.steps.last?.group ?? 0)))
        #expect(plan.steps.map(\.group) == plan.steps.map(\.group).sorted())
    }

    @Test("each statement that changes something has an undo, and moves are undone by the mirrored statement")
    func undo() throws {
        var fixture = PlannerFixture()
        let table = fixture.table("t")
        fixture.sequence("t_id_seq", ownedBy: table)
        let plan = try fixture.plan("new: { tables: [t], append_only: [t] }")
        #expect(plan.steps.allSatisfy { !$0.undo.isEmpty })
        let move = try #require(plan.steps.first { $0.kind == .moveTable })
        #expect(move.statements == ["ALTER TABLE public.t SET SCHEMA new"])
        #expect(move.undo == ["ALTER TABLE new.t SET SCHEMA public"])
        #expect(move.locks.map(\.object) == ["public.t", "public.t_id_seq"])
        #expect(move.expects.map(\.schema) == ["public"] && move.undoExpects.map(\.schema) == ["new"])
    }

    @Test("statistics objects go in their table's transaction")
    func statistics() throws {
        var fixture = PlannerFixture()
        let table = fixture.table("t")
        fixture.statistics("t_stats", on: table, in: "public")
        let plan = try fixture.plan("a: { tables: [t] }")
        let group = plan.group(.moveTable, "public.t")
        #expect(group != nil && plan.group(.moveStatistics, "public.t_stats") == group)
    }

    @Test(
        "partitions and inheritance children follow, unless they live elsewhere on purpose", arguments: [true, false])
    func children(isPartition: Bool) throws {
        var fixture = PlannerFixture()
        let parent = fixture.table("t", kind: isPartition ? .partitionedTable : .table)
        let child = fixture.table("t_1", parent: parent, isPartition: isPartition)
        fixture.table("t_1_1", parent: child, isPartition: isPartition)
        fixture.table("t_cold", in: "b", parent: parent, isPartition: isPartition)
        fixture.table("t_2", parent: parent, isPartition: isPartition)
        let plan = try fixture.plan("a: { tables: [t] }\nother: { tables: [t_2] }")
        let moves = plan.statements.filter { $0.hasPrefix("ALTER TABLE") }
        #expect(
            moves == [
                "ALTER TABLE public.t SET SCHEMA a", "ALTER TABLE public.t_1 SET SCHEMA a",
                "ALTER TABLE public.t_1_1 SET SCHEMA a", "ALTER TABLE public.t_2 SET SCHEMA other",
            ])
    }

    @Test("no compatibility objects unless they are wanted", arguments: ["none", "search_path"])
    func otherCompatibility(_ mode: String) throws {
        var fixture = PlannerFixture()
        fixture.table("t")
        let plan = try fixture.plan("a: { tables: [t] }", "compatibility: \(mode)\n")
        #expect(!plan.steps.contains { $0.kind == .createShim })
        #expect(plan.hazards.contains { $0.code == .oldNameFails })
    }

    // MARK: Append-only

    @Test("append_only reaches partitions by TRUNCATE triggers, inheritance children by all triggers")
    func appendOnlyChildren() throws {
        var fixture = PlannerFixture()
        let parts = fixture.table("parts", in: "a", kind: .partitionedTable)
        fixture.table("parts_1", in: "a", parent: parts, isPartition: true)
        let parent = fixture.table("parent", in: "a")
        fixture.table("child", in: "b", parent: parent)
        let plan = try fixture.plan("a: { tables: [parts, parent], append_only: [parts, parent] }")
        func triggers(_ name: String) -> [String] {
            plan.steps.filter { $0.object == name }.flatMap(\.statements).map { String($0.split(separator: " ")[2]) }
        }
        let both = ["strata_append_only", "strata_append_only_truncate"]
        #expect(triggers("a.parts") == both && triggers("a.parent") == both && triggers("b.child") == both)
        #expect(triggers("a.parts_1") == ["strata_append_only_truncate"])
        #expect(Set(plan.steps.map(\.group)).count == 2, "a family of tables shares a transaction")
    }

    @Test("append_only takes rights on the table and its partitions, and undo gives them back")
    func appendOnlyRights() throws {
        var fixture = PlannerFixture()
        let app = fixture.maker.role("app")
        let parts = fixture.table("parts", in: "a", kind: .partitionedTable)
        let part = fixture.table("parts_1", in: "a", parent: parts, isPartition: true)
        fixture.grant("DELETE", on: part, to: app, grantable: true)
        fixture.grant("SELECT", on: part, to: app)
        let plan = try fixture.plan("a: { tables: [parts], append_only: [parts] }")
        let step = try #require(plan.steps.first { $0.statements.first?.hasPrefix("REVOKE") == true })
        #expect(step.statements == ["REVOKE DELETE ON a.parts_1 FROM app CASCADE"])
        #expect(step.undo == ["GRANT DELETE ON a.parts_1 TO app WITH GRANT OPTION"])
    }

    @Test("a role that may write gets no right to change rows of an append-only table or its partitions")
    func appendOnlyRoles() throws {
        var fixture = PlannerFixture()
        _ = fixture.maker.role("app")
        let parts = fixture.table("parts", in: "a", kind: .partitionedTable)
        fixture.table("parts_1", in: "a", parent: parts, isPartition: true)
        let plan = try fixture.plan(
            "a: { tables: [parts], append_only: [parts] }", "roles: { app: { write: [a] } }\n")
        let grants = plan.steps.flatMap(\.statements).filter { $0.hasPrefix("GRANT") && $0.contains(" TABLE ") }
        #expect(grants == ["GRANT SELECT, INSERT ON TABLE a.parts, a.parts_1 TO app"])
    }
}
