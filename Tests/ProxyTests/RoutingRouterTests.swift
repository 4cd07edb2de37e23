import Planning
import SQLSyntax
import Testing

@testable import Proxy

/// From bytes to decisions, with a cache between.
@Suite struct RoutingRouterTests {
    private static func catalog(ordersArePermanent: Bool = true) -> RoutingCatalog {
        var parts = RoutingCatalog.Parts()
        parts.isKnown = true
        parts.names.schemas["public"] = 2_200
        parts.names.schemas["app"] = 17_000
        let tables: [(UInt32, UInt32, String)] = [
            (20_001, 2_200, "users"), (20_002, 2_200, "orders"), (20_003, 17_000, "users"), (20_004, 2_200, "items"),
        ]
        for (oid, schema, name) in tables {
            parts.add(
                RoutingRelation(
                    oid: oid, schema: schema, name: name, kind: .table,
                    persistence: ordersArePermanent || oid != 20_002 ? .permanent : .unlogged))
        }
        parts.referencing[20_002] = [20_004]
        return RoutingCatalog(parts)
    }

    private let router = Router(catalog: RoutingRouterTests.catalog())

    private func decide(_ sql: String, _ path: Router.SearchPathID) -> Decision {
        var sql = sql
        return sql.withUTF8 { router.decision(for: UnsafeRawBufferPointer($0), path: path) }
    }

    @Test func textsThatDifferInConstantsShareADecision() {
        let path = router.pathID(searchPath: "public", role: "u")
        let first = decide("SELECT * FROM users WHERE id = 1", path)
        #expect(first === decide("select *  from users where id = 22", path))
        #expect(router.cache.hits == 1 && router.cache.misses == 1 && router.cache.count == 1)
        #expect(first.access == .read)
        #expect(router.cache.samples().map(\.text) == ["SELECT * FROM users WHERE id = ?"])
    }

    @Test func directivesAreNotLostBehindASharedKey() {
        let path = router.pathID(searchPath: "public", role: "u")
        #expect(decide("SELECT * FROM users WHERE id = 1", path).access == .read)
        #expect(decide("/* strata:primary */ SELECT * FROM users WHERE id = 1", path).access == .primary)
        #expect(decide("/* strata:replica */ SELECT * FROM users WHERE id = 1", path).ignoresFreshness)
        #expect(decide("SELECT * FROM users WHERE id = 2", path).access == .read)
        #expect(!decide("SELECT * FROM users WHERE id = 3", path).ignoresFreshness)
    }

    @Test func pathsWithTheSameSchemasShareDecisions() {
        let one = router.pathID(searchPath: "\"$user\", public", role: "u")
        let two = router.pathID(searchPath: "missing, public", role: "v")
        let other = router.pathID(searchPath: "app, public", role: "u")
        #expect(one != two && one == router.pathID(searchPath: "\"$user\", public", role: "u"))
        let sql = "SELECT * FROM users"
        #expect(decide(sql, one) === decide(sql, two))
        #expect(decide(sql, other).reads == [RelationSlot.slot(of: 20_003)])
        #expect(decide(sql, one).reads == [RelationSlot.slot(of: 20_001)])
        #expect(
            decide(sql, Router.unknownPath).reads == RelationSlot.sorted([20_001, 20_003].map(RelationSlot.slot(of:))))
        #expect(router.pathID(searchPath: "\"unterminated", role: "u") != one)
    }

    @Test func anotherCatalogForgetsEverything() {
        let path = router.pathID(searchPath: "public", role: "u")
        let sql = "SELECT * FROM orders"
        let stamp = router.stamp
        #expect(decide(sql, path).access == .read)
        router.renew(catalog: Self.catalog(ordersArePermanent: false))
        #expect(router.stamp != stamp)
        #expect(decide(sql, path).reason == .unloggedTable("public.orders"))
        router.renew(rules: RoutingRules())
        #expect(router.cache.count == 0)
    }

    @Test func placesOfNamesAreThoseOfTheText() {
        let path = router.pathID(searchPath: "public", role: "u")
        for sql in ["EXECUTE p(1)", "EXECUTE  p(1)", "EXECUTE longer(1)"] {
            guard case .execute(let name, let place) = decide(sql, path).statements.first?.kind else {
                Issue.record("no EXECUTE in \(sql)")
                continue
            }
            #expect(String(decoding: Array(sql.utf8)[place], as: UTF8.self) == name)
        }
    }

    @Test func cascadeIsSeenInTheText() {
        let path = router.pathID(searchPath: "public", role: "u")
        #expect(decide("TRUNCATE orders", path).writes == [RelationSlot.slot(of: 20_002)])
        #expect(decide("TRUNCATE orders CASCADE", path).writes.count == 2)
    }

    @Test func whatCannotBeReadGoesToThePrimaryAndIsNamed() {
        let path = router.pathID(searchPath: "public", role: "u")
        let decision = decide("SELEC 'secret' FROM users", path)
        #expect(decision.access == .primary && decision.writesAnything && decision.readsAnything)
        #expect(decision.reason == .notParsed("syntax error at line 1"))
        #expect(decide("CREATE TEMP TABEL x", path).effects.isSuperset(of: [.temporary, .catalog]))
        #expect(decide("BEGIN WORKS; LISTEN a", path).effects.isSuperset(of: [.transaction, .listen]))
        #expect(router.unparsed.total == 3)
        #expect(router.unparsed.items.first?.text == "SELEC ? FROM users")
        let long = "SELECT '" + String(repeating: "x", count: 2 << 20) + "'"
        #expect(decide(long, path).reason == .tooLong)
        #expect(decide("", path).reason == .empty)
        #expect(decide("-- nothing", path).access == .anywhere)
        #expect(decide("SELECT 1\u{0}", path).access == .primary)
    }

    @Test func explanationsReadAsTheProxyDoes() {
        func explain(_ sql: String) -> RouteExplanation {
            RouteExplanation.explain(
                sql, searchPath: "app", role: "u", catalog: Self.catalog(), rules: RoutingRules(), freshness: .session)
        }
        #expect(explain("SELECT * FROM users").statements.first?.reads == ["app.users"])
        #expect(explain("SELECT * FROM users").target == "replica")
        #expect(explain("/* strata:primary */ SELECT 1").reason == "the comment strata:primary says so")
        #expect(
            explain("SELEC 1").text == "primary: it could not be read (syntax error at line 1)\n"
                + "freshness: the primary is always up to date\n")
    }

    @Test func theTableOfPlacesAgreesWithADictionary() {
        let table = DecisionTable(capacity: 64)
        var expected: [DecisionCache.Key: Int] = [:]
        var random = SystemRandomNumberGenerator()
        for round in 0..<20_000 {
            // Few different hashes, so that many keys want the same slot.
            let key = DecisionCache.Key(high: .random(in: 0..<40, using: &random), low: .random(in: 0..<4), path: 0)
            if expected.count >= 64 || Bool.random(using: &random) {
                table.remove(key)
                expected[key] = nil
            } else {
                table.set(key, place: round)
                expected[key] = round
            }
            guard round % 50 == 0 else { continue }
            for (key, place) in expected { #expect(table.place(of: key) == place) }
        }
        for high in 0..<40 as Range<UInt64> {
            for low in 0..<4 as Range<UInt64> {
                let key = DecisionCache.Key(high: high, low: low, path: 0)
                #expect(table.place(of: key) == expected[key])
            }
        }
    }
}
