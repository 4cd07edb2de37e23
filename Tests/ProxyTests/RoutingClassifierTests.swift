import Planning
import SQLSyntax
import Testing

@testable import Proxy

/// Decisions on shapes made by hand, with a catalog made by hand: no server.
@Suite struct RoutingClassifierTests {
    private static let catalog: RoutingCatalog = {
        var parts = RoutingCatalog.Parts()
        parts.isKnown = true
        parts.names.schemas["public"] = 2_200
        parts.names.schemas["app"] = 17_000
        let tables: [(UInt32, UInt32, String, RoutingRelation.Kind, RoutingRelation.Persistence)] = [
            (20_001, 2_200, "users", .table, .permanent), (20_002, 2_200, "orders", .table, .permanent),
            (20_003, 2_200, "cache", .table, .unlogged), (20_004, 2_200, "users_id_seq", .sequence, .permanent),
            (20_005, 2_200, "far", .foreignTable, .permanent), (20_006, 17_000, "sessions", .table, .permanent),
            (20_007, 2_200, "recent", .view, .permanent),
        ]
        for (oid, schema, name, kind, persistence) in tables {
            parts.add(RoutingRelation(oid: oid, schema: schema, name: name, kind: kind, persistence: persistence))
        }
        parts.add(
            RoutingRelation(
                oid: 1_259, schema: 11, name: "pg_class", kind: .table, persistence: .permanent, isSystem: true))
        parts.onRead[20_007] = Touches(reads: [20_001, 20_002])
        let builtIn = [
            "set_config", "nextval", "pg_advisory_lock", "pg_advisory_xact_lock", "pg_advisory_unlock_all", "pg_notify",
            "txid_current", "pg_current_wal_lsn", "lo_open", "pg_export_snapshot", "random", "pg_is_in_recovery",
            "query_to_xml", "pg_backend_pid",
        ]
        for (index, name) in builtIn.enumerated() {
            parts.add(
                KnownFunctions.builtIn(
                    RoutingFunction(
                        oid: 1_000 + UInt32(index), schema: 11, name: name, volatility: .volatile, language: "internal")
                ))
        }
        parts.add(
            KnownFunctions.builtIn(
                RoutingFunction(
                    oid: 1_200, schema: 11, name: "current_setting", volatility: .stable, language: "internal")))
        parts.add(
            KnownFunctions.builtIn(
                RoutingFunction(oid: 1_201, schema: 11, name: "now", volatility: .stable, language: "internal")))
        return RoutingCatalog(parts)
    }()

    private func decide(
        _ shapes: StatementShape..., hint: StatementDirectives.Target? = nil, tags: [String: String] = [:],
        rules: RoutingRules = RoutingRules(), clues: TextClues = .none
    ) -> Decision {
        var directives = StatementDirectives()
        directives.target = hint
        directives.tags = tags
        return StatementClassifier.decide(
            shapes: shapes, directives: directives, path: SearchPath(schemas: ["public"]), catalog: Self.catalog,
            rules: rules, clues: clues)
    }

    private func call(_ name: String) -> Decision { decide(.select(functions: [name])) }

    @Test func readsAndWritesByName() {
        let read = decide(.select("users", "orders"))
        #expect(read.access == .read)
        #expect(read.reason == .readOnly)
        #expect(read.reads == [20_001, 20_002].map(RelationSlot.slot(of:)).sorted())
        #expect(read.effects == [] && !read.isWriting && read.statements.isEmpty && !read.ignoresFreshness)
        let write = decide(.insert("orders"))
        #expect(write.access == .primary)
        #expect(write.writes == [RelationSlot.slot(of: 20_002)])
        #expect(!write.writesAnything)
        #expect(decide(.select()).access == .anywhere)
        #expect(decide().reason == .empty)
    }

    @Test func everyStatementCounts() {
        let decision = decide(.select("users"), .insert("orders"), .select("cache"))
        #expect(decision.access == .primary)
        #expect(decision.reason == .writes("orders"))
        #expect(decision.reads.contains(RelationSlot.slot(of: 20_001)))
        #expect(decision.writes == [RelationSlot.slot(of: 20_002)])
        #expect(decide(StatementShape(.begin(.init())), .select("users")).access == .read)
        #expect(decide(StatementShape(.begin(.init())), .select("users")).effects == .transaction)
    }

    @Test func lockedRowsAndStatesBelongToThePrimary() {
        var locking = StatementShape.select("users")
        locking.locksRows = true
        #expect(decide(locking).reason == .locksRows)
        // A lock changes no row.
        #expect(!decide(locking).isWriting)
        #expect(decide(.select("cache")).reason == .unloggedTable("public.cache"))
        #expect(decide(.select("users_id_seq")).reason == .systemState("public.users_id_seq"))
        #expect(decide(.select("far")).reason == .systemState("public.far"))
        #expect(decide(.select("pg_class")).reason == .systemState("pg_catalog.pg_class"))
        #expect(decide(.select("pg_temp.x")).reason == .temporaryTable("pg_temp.x"))
        #expect(decide(.select("nowhere")).reason == .unknownRelation("nowhere"))
        #expect(decide(.insert("nowhere")).writesAnything)
    }

    @Test func builtInFunctions() {
        for name in [
            "nextval", "pg_notify", "txid_current", "pg_current_wal_lsn", "lo_open", "pg_export_snapshot",
            "pg_advisory_xact_lock", "pg_is_in_recovery", "query_to_xml", "pg_backend_pid",
        ] { #expect(call(name).access == .primary, "\(name)") }
        #expect(call("random").access == .anywhere)
        #expect(call("now").access == .anywhere)
        #expect(call("pg_advisory_lock").effects == .advisoryLock)
        #expect(call("pg_advisory_unlock_all").effects == .advisoryUnlock)
        #expect(call("pg_advisory_xact_lock").effects == .primaryOnly)
        #expect(call("query_to_xml").writesAnything)
        #expect(call("mystery").reason == .unknownFunction("mystery()"))
        #expect(call("mystery").effects.isSuperset(of: [.settings, .temporary, .listen, .advisoryLock]))
        #expect(call("current_setting").access == .anywhere)
        #expect(decide(.select(functions: ["current_setting"]), clues: TextClues()).access == .primary)
    }

    private static let ofThePrimary: [(StatementShape.Kind, Decision.Effects)] = [
        (StatementShape.Kind.listen, Decision.Effects.listen), (.unlisten(all: true), .unlistenAll),
        (.notify, .primaryOnly), (.load, .keepsServer), (.definition, .catalog), (.createTemporary, .temporary),
        (.maintenance, .primaryOnly), (.copyFrom, .copyIn), (.declareCursor(isHeld: true), .heldCursor),
        (.prepareTransaction, .transaction), (.finishPrepared, Decision.Effects()), (.lockTable, Decision.Effects()),
        (.begin(.init(isolation: .serializable)), .transaction), (.begin(.init(isReadOnly: false)), .transaction),
        (.setTransaction(.init(importsSnapshot: true)), .transaction), (.other, .catalog),
        (.execute(name: "p", place: 0..<1), [.prepared, .settings]),
    ]

    @Test(arguments: ofThePrimary)
    func statementsOfThePrimary(_ kind: StatementShape.Kind, _ effects: Decision.Effects) {
        let decision = decide(StatementShape(kind))
        #expect(decision.access == .primary)
        #expect(decision.effects == effects)
        #expect(decision.statements.isEmpty == effects.isEmpty)
    }

    private static let ofTheSession: [(StatementShape.Kind, Decision.Effects)] = [
        (StatementShape.Kind.begin(.init(isReadOnly: true)), Decision.Effects.transaction),
        (.commit(chain: false), .transaction), (.rollback(chain: false), .transaction),
        (.savepoint("a"), .transaction), (.setConstraints, .transaction),
        (.set(name: "work_mem", isLocal: false), .settings),
        (.set(name: "work_mem", isLocal: true), .local),
        (.set(name: "search_path", isLocal: true), Decision.Effects([.settings, .local])),
        (.reset(name: nil), .settings), (.show, Decision.Effects()), (.discardAll, .discardAll),
        (.discardPlans, Decision.Effects()),
        (.discardTemporary, .discardTemporary), (.deallocate(name: nil, place: 0..<1), .deallocateAll),
        (.deallocate(name: "p", place: 0..<1), .prepared), (.fetch, .cursor), (.closeCursor(name: nil), .closeCursors),
        (.setSessionCharacteristics, .settings), (.declareCursor(isHeld: false), .cursor),
    ]

    @Test(arguments: ofTheSession)
    func statementsOfTheSession(_ kind: StatementShape.Kind, _ effects: Decision.Effects) {
        let decision = decide(StatementShape(kind))
        #expect(decision.access == .anywhere)
        #expect(decision.effects == effects)
        #expect(!decision.isWriting)
    }

    @Test func settingsThatPgSettingsDoesNotShow() {
        #expect(decide(StatementShape(.set(name: "app.tenant", isLocal: false))).unlistedSettings == ["app.tenant"])
        #expect(decide(StatementShape(.set(name: "role", isLocal: false))).unlistedSettings == ["role"])
        #expect(decide(StatementShape(.set(name: "work_mem", isLocal: false))).unlistedSettings == [])
        var shape = StatementShape.select(functions: ["set_config"])
        shape.configuredSettings = ["app.user", "timezone"]
        let decision = decide(shape)
        #expect(decision.access == .anywhere)
        #expect(decision.effects == .settings)
        #expect(decision.unlistedSettings == ["app.user"])
        shape.configuresUnknownSetting = true
        #expect(decide(shape).effects == [.settings, .keepsServer])
    }

    @Test func namesBehindASearchPathThatIsSetInTheSameText() {
        let set = StatementShape(.set(name: "search_path", isLocal: false))
        #expect(decide(set, .select("sessions")).reads == [RelationSlot.slot(of: 20_006)])
        let other = StatementShape(.set(name: "work_mem", isLocal: false))
        #expect(decide(other, .select("sessions")).reason == .unknownRelation("sessions"))
    }

    @Test func commentsDecide() {
        #expect(decide(.select("users"), hint: .primary).reason == .hint("strata:primary"))
        #expect(decide(.select("users"), hint: .primary).access == .primary)
        let replica = decide(.select("users"), hint: .replica)
        #expect(replica.access == .read && replica.ignoresFreshness)
        #expect(decide(.insert("users"), hint: .replica).access == .primary)
        #expect(!decide(.insert("users"), hint: .replica).ignoresFreshness)
        #expect(decide(.select(functions: ["nextval"]), hint: .replica).access == .primary)
    }

    @Test func rulesOfTheLayout() {
        let rules = RoutingRules([
            route(tags: ["route": "GET /api/projects"], toReplica: true),
            route(table: "app.sessions", toReplica: false),
            route(table: "public.orders", toReplica: true), route(table: "public.orders", toReplica: false),
        ])
        let tagged = decide(.select("users"), tags: ["route": "GET /api/projects"], rules: rules)
        #expect(tagged.ignoresFreshness && tagged.reason == .rule(0))
        #expect(!decide(.select("users"), tags: ["route": "other"], rules: rules).ignoresFreshness)
        #expect(decide(.select("app.sessions"), rules: rules).access == .primary)
        #expect(decide(.select("app.sessions"), rules: rules).reason == .rule(1))
        #expect(decide(.select("orders"), rules: rules).ignoresFreshness)
        // The rule speaks of one table: the other has to be fresh.
        let both = decide(.select("orders", "users"), rules: rules)
        #expect(!both.ignoresFreshness)
        #expect(both.reads == [RelationSlot.slot(of: 20_001)])
        #expect(!decide(.select("recent"), rules: rules).ignoresFreshness)
        #expect(decide(.insert("orders"), rules: rules).access == .primary)
        #expect(decide(StatementShape(.begin(.init())), rules: rules).access == .anywhere)
    }

    private func route(tags: [String: String] = [:], table: String? = nil, toReplica: Bool) -> Routing.Route {
        var route = Routing.Route(toReplica: toReplica, place: SourcePlace(file: "strata.yaml", line: 1, column: 1))
        route.tags = tags
        route.table = table
        return route
    }

    @Test func definitionsAreSeenEverywhere() {
        #expect(decide(StatementShape(.definition)).writesAnything)
        var into = StatementShape.insert("made")
        into.definesRelation = true
        #expect(decide(into).effects == .catalog)
        #expect(decide(StatementShape(.doBlock)).writesAnything)
    }

    @Test func withoutACatalogAllGoesToThePrimary() {
        let decision = RoutingCatalog.unknown.classified(.select("users")).decision
        #expect(decision.access == .primary)
        #expect(decision.reason == .catalogUnknown)
    }

    @Test func explanationsSayWhy() {
        let path = Self.catalog.resolve(SearchPath(schemas: ["public"]))
        let explanation = RouteExplanation(
            shapes: [.select("recent"), .insert("orders")], directives: StatementDirectives(), path: path,
            catalog: Self.catalog, rules: RoutingRules(), clues: .none, freshness: .table)
        #expect(
            explanation.text == """
                primary: it writes orders
                freshness: the primary is always up to date
                1. SELECT → replica: it only reads
                   reads   public.orders, public.recent, public.users
                2. write → primary: it writes orders
                   writes  public.orders

                """)
        #expect(RouteReason.volatileFunction("app.next_number()").text == "function app.next_number() is volatile")
        #expect(RouteReason.systemState("nextval()").text.contains("sequence"))
        let read = RouteExplanation(decide(.select("users")), freshness: .atMost(.seconds(5)))
        #expect(read.freshness == "a replica that is at most 5.0 seconds behind; else the primary")
    }
}
