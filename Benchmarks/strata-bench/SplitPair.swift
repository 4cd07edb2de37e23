import Foundation
import PostgresDriver

/// Schema `shop` in database `main` of one server, and database `other` of another one that it goes to.
final class SplitPair {
    static let main = "bench_main"
    static let other = "bench_other"
    private static let mainVariable = "STRATA_BENCH_URL"
    private static let otherVariable = "STRATA_BENCH_OTHER_URL"

    let source: SplitHost
    let target: SplitHost
    let folder: String
    let jobs: Int
    /// Of the data in `main`.
    private var shop: SplitShop?
    /// `strata split` has been run, and nothing has taken it back.
    private(set) var isFollowed = false

    init(folder: String, jobs: Int) async throws {
        self.folder = folder
        self.jobs = jobs
        source = try await SplitHost("source", folder: folder)
        target = try await SplitHost("target", folder: folder)
        try layout().write(toFile: layoutFile, atomically: true, encoding: .utf8)
    }

    func stop() {
        source.stop()
        target.stop()
    }

    // MARK: Layout

    private var layoutFile: String { "\(folder)/strata.yaml" }

    /// - Parameter routing: what `strata proxy` needs besides.
    func layout(routing: String = "") -> String {
        """
        strata: 1
        databases:
          main: { url: "${\(Self.mainVariable)}", pool: { mode: transaction, size: 16, max_clients: 100 } }
          other: { url: "${\(Self.otherVariable)}", pool: { mode: transaction, size: 16, max_clients: 100 } }
        schemas:
          shop: { database: other, tables: [\(SplitShop.tables.joined(separator: ", "))] }
        \(routing)

        """
    }

    var environment: [String: String] {
        [Self.mainVariable: source.url(Self.main), Self.otherVariable: target.url(Self.other)]
    }

    func proxy(_ port: Int) throws -> BackgroundProcess {
        let file = "\(folder)/proxy.yaml"
        let routing = "routing: { listen: \"127.0.0.1:\(port)\", auth: { type: trust }, max_clients: 100 }"
        try layout(routing: routing).write(toFile: file, atomically: true, encoding: .utf8)
        return try BackgroundProcess(
            "proxy", [ChildRun.strataPath, "proxy", "--layout", file], environment: environment, folder: folder)
    }

    // MARK: Data

    /// Database `main` anew, unless it has just that already.
    func make(_ wanted: SplitShop) async throws {
        guard shop != wanted else { return }
        try await reset()
        progress("  making \(wanted.megabytes) MB")
        shop = nil
        try await source.server.create(Self.main)
        try await wanted.load(source)
        shop = wanted
    }

    /// Nothing is split, and `other` is empty.
    func reset() async throws {
        if isFollowed {
            try strata("split", "cancel", "shop")
            isFollowed = false
        }
        if try await source.server.has(Self.main) {
            try await source.run(Self.main, ["DROP SCHEMA IF EXISTS strata CASCADE", "CHECKPOINT"])
        }
        try await target.server.create(Self.other)
    }

    @discardableResult
    func split() throws -> ChildRun {
        isFollowed = true
        return try strata("split", "shop", "--jobs", "\(jobs)", "--quiet")
    }

    @discardableResult
    func strata(_ words: String..., output: String = "/dev/null") throws -> ChildRun {
        try ChildRun.mustRun(command(words), environment: environment, output: output)
    }

    func command(_ words: String...) -> [String] { command(words) }

    private func command(_ words: [String]) -> [String] { [ChildRun.strataPath] + words + ["--layout", layoutFile] }

    /// Rows of each table: a copy that is not one must not be measured.
    func counts() async throws -> (source: [Int], target: [Int]) {
        func count(_ host: SplitHost, _ database: String) async throws -> [Int] {
            let connection = try await host.server.connect(database)
            var counts: [Int] = []
            for table in SplitShop.tables {
                counts.append(try await connection.query("SELECT count(*) AS n FROM shop.\(table)").only().int("n"))
            }
            await connection.close()
            return counts
        }
        return (try await count(source, Self.main), try await count(target, Self.other))
    }
}
