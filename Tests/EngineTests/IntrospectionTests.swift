import Engine
import Planning
import PostgresDriver
import TestSupport
import Testing

/// One database with every kind of object, read once for each group of objects and compared field by field.
@Suite struct IntrospectionTests {
    private func check(_ body: (Catalog, CatalogLookup, IntrospectionDatabase) async throws -> Void) async throws {
        try await IntrospectionDatabase.with(IntrospectionDatabase.everything) { database in
            let catalog = try await database.catalog()
            try await body(catalog, CatalogLookup(catalog), database)
        }
    }

    private func role(_ name: String, _ catalog: Catalog) -> OID {
        catalog.roles.values.first { $0.name == name }?.oid ?? 0
    }

    @Test func readsServerSchemasAndRoles() async throws {
        try await check { catalog, lookup, database in
            #expect(catalog.server.version >= 130_000)
            #expect(catalog.server.database == database.name)
            #expect(catalog.server.isSuperuser && catalog.server.canCreateInDatabase)
            #expect(catalog.server.systemIdentifier.count >= 18)
            #expect(!catalog.server.isInRecovery)
            #expect(catalog.roles[catalog.server.userOID]?.name == catalog.server.user)
            let names = Set(catalog.schemas.values.map(\.name))
            #expect(names == ["public", "shop", "Mixed Case", "ext"])
            let shop = try #require(lookup.schema(named: "shop"))
            let (app, reader) = (role(database.app, catalog), role(database.reader, catalog))
            #expect(shop.owner == app && shop.userCanCreate && shop.userHasUsage)
            #expect(shop.grants.contains(Grant(grantee: reader, grantor: app, privilege: "USAGE", grantable: true)))
            #expect(shop.grants.filter { $0.grantee == app }.map(\.privilege) == ["CREATE", "USAGE"])
            #expect(lookup.searchPath(ofRole: reader) == ["Mixed Case"])
            #expect(lookup.searchPath(ofRole: app) == ["public"])
            #expect(lookup.searchPath(ofRole: 0) == ["shop", "$user", "public"])
            #expect(!catalog.relations.values.contains { $0.name == "ledger" || $0.name == "unseen" })
        }
    }

    /// Who reads a logical slot replays no locks.
    @Test func logicalStreamsAreNoStandbys() async throws {
        try await withTestDatabase("streams") { database in
            let reader = try await database.connect(["replication": "database", "application_name": "logical reader"])
            let connection = try await database.connect()
            try await eventually("its session is listed") {
                try await connection.query(
                    "SELECT count(*) AS n FROM pg_stat_replication WHERE application_name = 'logical reader'"
                ).only().int("n") == 1
            }
            let catalog = try await CatalogReader.read(connection)
            #expect(!catalog.server.attachedStandbys.contains("logical reader"))
            await connection.close()
            await reader.close()
        }
    }

    @Test func readsTables() async throws {
        try await check { catalog, lookup, database in
            let animals = try #require(lookup.relation(schema: "shop", name: "animals"))
            #expect(animals.kind == .table && animals.owner == role(database.app, catalog) && animals.userOwns)
            #expect(animals.rowSecurity && animals.forcesRowSecurity && animals.fileNode != 0)
            #expect(animals.options == ["fillfactor=70", "toast.autovacuum_enabled=off"])
            #expect(animals.grants.contains { $0.grantee == 0 && $0.privilege == "SELECT" })
            let stranger = role(database.stranger, catalog)
            let columnGrants = animals.columnGrants.filter { $0.grant.grantee == stranger }
            #expect(
                Set(columnGrants.map { "\($0.column) \($0.grant.privilege)" })
                    == ["name UPDATE", "name SELECT", "weight UPDATE"])
            let base = try #require(lookup.relation(schema: "shop", name: "base"))
            #expect(base.grants.isEmpty)
            let other = try #require(lookup.relation(schema: "shop", name: "other_base"))
            let child = try #require(lookup.relation(schema: "shop", name: "child"))
            #expect(child.parents == [base.oid, other.oid] && !child.isPartition)
            #expect(lookup.relation(schema: "shop", name: "cache")?.isUnlogged == true)
            let far = try #require(lookup.relation(schema: "shop", name: "far"))
            #expect(far.kind == .foreignTable && far.foreignOptions == ["schema_name=s", "table_name=t"])
            #expect(far.foreignServer.flatMap { catalog.foreignServers[$0] }?.wrapper == "postgres_fdw")
            #expect(catalog.foreignServers.values.contains { $0.name == "files" && $0.wrapper == "file_fdw" })
        }
    }

    @Test func readsPartitions() async throws {
        try await check { catalog, lookup, _ in
            let visits = try #require(lookup.relation(schema: "shop", name: "visits"))
            #expect(visits.kind == .partitionedTable && visits.partitionKey == "RANGE (at)" && visits.fileNode == 0)
            let year = try #require(lookup.relation(schema: "shop", name: "visits_2025"))
            let rest = try #require(lookup.relation(schema: "shop", name: "visits_rest"))
            #expect(lookup.children(of: visits.oid) == [year.oid, rest.oid].sorted())
            #expect(year.isPartition && year.parents == [visits.oid])
            #expect(
                year.partitionBound
                    == "FOR VALUES FROM ('2025-01-01 00:00:00+00') TO ('2026-01-01 00:00:00+00')")
            #expect(rest.partitionBound == "DEFAULT")
            let parent = try #require(lookup.index(schema: "shop", name: "i_visits"))
            let part = try #require(lookup.indexes(of: year.oid).first { $0.parent == parent.oid })
            #expect(part.isValid && part.keys == parent.keys)
            #expect(lookup.index(schema: "shop", name: "i_only")?.isValid == false)
            let keys = lookup.constraints(of: year.oid).filter { $0.kind == .foreignKey }
            #expect(keys.count == 1 && keys.allSatisfy { $0.parent != 0 && $0.onDelete == "c" && $0.onUpdate == "c" })
        }
    }

    @Test func readsColumns() async throws {
        try await check { catalog, lookup, _ in
            let animals = try #require(lookup.relation(schema: "shop", name: "animals"))
            let columns = try #require(catalog.columns[animals.oid])
            func column(_ name: String) throws -> Planning.Column { try #require(columns.first { $0.name == name }) }
            #expect(columns.map(\.number) == [1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
            #expect(try column("id").defaultExpression == "nextval('shop.animals_id_seq'::regclass)")
            #expect(try column("id").notNull && column("name").notNull && !column("weight").notNull)
            #expect(try column("name").settings == "collation=\"C\" statistics=500")
            #expect(try column("tags").settings == "storage=e")
            #expect(try column("kind").type == "shop.mood")
            #expect(try column("kind").defaultExpression == "'ok'::shop.mood")
            #expect(try column("weight").type == "numeric(10,2)")
            #expect(try column("twice").isGenerated && column("twice").defaultExpression?.contains("weight") == true)
            #expect(try column("Odd=Name").typeOID == 25)
            let visits = try #require(lookup.relation(schema: "shop", name: "visits"))
            #expect(catalog.columns[visits.oid]?.first?.identity == .always)
            let pair = try #require(lookup.relation(schema: "shop", name: "pair"))
            #expect(pair.kind == .compositeType && catalog.columns[pair.oid]?.map(\.name) == ["a", "b"])
            let far = try #require(lookup.relation(schema: "shop", name: "far"))
            #expect(catalog.columns[far.oid]?.first?.settings == "foreign={column_name=key}")
        }
    }

    @Test func readsSequences() async throws {
        try await check { catalog, lookup, database in
            let animals = try #require(lookup.relation(schema: "shop", name: "animals"))
            let visits = try #require(lookup.relation(schema: "shop", name: "visits"))
            let serial = try #require(lookup.sequences(ownedBy: animals.oid).first)
            #expect(catalog.sequences[serial]?.ownerColumn == 1 && catalog.sequences[serial]?.isIdentity == false)
            #expect(catalog.sequences[serial]?.typeName == "integer")
            let identity = try #require(lookup.sequences(ownedBy: visits.oid).first)
            #expect(catalog.sequences[identity]?.isIdentity == true)
            let loose = try #require(lookup.relation(schema: "shop", name: "loose"))
            #expect(
                catalog.sequences[loose.oid]
                    == SequenceDetail(
                        oid: loose.oid, start: 5, increment: 3, minimum: 2, maximum: 100, cache: 4, cycles: true))
            #expect(lookup.sequences(inDefaultsOf: animals.oid).contains(loose.oid))
            try await database.run("SELECT nextval('shop.loose')")
            let connection = try await database.connect()
            let values = try await SequenceValueReader.read(connection, sequences: [loose.oid, serial, 1])
            #expect(values.keys.sorted() == [loose.oid])
            #expect(values[loose.oid] == 14)
            await connection.close()
        }
    }

    /// Definitions that are built here must be what PostgreSQL's own functions print.
    @Test func printsKeysAndIndexesLikePostgreSQL() async throws {
        try await check { catalog, _, database in
            let connection = try await database.connect()
            try await connection.execute("SET search_path = ''")
            let indexes = try await connection.query(
                "SELECT oid, pg_get_indexdef(oid) AS text FROM unnest($1::oid[]) AS oid",
                [.oidArray(Array(catalog.indexes.keys))])
            for row in indexes {
                #expect(try catalog.indexes[row.uint32("oid")]?.definition == row.string("text"))
            }
            #expect(indexes.count >= 20)
            let constraints = try await connection.query(
                "SELECT oid, pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE oid = ANY ($1::oid[])",
                [.oidArray(catalog.constraints.map(\.oid))])
            for row in constraints {
                let oid = try row.uint32("oid")
                #expect(try catalog.constraints.first { $0.oid == oid }?.definition == row.string("text"))
            }
            #expect(constraints.count >= 14)
            await connection.close()
        }
    }

    @Test func readsConstraintsAndIndexes() async throws {
        try await check { catalog, lookup, _ in
            let animals = try #require(lookup.relation(schema: "shop", name: "animals"))
            let light = try #require(lookup.constraints(of: animals.oid).first { $0.name == "light" })
            #expect(!light.isValidated && light.definition == "CHECK ((weight < (1000)::numeric)) NOT VALID")
            let key = try #require(lookup.constraints(of: animals.oid).first { $0.kind == .primaryKey })
            #expect(catalog.indexes[key.index]?.isPrimary == true && key.columns == [1])
            let incoming = lookup.incomingForeignKeys(of: animals.oid)
            #expect(Set(incoming.map(\.relation)).count == 4)
            #expect(incoming.contains { $0.relation == animals.oid && $0.onDelete == "n" })
            let positive = try #require(lookup.type(schema: "shop", name: "positive"))
            #expect(lookup.constraints(of: positive.oid).map(\.name) == ["is_positive"])
            let cache = try #require(lookup.relation(schema: "shop", name: "cache"))
            #expect(lookup.constraints(of: cache.oid).contains { $0.kind == .exclusion && $0.index != 0 })
            let included = try #require(lookup.index(schema: "shop", name: "i_included"))
            #expect(included.isUnique && included.keys == [1] && included.included == [2, 12])
            let plain = try #require(lookup.index(schema: "shop", name: "i_plain"))
            #expect(plain.keyOptions == [0, 3, 1, 2] && plain.method == "btree")
            let expression = try #require(lookup.index(schema: "shop", name: "i_expression"))
            #expect(expression.hasExpressions && expression.keys == [0, 0])
            #expect(lookup.index(schema: "shop", name: "i_partial")?.isPartial == true)
            #expect(lookup.index(schema: "shop", name: "i_trigrams")?.method == "gin")
            #expect(
                lookup.statistics(of: animals.oid).first?.definition
                    == "CREATE STATISTICS shop.linked (ndistinct, dependencies) ON code, short FROM shop.animals")
        }
    }
}
