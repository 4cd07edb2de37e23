import Foundation
import PostgresDriver
import TestSupport
import Testing

/// A SQLite file that SQLAlchemy filled, with tables by Alembic: into those that it makes in PostgreSQL, and into none.
@Suite("Import: SQLAlchemy") struct ImportSQLAlchemyTests {
    private static let packages = Result {
        try ImportApplication.packages("scripts/sqlalchemy", "STRATA_SQLALCHEMY")
    }

    private func with(_ body: (ImportWorkshop, ImportApplication, String) async throws -> Void) async throws {
        try await ImportWorkshop.with(nil) { shop in
            let alchemy = try ImportApplication.python("SQLAlchemy", in: shop, packages: Self.packages.get())
            let objects = try await alchemy.run("migrate", "fill", "dump")
            #expect(objects.split(separator: "\n").count > 800)
            try await body(shop, alchemy, objects)
        }
    }

    @Test("S4.32 Into Alembic's tables: SQLAlchemy reads the same objects from PostgreSQL, and makes new ones")
    func migrated() async throws {
        try await with { shop, alchemy, objects in
            try await alchemy.run("migrate", onPostgres: true)
            let unread = try await shop.run("--quiet")
            #expect(unread.code == 6, "durations are no intervals of themselves: \(unread)")
            let review = try await shop.run("--review")
            #expect(review.prose.contains("unit: since-1970") && review.prose.contains("see --orm sqlalchemy"))
            // Of a sequence that only the application knows, nobody else can tell whose numbers it gives.
            #expect(review.prose.contains("number gets no number by itself there"), "\(review)")
            try Data("tables: { sailor: { columns: { number: { sequence: sailor_numbers } } } }".utf8)
                .write(to: shop.folder.appending(path: "map.yaml"))
            let result = try await shop.run("--orm", "sqlalchemy", "--mapping", "map.yaml", "--quiet")
            #expect(result.code == 0, "\(result)")
            #expect(try shop.rejects().isEmpty && !result.output.contains("not compared"), "\(result)")
            #expect(!result.output.contains("schema: "), "both sides have what the models demand: \(result)")
            try await alchemy.expectSame(as: objects)
            // Two ships of 300 were deleted, whose ids SQLite would give out again.
            #expect(try await alchemy.run("more", onPostgres: true) == "1 1 1 2 True\n")
            try await alchemy.run("migrate", onPostgres: true)
        }
    }

    @Test(
        "Without tables: SQLAlchemy reads the same objects, and makes new ones, where the mapping says what the file does not"
    )
    func made() async throws {
        try await with { shop, alchemy, objects in
            let review = try await shop.run("--review", "--orm", "sqlalchemy")
            #expect(review.prose.contains("stay: all of its times are near 1970: if they are SQLAlchemy's durations"))
            // What the application's own statements name.
            _ = try await shop.texts("CREATE TYPE rig AS ENUM ('SLOOP', 'KETCH')")
            _ = try await shop.texts("CREATE SEQUENCE sailor_numbers")
            try Data(
                """
                tables:
                  sailor: { columns: { number: { sequence: sailor_numbers } } }
                  ship:
                    columns:
                      rig: { type: rig }
                      stay: { type: interval, unit: since-1970 }
                      reported: { type: timestamptz }
                """.utf8
            ).write(to: shop.folder.appending(path: "map.yaml"))
            let result = try await shop.run("--orm", "sqlalchemy", "--mapping", "map.yaml", "--quiet")
            #expect(result.code == 0, "\(result)")
            let types = try await shop.texts(
                "SELECT attname || ' ' || format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'ship'::regclass AND attname IN ('token', 'arrived', 'reported', 'stay', 'papers', 'price', 'is_afloat', 'rig') ORDER BY 1"
            )
            #expect(
                types == [
                    "arrived timestamp without time zone", "is_afloat boolean", "papers jsonb", "price numeric(10,2)",
                    "reported timestamp with time zone", "rig rig", "stay interval", "token uuid",
                ])
            try await alchemy.expectSame(as: objects)
            #expect(try await alchemy.run("more", onPostgres: true) == "1 1 1 2 True\n")
        }
    }
}
