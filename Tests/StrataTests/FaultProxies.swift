import Foundation
import PostgresDriver
import Synchronization
import TestSupport
import Testing

/// Proxies as processes of their own, which can be killed, frozen, and started again.
final class FaultProxies: Sendable {
    private struct One {
        var running: RunningProgram
        var port: Int
    }

    private let site: FaultSite
    private let all = Mutex<[One]>([])

    private init(_ site: FaultSite) { self.site = site }

    static func with(
        _ count: Int, of site: FaultSite, _ body: (FaultProxies) async throws -> Void
    ) async throws {
        let proxies = FaultProxies(site)
        do {
            for _ in 0..<count {
                let one = try await proxies.start()
                proxies.all.withLock { $0.append(one) }
            }
            try await body(proxies)
        } catch {
            await proxies.end()
            throw error
        }
        await proxies.end()
    }

    private func start() async throws -> One {
        let running = try site.program.start(["proxy", "--listen", "127.0.0.1:0"], timeout: 900)
        var port: Int?
        try await eventually("the proxy listens") {
            port = running.errorsSoFar.firstMatch(of: /listening on 127\.0\.0\.1:(\d+) for/).flatMap { Int($0.1) }
            return port != nil
        }
        return One(running: running, port: try #require(port))
    }

    /// Where clients of this one connect.
    func place(_ number: Int) -> FaultJournal.Place {
        { [self] in
            let port = all.withLock { $0[number].port }
            return try? ConnectionSettings(
                "host=127.0.0.1 port=\(port) user=\(site.source.user) dbname=main sslmode=disable")
        }
    }

    func signal(_ number: Int, _ signal: Int32) { all.withLock { $0[number].running }.signal(signal) }

    /// After it was killed, on another port.
    func startAgain(_ number: Int) async throws {
        _ = try await all.withLock { $0[number].running }.finish()
        let one = try await start()
        all.withLock { $0[number] = one }
    }

    func thaw() { for one in all.withLock({ $0 }) { one.running.signal(SIGCONT) } }

    private func end() async {
        thaw()
        for one in all.withLock({ $0 }) {
            one.running.signal(SIGKILL)
            _ = try? await one.running.finish()
        }
    }

    /// Until all of them know where the schema is, and could take part in a switch.
    func follow(_ count: Int) async throws {
        try await eventually("\(count) proxies follow") {
            try await site.rows(
                site.source,
                """
                SELECT count(*) FROM strata.followers f JOIN pg_stat_activity a ON a.pid = f.pid
                 WHERE a.application_name = 'strata follower ' || f.id AND f.problem IS NULL
                   AND f.epoch = (SELECT max(epoch) FROM strata.routes)
                """) == [["\(count)"]]
        }
    }
}
