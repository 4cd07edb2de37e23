import Foundation
import PostgresDriver
import TestSupport
import Testing

/// A SQLite file that Django made: into the tables that its migrations make in PostgreSQL, where Django finds the same objects.
@Suite("Import: Django") struct ImportDjangoTests {
    private static let packages = Result { try ImportApplication.packages("scripts/django", "STRATA_DJANGO") }

    private func with(_ body: (ImportWorkshop, ImportApplication) async throws -> Void) async throws {
        try await ImportWorkshop.with(nil) { shop in
            let django = try ImportApplication.python("Django", in: shop, packages: Self.packages.get())
            try await django.run("makemigrations", "shelter")
            try await django.run("migrate")
            try await django.run("fill")
            try await body(shop, django)
        }
    }

    @Test("S4.32 Into the tables of migrate: Django reads the same objects from PostgreSQL, and makes new ones")
    func migrated() async throws {
        try await with { shop, django in
            let objects = try await django.run("dump")
            #expect(objects.split(separator: "\n").count > 1200)
            try await django.run("migrate", onPostgres: true)
            let result = try await shop.run("--orm", "django", "--quiet")
            #expect(result.code == 0, "\(result)")
            #expect(!result.output.contains("schema: "), "both sides have what Django's models demand: \(result)")
            #expect(try shop.rejects().isEmpty)
            try await django.expectSame(as: objects)
            // 300 were made, and the last ones deleted.
            #expect(try await django.run("more", onPostgres: true) == "295 301 8\n")
            try await django.run("check", onPostgres: true)
            try await django.run("makemigrations", "--check", "--dry-run", onPostgres: true)
            let verified = try await shop.run("--verify", "--quiet")
            #expect(verified.code == 4, "new objects are told: \(verified)")
        }
    }

    @Test("Without migrations: all rows are there, and what is not carried over is named")
    func made() async throws {
        try await with { shop, _ in
            let result = try await shop.run("--orm", "django", "--quiet", "--format", "json")
            #expect(result.code == 0, "\(result)")
            let tables = try #require(try object(result.output)["tables"] as? [[String: Any]])
            for table in tables {
                let name = try #require(table["table"] as? String)
                let rows = try shop.source("SELECT count(*) FROM \"\(name)\"")[0]
                #expect(table["read"] as? Int == Int(rows) && table["loaded"] as? Int == Int(rows), "\(name)")
            }
            let skipped = try object(result.output)["skipped"] as? [String: String]
            #expect(tables.count == 14 && skipped?.keys.sorted() == ["django_migrations"], "\(tables.count)")
            let types = try await shop.texts(
                "SELECT attname || ' ' || format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'shelter_animal'::regclass AND attname IN ('token', 'arrived', 'tame', 'legs', 'photo') ORDER BY 1"
            )
            #expect(
                types == [
                    "arrived timestamp with time zone", "legs bigint", "photo bytea", "tame boolean", "token uuid",
                ])
        }
    }
}
