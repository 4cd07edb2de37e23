import Foundation
import Planning
import Testing

/// How far the proposal agrees with what people decided for the five example systems, and what it says.
@Suite struct ContextSuggesterTests {
    // MARK: Agreement with people

    private struct Expected: Decodable {
        struct Table: Decodable {
            var table: String
            var from: String
            var to: String
        }
        var tables: [Table]
    }

    private static let examples = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(path: "Examples")

    private static func suggestion(_ example: String, shuffled: Bool = false) throws -> ContextSuggestion {
        let folder = examples.appending(path: example)
        let script = try String(contentsOf: folder.appending(path: "before.sql"), encoding: .utf8)
        var catalog = try CatalogMaker(script: script).catalog
        if shuffled { catalog.constraints.reverse() }
        return ContextSuggester.suggest(catalog: catalog)
    }

    /// The share of pairs of tables on which both divisions agree, together or apart (Rand 1971), and the same corrected
    /// for chance (Hubert and Arabie 1985).
    private static func agreement(_ example: String) throws -> (rand: Double, adjusted: Double) {
        let data = try Data(contentsOf: examples.appending(path: example).appending(path: "expected.json"))
        let expected = try JSONDecoder().decode(Expected.self, from: data)
        var found: [String: String] = [:]
        for group in try suggestion(example).groups {
            for table in group.tables { found["\(table.schema).\(table.name)"] = group.name }
        }
        // A table that stays is alone, but for those that people left in public.
        let pairs = expected.tables.map {
            ($0.to, found["\($0.from).\($0.table)"] ?? ($0.to == "public" ? "public" : $0.table))
        }
        var (both, onlyPeople, onlyFound, total) = (0.0, 0.0, 0.0, 0.0)
        for (position, one) in pairs.enumerated() {
            for other in pairs[(position + 1)...] {
                total += 1
                switch (one.0 == other.0, one.1 == other.1) {
                case (true, true): both += 1
                case (true, false): onlyPeople += 1
                case (false, true): onlyFound += 1
                case (false, false): break
                }
            }
        }
        let chance = (both + onlyPeople) * (both + onlyFound) / total
        let most = (2 * both + onlyPeople + onlyFound) / 2
        return (1 - (onlyPeople + onlyFound) / total, (both - chance) / (most - chance))
    }

    @Test(arguments: [("phoenix", 0.93, 0.6), ("ath", 0.93, 0.6), ("kct", 0.7, 0.1), ("eventflow", 0.8, 0.5)])
    func agreesWithPeople(example: String, rand: Double, adjusted: Double) throws {
        let found = try Self.agreement(example)
        #expect(found.rand >= rand, "\(example): \(found)")
        #expect(found.adjusted >= adjusted, "\(example): \(found)")
    }

    @Test func recoversTheContextsOfPhoenix() throws {
        let suggestion = try Self.suggestion("phoenix")
        let groups = suggestion.groups.map { Set($0.tables.map { "\($0.schema).\($0.name)" }) }
        func together(_ names: String...) -> Bool {
            groups.contains { $0.isSuperset(of: names.map { $0.contains(".") ? $0 : "public.\($0)" }) }
        }
        #expect(together("accounts", "tokens", "roles", "permissions", "role_permissions"))
        #expect(together("persons", "students", "guardians", "student_guardians", "privacy_consents"))
        #expect(together("groups", "group_teacher", "group_substitution"))
        #expect(together("activities", "categories", "enrollments", "app.groups"))
        #expect(together("legacy.settings", "persons"))
        #expect(together("timeframes", "dateframes", "recurrence_patterns", "class_schedules"))
        #expect(together("devices", "device_logs"))
        #expect(together("entries", "comments"))
        #expect(together("settings", "feature_flags"))
        #expect(together("data_deletions", "auth_events"))
        #expect(together("rooms", "buildings", "locations"))
        #expect(suggestion.pile == ["app", "legacy", "public"])
        #expect(suggestion.notes.contains { $0.contains("schema legacy") })
    }

    @Test func findsTheEventStoreOfHauspet() throws {
        let group = try #require(try Self.suggestion("hauspet").groups.first { $0.name == "eventstore" })
        #expect(group.tables.map(\.name) == ["events"])
        #expect(group.appendOnlyCandidates.map(\.name) == ["events"])
    }

    @Test func leavesBookkeepingAndPartitionsOut() throws {
        for example in ["hauspet", "kct", "ath", "eventflow"] {
            let suggestion = try Self.suggestion(example)
            let names = suggestion.groups.flatMap(\.tables).map(\.name) + suggestion.staying.map(\.table.name)
            #expect(!names.contains("_prisma_migrations"))
            #expect(!names.contains { $0.hasPrefix("events_2025") })
        }
    }

    // MARK: The same for the same catalog

    @Test(arguments: ["phoenix", "ath", "kct", "hauspet", "eventflow"])
    func isTheSameOnEveryRun(example: String) throws {
        let first = try Self.suggestion(example)
        #expect(try Self.suggestion(example) == first)
        // In another order the same sums may be rounded differently: the groups must not change for that.
        let other = try Self.suggestion(example, shuffled: true)
        #expect(other.groups.map(\.tables) == first.groups.map(\.tables))
        #expect(other.groups.map(\.name) == first.groups.map(\.name))
    }

    /// Recorded once: another process hashes in another order and must come to the same.
    @Test func isTheSameInEveryProcess() throws {
        let wanted = [
            "users", "projects", "billing", "contractor_profiles", "notifications", "pricing", "conversations",
            "materials",
            "reviews",
        ]
        let groups = try Self.suggestion("ath").groups
        #expect(groups.map(\.name) == wanted)
        #expect(groups.map(\.tables.count) == [13, 9, 7, 7, 4, 4, 3, 2, 2])
    }

    // MARK: Hubs, prefixes, use

    /// Four concerns of four tables; every table has a key to users as well.
    private func hub() -> CatalogMaker {
        var maker = CatalogMaker()
        let users = maker.table("users")
        for concern in ["billing", "course", "stock", "ticket"] {
            let head = maker.table("\(concern)_case", ["id!", "user_id!"])
            maker.key(head, "user_id", users)
            for part in ["step", "part", "plan"] {
                let table = maker.table("\(concern)_\(part)", ["id!", "user_id!", "case_id!"])
                maker.key(table, "user_id", users)
                maker.key(table, "case_id", head)
            }
        }
        return maker
    }

    @Test func hubsDoNotSwallowTheirUsers() throws {
        let suggestion = ContextSuggester.suggest(catalog: hub().catalog)
        #expect(suggestion.groups.count == 4)
        for concern in ["billing", "course", "stock", "ticket"] {
            let group = try #require(suggestion.groups.first { $0.name == concern })
            #expect(group.tables.filter { $0.name.hasPrefix(concern) }.count == 4)
            #expect(group.reasons.contains { $0.contains("names begin with \(concern)") }, "\(group.reasons)")
            #expect(group.keysInside >= 3)
        }
        #expect(suggestion.foreignKeys == 28)
        #expect(suggestion.crossingKeys == suggestion.groups.reduce(0) { $0 + $1.keysCrossing } / 2)
    }

    @Test func prefixesAloneMakeGroups() {
        var maker = CatalogMaker()
        for name in ["InvoiceLine", "InvoiceHead", "InvoiceNote", "ShipLabel", "ShipRoute", "ShipCrate", "Lonely"] {
            maker.table(name)
        }
        let suggestion = ContextSuggester.suggest(catalog: maker.catalog)
        #expect(suggestion.groups.map(\.name) == ["invoice", "ship"])
        #expect(suggestion.staying.map(\.table.name) == ["Lonely"])
        #expect(suggestion.groups.first?.reasons == ["3 of 3 names begin with invoice"])
    }

    @Test func columnsNamedLikeKeysCount() throws {
        var maker = CatalogMaker()
        for name in ["kennel", "dog", "vet"] { maker.table(name) }
        maker.table("walks", ["id!", "dog_id!"])
        maker.table("bones", ["id!", "dogId!"])
        let group = try #require(ContextSuggester.suggest(catalog: maker.catalog).groups.first)
        #expect(group.tables.map(\.name) == ["bones", "dog", "walks"])
        #expect(group.reasons.contains { $0.hasPrefix("2 columns are named like keys") })
        #expect(group.keysInside == 0)
    }

    @Test func statementsPullTablesTogether() throws {
        var maker = CatalogMaker(schemas: ["public", "shop"])
        for name in ["alpha", "beta", "gamma", "delta"] { maker.table(name) }
        let role = maker.role("app")
        func statement(_ id: Int64, _ text: String, _ calls: Int64) -> StatementUse.Statement {
            StatementUse.Statement(queryID: id, role: role, text: text, calls: calls)
        }
        let use = StatementUse(
            isKnown: true,
            statements: [
                statement(1, "SELECT * FROM alpha JOIN public.gamma USING (id) WHERE id = $1", 12_000),
                statement(2, "UPDATE alpha SET id = $1 FROM gamma WHERE gamma.id = alpha.id", 340),
                statement(3, "SELECT * FROM beta, delta", 50), statement(4, "this is no SQL", 9_000),
            ])
        #expect(ContextSuggester.suggest(catalog: maker.catalog).groups.isEmpty)
        let suggestion = ContextSuggester.suggest(catalog: maker.catalog, use: use)
        let group = try #require(suggestion.groups.first)
        #expect(group.tables.map(\.name) == ["alpha", "gamma"])
        #expect(
            group.reasons.contains("12,340 calls of 2 statements touch several of them together"), "\(group.reasons)")
        #expect(suggestion.usesStatements)
    }

    // MARK: What goes with the tables

    @Test func viewsFunctionsAndTypesGoWithTheirTables() throws {
        var maker = hub()
        let tables = Dictionary(maker.catalog.relations.values.map { ($0.name, $0.oid) }) { first, _ in first }
        let heads = try ["billing_case", "stock_case"].map { try #require(tables[$0]) }
        let inner = maker.view("open_bills", of: [heads[0]])
        _ = maker.view("late_bills", of: [inner])
        _ = maker.view("everything", of: heads)
        for (name, used) in [("bill_total", [heads[0]]), ("both_totals", heads)] {
            let function = maker.function(name)
            for table in used {
                maker.depend(ObjectReference(.function, function), on: ObjectReference(.relation, table))
            }
        }
        let mine = maker.type("bill_state")
        let shared = maker.type("colour")
        for (position, table) in heads.enumerated() {
            maker.catalog.columns[table]?.append(Column(number: 8, name: "c", type: "colour", typeOID: shared))
            if position == 0 {
                maker.catalog.columns[table]?.append(Column(number: 9, name: "s", type: "bill_state", typeOID: mine))
            }
        }
        let groups = ContextSuggester.suggest(catalog: maker.catalog).groups
        let billing = try #require(groups.first { $0.name == "billing" })
        #expect(billing.views.map(\.name) == ["late_bills", "open_bills"])
        #expect(billing.functions.map(\.name) == ["bill_total"])
        #expect(billing.types.map(\.name) == ["bill_state"])
        #expect(
            groups.filter { $0.name != "billing" }.allSatisfy {
                $0.views.isEmpty && $0.functions.isEmpty && $0.types.isEmpty
            })
    }

    // MARK: Names

    @Test func groupNamesAreFreeAndNeedNoQuotes() {
        var maker = CatalogMaker(schemas: ["public", "ship"])
        _ = maker.role("crew")
        for word in ["Order", "User", "Ship", "Crew", "PgStat", "Größe", "1st"] {
            for part in ["Alpha", "Beta", "Gamma"] { maker.table("\(word)\(part)\(word)") }
        }
        maker.table("anchor", in: "ship")
        let names = ContextSuggester.suggest(catalog: maker.catalog).groups.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(Set(names).isDisjoint(with: ["order", "user", "ship", "crew", "public"]))
        #expect(Set(names).isSuperset(of: ["orders", "users", "ship_alpha_ships", "crew_alpha_crews"]))
        #expect(
            names.allSatisfy { !$0.hasPrefix("pg_") && $0.allSatisfy { $0 == "_" || ($0.isASCII && !$0.isUppercase) } })
    }

    @Test func tablesOfOneNameNeverMeet() throws {
        var maker = CatalogMaker(schemas: ["public", "old"])
        let team = maker.table("team")
        let first = maker.table("note", ["id!", "team_id!"])
        let second = maker.table("note", ["id!", "team_id!"], in: "old")
        maker.key(first, "team_id", team)
        maker.key(second, "team_id", team)
        let suggestion = ContextSuggester.suggest(catalog: maker.catalog)
        for group in suggestion.groups { #expect(Set(group.tables.map(\.name)).count == group.tables.count) }
        #expect(suggestion.staying.map(\.table.name) == ["note"])
    }

    @Test func schemasWithAPurposeStay() {
        var maker = CatalogMaker()
        let users = maker.table("users")
        let animals = maker.table("animals", ["id!", "owner_id!"], in: "readmodels")
        maker.key(animals, "owner_id", users)
        let suggestion = ContextSuggester.suggest(catalog: maker.catalog)
        #expect(suggestion.pile == ["public"])
        #expect(suggestion.groups.isEmpty)
    }

    @Test func anEmptyDatabaseHasNoGroups() {
        let suggestion = ContextSuggester.suggest(catalog: Catalog())
        #expect(suggestion.groups.isEmpty && suggestion.staying.isEmpty)
        #expect(SuggestionText.render(suggestion, style: TextStyle()).hasPrefix("No groups found in public"))
    }

    // MARK: Size

    /// 5,000 tables: 500 families of ten, all of them tied to one hub; the words `part` and `app` are in every name.
    @Test func dividesFiveThousandTables() {
        var maker = CatalogMaker()
        let hub = maker.table("app_hub")
        for family in 0..<500 {
            let word =
                String("bcdfghjklm"[family / 100]) + "a" + String("nprstvwxyz"[family / 10 % 10]) + "o"
                + String("bcdfghjklm"[family % 10]) + "el"
            let head = maker.table("app_\(word)_head", ["id!", "hub!"])
            maker.key(head, "hub", hub)
            for part in 0..<9 {
                let table = maker.table("app_\(word)_part\(part)", ["id!", "hub!", "head!"])
                maker.key(table, "head", head)
                maker.key(table, "hub", hub)
            }
        }
        let suggestion = ContextSuggester.suggest(catalog: maker.catalog)
        #expect(suggestion.groups.count > 400)
        #expect(suggestion.groups.allSatisfy { $0.tables.count <= 40 })
        #expect(Set(suggestion.groups.map(\.name)).count == suggestion.groups.count)
    }

    // MARK: Text

    @Test func textFitsTheTerminal() throws {
        let suggestion = try Self.suggestion("phoenix")
        let text = SuggestionText.render(suggestion, style: TextStyle(width: 80))
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
        #expect(text.contains("\(suggestion.groups.count) schemas proposed"))
        #expect(text.split(whereSeparator: \.isWhitespace).joined(separator: " ").contains("of 63 foreign keys would"))
        for group in suggestion.groups { #expect(text.contains("\n\(group.name)\n")) }
        #expect(text.contains("note: use was not looked at"))
    }
}

extension StringProtocol {
    fileprivate subscript(_ offset: Int) -> Character { self[index(startIndex, offsetBy: offset)] }
}
