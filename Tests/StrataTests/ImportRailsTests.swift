import Foundation
import PostgresDriver
import TestSupport
import Testing

/// A SQLite file that Rails' ActiveRecord made: into the tables that its migrations make in PostgreSQL, and into none.
@Suite("Import: Rails") struct ImportRailsTests {
    private func with(_ body: (ImportWorkshop, ImportApplication, String) async throws -> Void) async throws {
        try await ImportWorkshop.with(nil) { shop in
            try ImportApplication.copy("Rails", to: shop)
            let rails = ImportApplication(shop: shop, command: ["ruby", "manage.rb"])
            let objects = try await rails.run("migrate", "fill", "dump")
            #expect(objects.split(separator: "\n").count > 700)
            try await body(shop, rails, objects)
        }
    }

    @Test("S4.32 Into the tables of its migrations: ActiveRecord reads the same objects, and makes new ones")
    func migrated() async throws {
        try await with { shop, rails, objects in
            try await rails.run("migrate", onPostgres: true)
            let unread = try await shop.run("--quiet")
            #expect(unread.code == 6 && unread.prose.contains("nothing was changed"), "times of day: \(unread)")
            let review = try await shop.run("--review")
            #expect(review.prose.contains("unit: since-2000") && review.prose.contains("see --orm rails"))
            let result = try await shop.run("--orm", "rails", "--quiet", "--format", "json")
            #expect(result.code == 0, "\(result)")
            #expect(try shop.rejects().isEmpty)
            let skipped = try object(result.output)["skipped"] as? [String: String]
            #expect(skipped?.keys.sorted() == ["ar_internal_metadata", "schema_migrations"])
            try await rails.expectSame(as: objects)
            // Two trains of 300 were deleted. Afterwards no migration is to be done.
            #expect(try await rails.run("more", "migrate", onPostgres: true) == "1 1 waiting two\nfalse\n")
        }
    }

    @Test("Without tables: ActiveRecord reads the same objects")
    func made() async throws {
        try await with { shop, rails, objects in
            let result = try await shop.run("--orm", "rails", "--quiet")
            #expect(result.code == 0, "\(result)")
            let types = try await shop.texts(
                "SELECT attname || ' ' || format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'trains'::regclass AND attname IN ('leaves', 'exact_at', 'facts', 'price', 'freight', 'state') ORDER BY 1"
            )
            #expect(
                types == [
                    "exact_at timestamp(6) without time zone", "facts jsonb", "freight boolean",
                    "leaves time without time zone", "price numeric(10,2)", "state bigint",
                ])
            try await rails.expectSame(as: objects)
        }
    }
}
