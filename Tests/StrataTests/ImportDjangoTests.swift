import Foundation
import PostgresDriver
import TestSupport
import Testing

/// A SQLite file that Django made: into the tables that its migrations make in PostgreSQL, where Django finds the same objects.
@Suite("Import: Django") struct ImportDjangoTests {
    struct Unavailable: Error, CustomStringConvertible { var description: String }

    /// Where Django is: the folder that `STRATA_DJANGO` names, else the one that `scripts/django` makes.
    private static let packages = Result<String, any Error> {
        if let path = ProcessInfo.processInfo.environment["STRATA_DJANGO"], !path.isEmpty { return path }
        let process = Process()
        let output = Pipe()
        process.executableURL = TestServer.repository.appending(path: "scripts/django")
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Unavailable(description: "scripts/django failed; see what it printed")
        }
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func django(_ shop: ImportWorkshop, _ words: String..., onPostgres: Bool = false) async throws -> String {
        let own = ProcessInfo.processInfo.environment
        let url = try #require(shop.program.environment["DATABASE_URL"])
        // With the caller's home: it may be where its Python is.
        let environment = [
            "PYTHONPATH": try Self.packages.get(), "PYTHONDONTWRITEBYTECODE": "1", "HOME": own["HOME"] ?? "/",
            // Not a C part of another version that is installed.
            "APP_DATABASE": onPostgres ? url : "", "PSYCOPG_IMPL": "python",
        ]
        let result = try await shop.program.start(
            ["python3", "manage.py"] + words, environment: environment, executable: URL(filePath: "/usr/bin/env"),
            timeout: 120
        ).finish()
        try #require(result.code == 0, "manage.py \(words): \(result)")
        return result.output
    }

    private func with(_ body: (ImportWorkshop) async throws -> Void) async throws {
        try await ImportWorkshop.with(nil) { shop in
            let project = TestServer.repository.appending(path: "Tests/StrataTests/Django")
            for name in ["settings.py", "manage.py", "shelter"] {
                try FileManager.default.copyItem(
                    at: project.appending(path: name), to: shop.folder.appending(path: name))
            }
            _ = try await django(shop, "makemigrations", "shelter")
            _ = try await django(shop, "migrate")
            _ = try await django(shop, "fill")
            try await body(shop)
        }
    }

    @Test("S4.32 Into the tables of migrate: Django reads the same objects from PostgreSQL, and makes new ones")
    func migrated() async throws {
        try await with { shop in
            let objects = try await django(shop, "dump").split(separator: "\n")
            #expect(objects.count > 1200)
            _ = try await django(shop, "migrate", onPostgres: true)
            let result = try await shop.run("--orm", "django", "--quiet")
            #expect(result.code == 0, "\(result)")
            #expect(!result.output.contains("schema: "), "both sides have what Django's models demand: \(result)")
            #expect(try shop.rejects().isEmpty)
            let arrived = try await django(shop, "dump", onPostgres: true).split(separator: "\n")
            #expect(arrived.count == objects.count)
            for (here, there) in zip(arrived, objects) where here != there {
                Issue.record("\(there)\nbecame\n\(here)")
                break
            }
            // 300 were made, and the last ones deleted.
            #expect(try await django(shop, "more", onPostgres: true) == "295 301 8\n")
            _ = try await django(shop, "check", onPostgres: true)
            _ = try await django(shop, "makemigrations", "--check", "--dry-run", onPostgres: true)
            let verified = try await shop.run("--verify", "--quiet")
            #expect(verified.code == 4, "new objects are told: \(verified)")
        }
    }

    @Test("Without migrations: all rows are there, and what is not carried over is named")
    func made() async throws {
        try await with { shop in
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
