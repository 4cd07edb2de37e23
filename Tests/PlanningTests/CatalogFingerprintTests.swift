import Planning
import Testing

/// The fingerprint without a server: what it is made of, and that it is the same everywhere and always.
@Suite struct CatalogFingerprintTests {
    private func sample() -> Catalog {
        var catalog = Catalog()
        catalog.roles[10] = Role(oid: 10, name: "owner")
        catalog.roles[11] = Role(oid: 11, name: "App User")
        let grants = [
            Grant(grantee: 10, grantor: 10, privilege: "SELECT", grantable: false),
            Grant(grantee: 11, grantor: 10, privilege: "UPDATE", grantable: true),
            Grant(grantee: 0, grantor: 10, privilege: "SELECT", grantable: false),
        ]
        catalog.schemas[100] = Schema(
            oid: 100, name: "shop", owner: 10, grants: grants, userCanCreate: true, userHasUsage: true)
        for number in 1...50 {
            let oid = OID(1_000 + number)
            catalog.relations[oid] = Relation(
                oid: oid, schema: 100, name: "table_\(number)", kind: .table, owner: 10, grants: grants)
            catalog.columns[oid] = [
                Column(number: 1, name: "id", type: "integer", typeOID: 23, notNull: true),
                Column(number: 2, name: "a=\"b\"", type: "text", typeOID: 25, defaultExpression: "E'x\\n\t'"),
            ]
            catalog.constraints.append(
                Constraint(
                    oid: oid + 1_000, name: "key_\(number)", kind: .primaryKey, relation: oid, columns: [1],
                    definition: "PRIMARY KEY (id)"))
        }
        return catalog
    }

    /// Recorded once: another process, machine or version of Swift must come to the same.
    @Test func isTheSameOnEveryRun() {
        #expect(Catalog().fingerprint == "c1:00000000000000000000000000000000")
        var catalog = Catalog()
        catalog.roles[10] = Role(oid: 10, name: "owner")
        catalog.schemas[5] = Schema(
            oid: 5, name: "shop", owner: 10, grants: [], userCanCreate: true, userHasUsage: true)
        #expect(catalog.canonicalLines() == ["schema shop\towner=owner\tacl="])
        #expect(catalog.fingerprint == "c1:08557a40b3688e321d635dfcfa8a2b55")
    }

    @Test func writesOneReadableLineForEachObject() throws {
        let lines = sample().canonicalLines()
        #expect(lines.count == 101)
        #expect(
            lines.contains(
                "schema shop\towner=owner\tacl=\"App User\"=UPDATE*/owner; PUBLIC=SELECT/owner; owner=SELECT/owner"))
        #expect(lines.contains("constraint shop.table_7.key_7\tdefinition=PRIMARY KEY (id)"))
        let table = try #require(lines.first { $0.hasPrefix("table shop.table_7\t") })
        #expect(table.hasPrefix("table shop.table_7\toid=1007\towner=owner\tacl="))
        #expect(table.hasSuffix("\tcolumn id=1 integer not null\tcolumn \"a=\"\"b\"\"\"=2 text default E'x\\\\n\\t'"))
    }

    @Test func doesNotDependOnTheOrder() {
        var shuffled = sample()
        shuffled.constraints.reverse()
        for key in shuffled.relations.keys.sorted() {
            let value = shuffled.relations.removeValue(forKey: key)
            shuffled.relations[key] = value
        }
        shuffled.schemas[100]?.grants.reverse()
        #expect(shuffled.fingerprint == sample().fingerprint)
        #expect(shuffled.canonicalLines() == sample().canonicalLines())
    }

    @Test func leavesOutWhatChangesByItself() {
        var catalog = sample()
        catalog.relations[1_001]?.fileNode = 77
        catalog.relations[1_001]?.estimatedRows = 1e6
        catalog.relations[1_001]?.estimatedBytes = 99
        catalog.relations[1_001]?.userOwns = false
        catalog.schemas[100]?.userCanCreate = false
        catalog.server.attachedStandbys = ["r1"]
        catalog.server.user = "somebody"
        catalog.roles[12] = Role(oid: 12, name: "unrelated")
        catalog.constraints[0].oid = 1
        #expect(catalog.fingerprint == sample().fingerprint)
    }

    @Test(arguments: [
        "owner", "name", "oid", "grant", "column", "option", "constraint", "validity", "comment", "duplicate",
        "setting",
    ])
    func noticesEveryChange(_ what: String) {
        var catalog = sample()
        switch what {
        case "owner": catalog.relations[1_001]?.owner = 11
        case "name": catalog.relations[1_001]?.name = "other"
        case "oid":
            catalog.relations[999] = catalog.relations[1_001]
            catalog.relations[999]?.oid = 999
            catalog.relations[1_001] = nil
        case "grant": catalog.relations[1_001]?.grants[1].grantable = false
        case "column": catalog.columns[1_001]?[1].notNull = true
        case "option": catalog.relations[1_001]?.options = ["fillfactor=70"]
        case "constraint": catalog.constraints[3].definition = "PRIMARY KEY (name)"
        case "validity": catalog.constraints[3].isValidated = false
        case "comment": catalog.comments = [Comment(object: ObjectReference(.relation, 1_001), subobject: 0, text: "x")]
        case "duplicate": catalog.constraints.append(catalog.constraints[3])
        default: catalog.settings = [ConfigurationSetting(database: 0, role: 0, name: "search_path", value: "shop")]
        }
        #expect(catalog.fingerprint != sample().fingerprint)
    }

    /// A run makes its own objects anew, each time with another OID.
    @Test func leavesOutTheOIDsOfStratasOwnObjects() {
        func withShim(_ oid: OID) -> Catalog {
            var catalog = sample()
            catalog.relations[oid] = Relation(oid: oid, schema: 100, name: "old", kind: .view, owner: 10)
            catalog.comments = [
                Comment(object: ObjectReference(.relation, oid), subobject: 0, text: "strata:shim shop.table_1")
            ]
            return catalog
        }
        #expect(withShim(5_000).fingerprint == withShim(6_000).fingerprint)
        #expect(withShim(5_000).fingerprint != sample().fingerprint)
    }

    @Test func differenceIsReadableAndBounded() {
        var after = sample()
        after.relations[1_001]?.owner = 11
        after.relations[1_002]?.name = "renamed"
        for oid in OID(1_010)...OID(1_040) { after.relations[oid] = nil }
        after.constraints = []
        let difference = CatalogDifference.between(sample().canonicalLines(), after.canonicalLines(), limit: 5)
        #expect(
            difference.changed.contains {
                $0.object == "table shop.table_1" && $0.attributes == ["owner: owner → \"App User\""]
            })
        #expect(
            difference.changed.contains {
                $0.object == "table shop.table_2" && $0.attributes == ["now table shop.renamed"]
            })
        #expect(difference.removed.count == 5 && difference.added.isEmpty)
        #expect(difference.total == 83)
        #expect(difference.lines().last == "and 76 more")
        #expect(CatalogDifference.between(sample().canonicalLines(), sample().canonicalLines()).isEmpty)
    }

    @Test func lookupFindsByNameAndRelation() {
        let lookup = CatalogLookup(sample())
        #expect(lookup.relation(schema: "shop", name: "table_9")?.oid == 1_009)
        #expect(lookup.relation(schema: "public", name: "table_9") == nil)
        #expect(lookup.relations(inSchema: 100).count == 50)
        #expect(lookup.constraints(of: 1_009).map(\.name) == ["key_9"])
        #expect(lookup.constraints(of: 4).isEmpty && lookup.incomingForeignKeys(of: 1_009).isEmpty)
        #expect(lookup.searchPath(ofRole: 10) == ["$user", "public"])
    }

    @Test func searchPathPrefersTheNarrowestSetting() {
        var catalog = Catalog()
        catalog.server.databaseOID = 7
        func path(_ settings: [(OID, OID, String)]) -> [String] {
            catalog.settings = settings.map {
                ConfigurationSetting(database: $0.0, role: $0.1, name: "search_path", value: $0.2)
            }
            return CatalogLookup(catalog).searchPath(ofRole: 3)
        }
        #expect(path([(0, 0, "d"), (7, 0, "c"), (0, 3, "b"), (7, 3, "\"A B\", a")]) == ["A B", "a"])
        #expect(path([(0, 0, "d"), (7, 0, "c"), (0, 3, "b")]) == ["b"])
        #expect(path([(0, 0, "d"), (7, 0, "c"), (0, 4, "b"), (8, 3, "x")]) == ["c"])
        #expect(path([(0, 0, "d")]) == ["d"])
        #expect(path([]) == ["$user", "public"])
    }
}
