import Foundation
import Testing

@Suite struct InitCommandTests {
    /// As README tells a new user: DATABASE_URL, and no layout yet.
    @Test func withoutALayoutTheDatabaseOfTheEnvironmentIsRead() async throws {
        try await Workshop.with { shop in
            try FileManager.default.removeItem(at: shop.folder.appending(path: "strata.yaml"))
            let written = try await shop.program.run("init", "--suggest", "--out", "strata.yaml")
            #expect(written.code == 0, "\(written)")
            let layout = try String(contentsOf: shop.folder.appending(path: "strata.yaml"), encoding: .utf8)
            #expect(layout.contains("customers") && layout.contains("orders"), "\(layout)")
            #expect(!FileManager.default.fileExists(atPath: shop.folder.appending(path: ".strata").path))
            #expect(try await shop.program.run("plan").code == 0)
        }
    }

    @Test func aDatabaseUrlThatIsNoneIsNamedByItsVariable() async throws {
        try await Workshop.withFolder { program in
            var named = program
            named.environment["DATABASE_URL"] = "postgresql://[::1"
            let result = try await named.run("init")
            #expect(result.code == 1 && result.errors.contains("DATABASE_URL is not a connection string"), "\(result)")
        }
    }
}
