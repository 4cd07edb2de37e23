import Testing

@testable import Planning

/// The texts; what they do is in EngineTests.
@Suite("Loose keys: statements")
struct LooseKeyStatementsTests {
    private let key = LooseKey(
        parent: .init("people", "Users"), child: .init("audit", "events"),
        pairs: [("region", "user region", "integer"), ("id", "user", "bigint")], onDelete: .setNull, onUpdate: .update,
        childDatabase: "archive")

    @Test("One name, however its columns are written")
    func name() {
        let other = LooseKey(
            parent: key.parent, child: key.child,
            pairs: [("id", "user", "bigint"), ("region", "user region", "integer")],
            onDelete: .delete, onUpdate: .ignore, childDatabase: "main")
        #expect(key.name == "audit.events(user, user region) -> people.Users(id, region)" && other.name == key.name)
        #expect(other.mark == key.mark && key.mark.count == 16)
    }

    @Test("Names are quoted, values are cast to the parent's types, and rows of heirs are left alone")
    func statements() {
        let plain = LooseKeyStatements(key, childIsPartitioned: false, parentIsPartitioned: false)
        #expect(
            plain.present == """
                SELECT v.n FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS v (value, n)
                 WHERE EXISTS (SELECT FROM ONLY people."Users" AS p WHERE p.id = (v.value ->> 0)::bigint AND p.region = (v.value ->> 1)::integer)
                """)
        #expect(
            plain.removal?.contains("UPDATE ONLY audit.events AS c SET \"user\" = NULL, \"user region\" = NULL WHERE")
                == true)
        #expect(
            plain.change.contains(
                "SET \"user\" = ($3::jsonb ->> 0)::bigint, \"user region\" = ($3::jsonb ->> 1)::integer"))
        let partitioned = LooseKeyStatements(key, childIsPartitioned: true, parentIsPartitioned: true)
        #expect(!partitioned.present.contains("ONLY") && partitioned.removal?.contains("ONLY") == false)
        var kept = key
        kept.onDelete = .ignore
        #expect(LooseKeyStatements(kept, childIsPartitioned: false, parentIsPartitioned: false).removal == nil)
    }

    @Test("Triggers for what is declared, on each table that a statement can name")
    func triggers() {
        func names(_ key: LooseKey, partitioned: Bool = false) -> [String] {
            LooseKeyTriggers(key).all(
                isPartitioned: partitioned, partitions: partitioned ? [.init("people", "part")] : []
            )
            .map { "\($0.table) \($0.name.split(separator: "_").last ?? "") \($0.enabled)" }
        }
        #expect(
            names(key) == [
                "people.Users delete O", "people.Users truncate O", "people.Users replicated R",
                "people.Users update A",
            ])
        #expect(
            names(key, partitioned: true) == [
                "people.Users delete O", "people.Users truncate O", "people.part delete O", "people.part truncate O",
                "people.Users update O",
            ])
        var quiet = key
        (quiet.onDelete, quiet.onUpdate) = (.ignore, .ignore)
        #expect(names(quiet) == [])
        let update = LooseKeyTriggers(key).all(isPartitioned: false, partitions: []).last
        #expect(
            update?.statements.first?.contains(
                "AFTER UPDATE ON people.\"Users\" FOR EACH ROW WHEN (ROW(OLD.id, OLD.region) IS DISTINCT FROM ROW(NEW.id, NEW.region))"
            )
                == true)
        #expect(LooseKeyTriggers(key).all(isPartitioned: false, partitions: []).allSatisfy { $0.name.utf8.count <= 63 })
    }
}
