import Testing

@testable import Planning

/// Shims of routines, and who needs USAGE for them, on servers that the tests do not have at hand.
@Suite struct FunctionShimPlanTests {
    private static let layout = """
        strata: 1
        databases: { main: {} }
        schemas: { api: { functions: [total] } }
        """

    private func plan(
        version: Int, usage grantees: [OID], _ change: (inout Function) -> Void = { _ in }
    ) throws -> Plan {
        var maker = CatalogMaker()
        maker.catalog.server.version = version
        let oid = maker.function("total", ["integer"])
        maker.catalog.functions[oid]?.grants = [
            Grant(grantee: 0, grantor: 10, privilege: "EXECUTE", grantable: false),
            Grant(grantee: 10, grantor: 10, privilege: "EXECUTE", grantable: false),
        ]
        maker.catalog.roles[77] = Role(oid: 77, name: "app")
        let schema = maker.schema("public")
        maker.catalog.schemas[schema]?.grants = grantees.map {
            Grant(grantee: $0, grantor: 10, privilege: "USAGE", grantable: false)
        }
        if var function = maker.catalog.functions[oid] {
            change(&function)
            maker.catalog.functions[oid] = function
        }
        let (layout, _) = try Pipeline.decode(Self.layout, file: "strata.yaml", environment: [:])
        return try Pipeline.plan(layout, maker.catalog)
    }

    private func grants(_ plan: Plan) -> [String] { plan.steps.filter { $0.kind == .grant }.flatMap(\.statements) }

    private func shim(_ plan: Plan) throws -> String {
        try #require(plan.steps.first { $0.kind == .createShim }).statements[0]
    }

    @Test func onThirteenCallersLookTheNameUp() throws {
        let open = try plan(version: 130_000, usage: [0, 77])
        #expect(try shim(open).hasSuffix("AS $$SELECT api.total($1)$$"))
        #expect(grants(open) == ["GRANT USAGE ON SCHEMA api TO PUBLIC"])
        #expect(grants(try plan(version: 130_000, usage: [77])) == ["GRANT USAGE ON SCHEMA api TO app"])
    }

    @Test func fromFourteenOnTheBodyIsBound() throws {
        let plan = try plan(version: 140_000, usage: [0, 77])
        #expect(try shim(plan).hasSuffix("BEGIN ATOMIC SELECT api.total($1); END"))
        #expect(grants(plan) == [])
    }

    @Test func onlyASuperuserSaysLeakproof() throws {
        let change: (inout Function) -> Void = { function in
            function.isLeakproof = true
            function.isStrict = true
            function.cost = 0.5
        }
        let plan = try plan(version: 150_000, usage: [0], change)
        #expect(try shim(plan).contains("VOLATILE STRICT LEAKPROOF PARALLEL UNSAFE COST 0.5 BEGIN ATOMIC"))
    }

    @Test func whatOnlyTheServerCallsIsNoHazard() throws {
        for result in ["trigger", "event_trigger", "language_handler"] {
            let plan = try plan(version: 150_000, usage: [0]) { function in
                function.result = result
                function.returnsTrigger = result == "trigger"
            }
            #expect(!plan.steps.contains { $0.kind == .createShim }, "\(result)")
            #expect(!plan.hazards.contains { $0.code == .oldNameFails }, "\(result)")
        }
    }
}
