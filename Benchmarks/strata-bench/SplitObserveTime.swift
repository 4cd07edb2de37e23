import Foundation
import Planning
import PostgresDriver

/// Processor time of `strata proxy` per transaction with observing on and off: the same layout, with the schema placed on
/// another database that does not have it yet, and without.
struct SplitObserveTime {
    /// Of the time without.
    static let target = 1.05
    private static let database = "bench_bank"
    private static let variable = "STRATA_BENCH_URL"
    private static let otherVariable = "STRATA_BENCH_OTHER_URL"

    private enum Way: String, CaseIterable { case off, on }
    private enum Script: String, CaseIterable {
        case single = "one SELECT"
        case transaction = "transaction of two"

        var text: String {
            let first = "SELECT balance FROM bank.accounts WHERE id = :id;"
            return switch self {
            case .single: "\\set id random(1, 100000)\n\(first)\n"
            case .transaction:
                "\\set id random(1, 100000)\nBEGIN;\n\(first)\nSELECT name FROM bank.branches WHERE id = :id % 100 + 1;\nCOMMIT;\n"
            }
        }
    }

    let rounds: Int
    let seconds: Int

    func run(_ pair: SplitPair, _ interruption: Interruption) async throws -> [ResultLine] {
        try await prepare(pair)
        var ports: [Way: Int] = [:]
        var proxies: [Way: BackgroundProcess] = [:]
        defer { for proxy in proxies.values { proxy.stop() } }
        for way in Way.allCases {
            let port = try WireClient.freePort()
            ports[way] = port
            proxies[way] = try start(way, port, pair)
            try await proxies[way]?.waitUntilListening(port: port)
        }
        try await checkThatOneObserves(pair)
        var lines: [ResultLine] = []
        for script in Script.allCases {
            let file = "\(pair.folder)/\(script).sql"
            try script.text.write(toFile: file, atomically: true, encoding: .utf8)
            for mode in [PgBenchMode.simple, .prepared] {
                progress("  observe: \(script.rawValue), \(mode)")
                var times: [Way: [Double]] = [:]
                // The first of each is for caches.
                for round in 0...rounds {
                    // Another one is first each time.
                    for way in round.isMultiple(of: 2) ? Way.allCases : Way.allCases.reversed() {
                        try interruption.check()
                        guard let proxy = proxies[way], let port = ports[way] else { continue }
                        let before = try proxy.usage().total
                        let run = try PgBenchRun(
                            mode, clients: 16, threads: 1, seconds: seconds, database: "main", script: file,
                            environment: pair.source.environment(port: port, "main"), folder: pair.folder)
                        let time = (try proxy.usage().total - before) * 1_000_000 / Double(run.transactions)
                        if round > 0 { times[way, default: []].append(time) }
                    }
                }
                lines += self.lines(script, mode, times)
            }
        }
        return lines
    }

    private func lines(_ script: Script, _ mode: PgBenchMode, _ times: [Way: [Double]]) -> [ResultLine] {
        let (off, on) = (times[.off] ?? [], times[.on] ?? [])
        let ratio = zip(on, off).map { $0 / $1 }.median ?? .nan
        return [
            ResultLine(
                what: "observe, \(script.rawValue), \(mode): off, on",
                figure: "\(microseconds(off.median ?? .nan)), \(microseconds(on.median ?? .nan))",
                value: on.median),
            .ratio("  observe, \(script.rawValue), \(mode): on, of off", ratio, most: Self.target),
        ]
    }

    private func prepare(_ pair: SplitPair) async throws {
        try await pair.source.server.create(Self.database)
        try await pair.target.server.create(Self.database)
        try await pair.source.run(
            Self.database,
            [
                """
                CREATE SCHEMA bank; CREATE TABLE bank.accounts (id int PRIMARY KEY, balance int NOT NULL, filler text);
                CREATE TABLE bank.branches (id int PRIMARY KEY, name text NOT NULL);
                INSERT INTO bank.accounts SELECT n, 0, repeat('x', 80) FROM generate_series(1, 100000) n;
                INSERT INTO bank.branches SELECT n, 'branch ' || n FROM generate_series(1, 100) n;
                """, "VACUUM (FREEZE, ANALYZE)", "CHECKPOINT",
            ])
    }

    private func start(_ way: Way, _ port: Int, _ pair: SplitPair) throws -> BackgroundProcess {
        let file = "\(pair.folder)/observe-\(way).yaml"
        let pool = "pool: { mode: transaction, size: 16, max_clients: 100 }"
        try """
        strata: 1
        databases:
          main: { url: "${\(Self.variable)}", \(pool) }
          other: { url: "${\(Self.otherVariable)}", \(pool) }
        schemas:
          bank: { \(way == .on ? "database: other, " : "")tables: [accounts, branches] }
        routing: { listen: "127.0.0.1:\(port)", auth: { type: trust }, max_clients: 100 }

        """.write(toFile: file, atomically: true, encoding: .utf8)
        let environment = [
            Self.variable: pair.source.url(Self.database), Self.otherVariable: pair.target.url(Self.database),
        ]
        return try BackgroundProcess(
            "proxy-\(way)", [ChildRun.strataPath, "proxy", "--layout", file, "--loops", "1"], environment: environment,
            folder: pair.folder)
    }

    /// Else both would be measured without.
    private func checkThatOneObserves(_ pair: SplitPair) async throws {
        let connection = try await pair.source.server.connect(Self.database)
        var observers = 0
        for _ in 0..<300 {
            let isThere = try await connection.query("SELECT to_regclass('strata.observers') IS NOT NULL AS present")
            if try isThere.only().bool("present") {
                observers = try await connection.query("SELECT count(*) AS n FROM strata.observers").only().int("n")
            }
            if observers > 0 { break }
            try await Task.sleep(for: .milliseconds(100))
        }
        await connection.close()
        guard observers == 1 else { throw BenchFailure("\(observers) of 2 proxies observe, where one is to") }
    }
}
