import Foundation
import PostgresDriver
import TestSupport
import Testing

/// The walk of `Examples/ath/README.md`: a Prisma application's SQLite file comes to PostgreSQL, and into ten schemas.
@Suite struct ImportAthTests {
    /// Rows that fit no type: 77 and 78 of the logins, and two preferences.
    static let misfits: Set = ["LoginAttempt 77", "LoginAttempt 78", "UserPreference 13", "UserPreference 14"]
    /// What only the enum and the CHECK of Prisma's tables refuse.
    static let refused: Set = ["ProjectStatusHistory 400", "Review 120"]

    private func expected(_ counts: [String: Int], without rejects: Set<String>) -> [String: Int] {
        var counts = counts
        counts["_prisma_migrations"] = nil
        for reject in rejects { counts[String(reject.split(separator: " ")[0])]? -= 1 }
        return counts
    }

    @Test("S4.31 S4.33 S4.40 the review names 52 tables with their rows, types and rejects, and changes nothing")
    func review() async throws {
        try await ImportAthPlace.with(pile: "", layout: "strata: 1\nschemas: { a: { tables: [] } }\n") { place in
            let file = place.shop.folder.appending(path: "ath.db")
            let before = try Data(contentsOf: file)
            let result = try await place.strata(
                "import", "sqlite", "ath.db", "--review", "--orm", "prisma", "--format", "json", "--report", "r.md")
            #expect(result.code == 0, "\(result.errors)")
            #expect(try Data(contentsOf: file) == before)
            #expect(try await place.targetCounts().isEmpty)
            let review = try object(result.output)
            let tables = try #require(review["tables"] as? [[String: Any]])
            let counts = Dictionary(
                uniqueKeysWithValues: tables.map { ($0["name"] as? String ?? "", $0["rows"] as? Int ?? -1) })
            #expect(counts == (try await place.sourceCounts()))
            #expect(tables.count == 52 && tables.filter { $0["skipped"] != nil }.count == 1)

            let columns = try #require(
                tables.first { $0["name"] as? String == "AuditLog" }?["columns"] as? [[String: Any]])
            let times = try #require(columns.first { $0["name"] as? String == "createdAt" })
            #expect(times["type"] as? String == "timestamp(3)" && times["unit"] as? String == "milliseconds")
            #expect(
                times["values"] as? [String: Int] == [
                    "integers like Unix milliseconds": 1000, "texts of days and times": 500,
                    "texts of days and times with a zone": 500,
                ])
            let misfits = tables.flatMap { $0["columns"] as? [[String: Any]] ?? [] }
                .flatMap { $0["rejects"] as? [[String: Any]] ?? [] }
            #expect(misfits.count == 4)
            let differences = (review["differences"] as? [String] ?? []).joined()
            #expect(differences.contains("LIKE") && differences.contains("collation"))
            let markdown = try String(contentsOf: place.shop.folder.appending(path: "r.md"), encoding: .utf8)
            #expect(markdown.contains("| AuditLog | 2,000 | public.AuditLog |"))
        }
    }

    @Test("S4.36 S4.38 S4.39 into the tables that Prisma has made, then the layout; old names go on working")
    func intoTablesOfPrisma() async throws {
        try await ImportAthPlace.with(pile: ImportAthPlace.tablesOfPrisma(), layout: ImportAthPlace.layout()) { place in
            let refusal = try await place.strata("import", "sqlite", "ath.db", "--orm", "prisma")
            #expect(refusal.code == 6 && refusal.errors.contains("nothing was changed"), "\(refusal)")
            #expect(refusal.errors.contains("--max-rejects 4"), "\(refusal)")
            #expect(try await place.targetCounts().values.allSatisfy { $0 == 0 })

            // Four are told beforehand; the enum and the CHECK refuse two more, which only the loading tells.
            let short = try await place.strata("import", "sqlite", "ath.db", "--orm", "prisma", "--max-rejects", "4")
            #expect(short.code == 6 && short.errors.contains("--max-rejects"), "\(short)")
            let loaded = try await place.strata(
                "import", "sqlite", "ath.db", "--orm", "prisma", "--max-rejects", "6", "--format", "json")
            #expect(loaded.code == 0, "\(loaded)")
            let tables = try #require(try object(loaded.output)["tables"] as? [[String: Any]])
            #expect(tables.count == 51 && tables.allSatisfy { $0["isEqual"] as? Bool == true })
            #expect(tables.allSatisfy { ($0["notCompared"] as? [String])?.isEmpty == true }, "also of a domain")
            let rejects = Self.misfits.union(Self.refused)
            #expect(try place.rejects() == rejects)
            var counts = try await place.targetCounts()
            #expect(counts.removeValue(forKey: "_prisma_migrations") == 0)
            #expect(counts == expected(try await place.sourceCounts(), without: rejects))
            #expect(try await place.validKeys() == ["66"])
            #expect(
                try await place.postgres("SELECT tgenabled::text FROM pg_trigger WHERE NOT tgisinternal") == ["O", "O"])
            // Numbers that were given out are not given out again, also those of a sequence that no column owns.
            #expect(
                try await place.postgres(
                    """
                    INSERT INTO "LoginAttempt" (email, succeeded) VALUES ('', true) RETURNING id::text
                    """) == ["806"])
            #expect(try await place.postgres("SELECT nextval('\"InvoiceNumber\"')::text") == ["7100"])
            #expect(
                try await place.postgres("SELECT slug FROM \"ServiceCategory\" WHERE id = 'category2'") == [
                    "điện nước"
                ],
                "the target's own generated column")
            try await place.shop.database.execute("DELETE FROM \"LoginAttempt\" WHERE id = 806")

            try await layOut(place, accepting: ["SHIM_INSUFFICIENT"])
            let again = try await place.strata("import", "sqlite", "ath.db", "--verify")
            #expect(again.code == 0, "through the old names: \(again)")
            #expect(again.output.contains("51 tables, 17,630 rows, 6 rejected."), "\(again)")
            #expect(
                try await place.postgres("SELECT count(*)::text FROM \"MarketplaceProject\"")
                    == (try await place.sqlite("SELECT count(*) FROM Project WHERE status = 'OPEN'")))
            try await place.runAsApplication(ImportAthPlace.workload())
        }
    }

    @Test("S4.34 S4.35 S4.36 S4.39 into an empty database by an edited mapping: every value; then the layout")
    func intoAnEmptyDatabase() async throws {
        try await ImportAthPlace.with(pile: ImportAthPlace.roles(), layout: ImportAthPlace.layoutOfTables()) { place in
            let url = try #require(place.shop.program.environment["DATABASE_URL"])
            // Without the layout: to public.
            let review = try await place.strata(
                "import", "sqlite", "ath.db", "--review", "--orm", "prisma", "--layout", "none.yaml",
                "--write-mapping", "ath.import.yaml")
            #expect(
                review.code == 1 && review.errors.contains("none.yaml"),
                "a layout that was named has to be there: \(review)")
            try FileManager.default.moveItem(
                at: place.shop.folder.appending(path: "strata.yaml"),
                to: place.shop.folder.appending(path: "later.yaml"))
            let written = try await place.strata(
                "import", "sqlite", "ath.db", "--review", "--orm", "prisma", "--write-mapping", "ath.import.yaml")
            #expect(written.code == 0 && written.errors.contains("--mapping ath.import.yaml"), "\(written)")
            let mapping = place.shop.folder.appending(path: "ath.import.yaml")
            let text = try String(contentsOf: mapping, encoding: .utf8)
            let edited = text.replacing("metadata: { type: text }", with: "metadata: { type: jsonb, invalid: text }")
            try #require(edited != text)
            try Data(edited.utf8).write(to: mapping)
            let loaded = try await place.strata(
                "import", "sqlite", "ath.db", "--into", url, "--mapping", "ath.import.yaml", "--max-rejects", "4")
            #expect(loaded.code == 0, "\(loaded)")
            #expect(loaded.output.contains("51 tables, 17,632 rows, 4 rejected."), "\(loaded)")
            let counts = try await place.sourceCounts()
            #expect(try await place.targetCounts() == expected(counts, without: Self.misfits))
            #expect(try await place.validKeys() == ["66"])
            try await values(place)

            try FileManager.default.moveItem(
                at: place.shop.folder.appending(path: "later.yaml"),
                to: place.shop.folder.appending(path: "strata.yaml"))
            let plan = try await place.strata("plan", "--format", "json")
            #expect(plan.output.components(separatedBy: "\"kind\" : \"move_table\"").count == 51, "50 tables move")
            try await layOut(place, accepting: [])
            let again = try await place.strata("import", "sqlite", "ath.db", "--verify")
            #expect(again.code == 0, "through the old names: \(again)")
            let statements = try ImportAthPlace.workloadOnTables()
            #expect(statements.count > 10)
            try await place.runAsApplication(statements)
            let restart = try await place.strata(
                "import", "sqlite", "ath.db", "--restart", "--mapping", "ath.import.yaml", "--max-rejects", "4")
            #expect(restart.code == 1 && restart.errors.contains("strata rollback"), "\(restart)")
            // The application has written since: that is a difference from the file.
            let later = try await place.strata("import", "sqlite", "ath.db", "--verify")
            #expect(later.code == 4 && later.output.contains("Setting"), "\(later)")
        }
    }

    @Test("S4.36 S4.39 straight into the ten schemas of the layout: nothing has to move")
    func straightIntoTheLayout() async throws {
        try await ImportAthPlace.with(pile: ImportAthPlace.roles(), layout: ImportAthPlace.layoutOfTables()) { place in
            let loaded = try await place.strata("import", "sqlite", "ath.db", "--orm", "prisma", "--max-rejects", "4")
            #expect(loaded.code == 0, "\(loaded)")
            #expect(try await place.targetCounts() == expected(try await place.sourceCounts(), without: Self.misfits))
            #expect(
                try await place.postgres(
                    """
                    SELECT n.nspname || ' ' || count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'strata')
                    GROUP BY n.nspname ORDER BY n.nspname
                    """) == [
                        "auth 8", "billing 7", "content 1", "contractors 8", "geo 2", "marketplace 9", "messaging 3",
                        "notifications 4", "pricing 6", "public 1", "reviews 2",
                    ])
            #expect(try await place.validKeys() == ["66"])
            let plan = try await place.strata("plan", "--format", "json")
            #expect(plan.code == 0 && plan.output.contains("build_index"), "\(plan)")
            #expect(!plan.output.contains("move_table"))
            try await layOut(place, accepting: [])
            let again = try await place.strata("import", "sqlite", "ath.db", "--verify")
            #expect(again.code == 0 && again.output.contains("marketplace.\"Project\""), "\(again)")
            // The way back, S4.33: what the layout did, then what the import did.
            let back = try await place.strata("rollback", "--yes")
            #expect(back.code == 0, "\(back)")
            let anew = try await place.strata(
                "import", "sqlite", "ath.db", "--orm", "prisma", "--max-rejects", "4", "--restart")
            #expect(anew.code == 0 && anew.output.contains("51 tables, 17,632 rows, 4 rejected."), "\(anew)")
            try await layOut(place, accepting: [])
            // No old names: statements that name no schema find the tables by a search_path.
            let statements = try ImportAthPlace.workloadOnTables().filter { !$0.contains("\"public\".") }
            #expect(!statements.isEmpty)
            try await place.runAsApplication(statements, searchPath: "marketplace, auth")
        }
    }

    // MARK: Parts of the walk

    private func layOut(_ place: ImportAthPlace, accepting codes: [String]) async throws {
        let arguments = ["apply", "--yes"] + codes.flatMap { ["--accept", $0] }
        let applied = try await place.shop.program.start(arguments, timeout: 120).finish()
        #expect(applied.code == 0, "\(applied)")
        let verified = try await place.strata("verify")
        #expect(verified.code == 0, "\(verified)")
        #expect(try await place.validKeys() == ["66"])
    }

    /// Against what the generator says, or against SQLite's own answer.
    private func values(_ place: ImportAthPlace) async throws {
        // A column with milliseconds, ISO 8601 and raw SQL's form.
        for (table, rows) in [("AuditLog", 2000), ("Notification", 3000), ("Message", 1200)] {
            let right = try await place.postgres(
                """
                SELECT count(*)::text FROM (SELECT substring(id FROM '[0-9]+$')::int AS n, "createdAt" FROM "\(table)") AS t
                WHERE "createdAt" = timestamp '2025-05-01' + n * interval '1 minute'
                    + CASE WHEN n % 4 IN (0, 3) THEN n % 1000 ELSE 0 END * interval '1 millisecond'
                """)
            #expect(right == ["\(rows)"], "\(table)")
        }
        let forms = try await place.sqlite(
            "SELECT DISTINCT typeof(createdAt) || (createdAt LIKE '%T%+00:00') FROM AuditLog ORDER BY 1")
        #expect(forms == ["integer0", "text0", "text1"])
        // Booleans, also NULL.
        #expect(
            try await place.postgres("SELECT count(*)::text FROM \"Notification\" WHERE \"isRead\"")
                == (try await place.sqlite("SELECT sum(isRead) FROM Notification")))
        #expect(
            try await place.postgres(
                "SELECT coalesce(approved::text, 'NULL') || ' ' || count(*) FROM \"VerificationRequest\" GROUP BY approved ORDER BY 1"
            ) == ["NULL 15", "false 15", "true 30"])
        // '' and NULL.
        for column in ["Review.comment", "Session.previousVerifier"] {
            let names = column.split(separator: ".")
            let sql =
                "SELECT count(*) FILTER (WHERE \"\(names[1])\" = '') || ' ' || count(\"\(names[1])\") FROM \"\(names[0])\""
            let found = try await place.postgres(sql)
            #expect(found == (try await place.sqlite(sql)) && !found[0].hasPrefix("0 "), "\(column)")
        }
        // JSON, and what is none beside it.
        #expect(
            try await place.postgres("SELECT data->>'theme' FROM \"UserPreference\" WHERE \"userId\" = 'user2'") == [
                "tối"
            ])
        #expect(
            try await place.postgres(
                "SELECT metadata_text FROM \"AuditLog\" WHERE metadata_text <> '' AND metadata IS NULL ORDER BY 1")
                == ["ip=192.0.2.1", "ip=192.0.2.2", "ip=192.0.2.3", "ip=192.0.2.4"])
        let empty = try await place.sqlite("SELECT count(*) FROM AuditLog WHERE metadata = ''")
        #expect(try await place.postgres("SELECT count(*)::text FROM \"AuditLog\" WHERE metadata_text = ''") == empty)
        let none = try await place.sqlite("SELECT count(*) FROM AuditLog WHERE metadata IS NULL")
        #expect(
            try await place.postgres(
                "SELECT count(*)::text FROM \"AuditLog\" WHERE metadata IS NULL AND metadata_text IS NULL") == none)
        // The cycle and the tree.
        #expect(
            try await place.postgres(
                "SELECT count(*)::text FROM \"Project\" p JOIN \"Bid\" b ON b.id = p.\"selectedBidId\" AND b.\"projectId\" = p.id"
            ) == ["120"])
        #expect(
            try await place.postgres(
                "SELECT count(*)::text FROM \"Region\" r JOIN \"Region\" p ON p.id = r.\"parentId\" AND p.level = r.level - 1"
            )
                == ["175"])
        // Texts, to the byte; money, to the last bit.
        #expect(
            try await place.postgres("SELECT name FROM \"User\" ORDER BY id COLLATE \"C\"")
                == (try await place.sqlite("SELECT name FROM User ORDER BY id")))
        #expect(
            try await place.postgres("SELECT body FROM \"Message\" WHERE id = 'message100'")
                == ["Dòng một\ndòng\thai \\N \\."])
        #expect(
            try await place.postgres(
                "SELECT to_char(price, 'FM99999990.0000000000') FROM \"Material\" ORDER BY id COLLATE \"C\"")
                == (try await place.sqlite("SELECT printf('%.10f', price) FROM Material ORDER BY id")))
        #expect(
            try await place.postgres(
                "INSERT INTO \"LoginAttempt\" (email, succeeded) VALUES ('', true) RETURNING id::text") == ["806"])
        try await place.shop.database.execute("DELETE FROM \"LoginAttempt\" WHERE id = 806")
    }
}
