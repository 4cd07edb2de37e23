import Foundation
import PostgresDriver
import Testing

@testable import TestSupport

/// The target's disk fills up while a schema is copied. Needs to be root, for a small file system of its own.
@Suite("Split: disk full", .enabled("root may mount a file system", { await FaultTools.mayMount() }))
struct SplitDiskFullTests {
    private static let rows = """
        INSERT INTO billing.invoices (client, number, note)
        SELECT -1, n, (SELECT string_agg(md5(n::text || k), '') FROM generate_series(1, 8) k) FROM generate_series(1, 120000) n
        """

    @Test(
        "The disk of the target is full: the split says so, the source goes on, and once there is room so does the split"
    )
    func tablespace() async throws {
        try await FaultServers.with { site, servers in
            try await withDisk("24m", servers) { disk in
                try await servers.target.execute(0, "CREATE TABLESPACE small LOCATION '\(disk)/space'")
                try await servers.target.execute(0, "CREATE DATABASE books TABLESPACE small")
                var program = site.program
                program.environment["BOOKS_URL"] = servers.target.url(of: 0).replacing("/postgres", with: "/books")
                let small = FaultSite(
                    program: program, source: site.source, target: try site.target.settings(["dbname": "books"]))
                try await fills(small) { try await FaultTools.run("mount", "-o", "remount,size=256m", disk) }
                try await servers.target.execute(0, "DROP DATABASE books WITH (FORCE)")
            }
        }
    }

    /// - Parameter makeRoom: of the target.
    private func fills(_ site: FaultSite, makeRoom: () async throws -> Void) async throws {
        _ = try await site.rows(site.source, Self.rows)
        let journal = try await FaultJournal.with([0: { site.source }, 1: { site.source }]) { journal in
            try await journal.more([0, 1])
            let full = try await site.run("split", "billing")
            #expect(full.code == 5 && full.words.contains("No space left on device"), "\(full)")
            #expect(full.words.contains("strata split"), "what to do next: \(full)")
            try await journal.more([0, 1])
            let status = try await site.run("split", "status")
            #expect(status.code == 0 && status.words.contains("No space left on device"), "\(status)")
            let still = try await site.run("split", "billing")
            #expect(still.code == 5 && still.words.contains("No space left on device"), "\(still)")
            try await makeRoom()
            let done = try await site.run("split", "billing")
            #expect(done.code == 0, "\(done)")
            try await site.requireOneHome("main")
            try await site.finish("split", "diff", "billing")
            try await journal.more([0, 1])
            return journal
        }
        #expect(journal.result.failures.isEmpty, "the source had trouble: \(journal.result.failures)")
        try await site.verify(journal)
        // A subscription would keep the database from being dropped.
        let cancel = try await site.run("split", "cancel", "billing")
        #expect(cancel.code == 0, "\(cancel)")
    }

    private func withDisk(
        _ size: String, _ servers: FaultServers, _ body: (String) async throws -> Void
    ) async throws {
        let disk = "\(servers.target.folder)/disk"
        try await servers.target.shell.run(["mkdir", disk])
        try await FaultTools.run("mount", "-t", "tmpfs", "-o", "size=\(size),mode=0777", "tmpfs", disk)
        do {
            try await servers.target.shell.run(["mkdir", "-m", "700", "\(disk)/space"])
            try await body(disk)
        } catch {
            try? await servers.target.stop(0)
            _ = try? await FaultTools.run("umount", "-l", disk)
            throw error
        }
        try await servers.target.stop(0)
        try await FaultTools.run("umount", disk)
    }
}
