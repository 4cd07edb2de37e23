import Foundation
import Planning

/// Thousands of clients of which most do nothing: what each costs in memory, and whether those that work notice.
struct ProxyCrowd {
    /// Of an idle client, in bytes.
    static let targetBytes = 4_000
    private static let active = 200

    let clients: Int
    let seconds: Int
    let folder: String

    func run(_ target: ProxyTarget, _ interruption: Interruption) async throws -> [ResultLine] {
        try raiseLimit()
        var lines: [ResultLine] = []
        for contender in [ProxyContender.pgbouncer, .strata] {
            try interruption.check()
            progress("  \(grouped(clients)) clients of \(contender)")
            lines += try await measure(contender, target)
        }
        return lines
    }

    private func measure(_ contender: ProxyContender, _ target: ProxyTarget) async throws -> [ResultLine] {
        let instance = try await ProxyInstance(contender, target, clients: clients, folder: folder)
        defer { instance.stop() }
        guard let process = instance.process else { return [] }
        let login = instance.login()
        // Servers are open and caches filled before anything is counted.
        try WireClient(login).ask(WireClient.query("SELECT 1"))
        let before = try process.memory()
        var crowd: [WireClient] = []
        crowd.reserveCapacity(clients)
        for _ in 0..<clients {
            let client = try WireClient(login)
            // Idle is who has done something before.
            try client.ask(WireClient.query("SELECT 1"))
            crowd.append(client)
        }
        let after = try process.memory()
        let (asked, failures) = try work(crowd)
        return lines(contender, before, after, asked, failures)
    }

    private func lines(
        _ contender: ProxyContender, _ before: BackgroundProcess.Memory, _ after: BackgroundProcess.Memory,
        _ asked: Int, _ failures: [String]
    ) -> [ResultLine] {
        let resident = (after.resident - before.resident) / clients
        let proportional = (after.proportional - before.proportional) / clients
        let isOurs = contender == .strata
        let what = "\(grouped(clients)) clients of \(contender)"
        for failure in failures.prefix(3) { progress("  \(what): \(failure)") }
        return [
            ResultLine(
                what: "\(what): memory of each, idle",
                figure: "\(grouped(resident)) bytes resident, \(grouped(proportional)) proportional",
                target: isOurs ? "<= \(grouped(Self.targetBytes))" : nil,
                isMet: isOurs ? resident <= Self.targetBytes : nil, value: Double(resident)),
            ResultLine(
                what: "  \(contender): failures with \(Self.active) of them active for \(seconds) s",
                figure: "\(grouped(failures.count)) of \(grouped(asked)) statements", target: isOurs ? "0" : nil,
                isMet: isOurs ? failures.isEmpty && asked > 0 : nil, value: Double(failures.count)),
        ]
    }

    /// Some of them, spread over all, ask as fast as they are answered.
    /// - Returns: how many statements were answered, and what went wrong, also with those that do nothing.
    private func work(_ crowd: [WireClient]) throws -> (Int, [String]) {
        let workers = stride(from: 0, to: crowd.count, by: max(crowd.count / Self.active, 1)).prefix(Self.active)
            .map { crowd[$0] }
        var waiting = workers.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        var failures: [String] = []
        var asked = 0
        let end = ContinuousClock.now + .seconds(seconds)
        let query = WireClient.query("SELECT abalance FROM pgbench_accounts WHERE aid = 4711;")
        for worker in workers { try worker.send(query) }
        while waiting.contains(where: { $0.fd >= 0 }) {
            guard poll(&waiting, nfds_t(waiting.count), 10_000) > 0 else {
                failures += waiting.filter { $0.fd >= 0 }.map { _ in "no answer within 10 seconds" }
                break
            }
            let isOver = ContinuousClock.now >= end
            for index in waiting.indices where waiting[index].revents != 0 {
                do {
                    guard try workers[index].receivedAnswer() else { continue }
                    asked += 1
                    if isOver { waiting[index].fd = -1 } else { try workers[index].send(query) }
                } catch {
                    failures.append("\(error)")
                    waiting[index].fd = -1
                }
            }
        }
        return (asked, failures + lost(crowd))
    }

    /// Nobody has anything to hear any more, so whoever does has lost the connection.
    private func lost(_ crowd: [WireClient]) -> [String] {
        var all = crowd.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        guard poll(&all, nfds_t(all.count), 0) > 0 else { return [] }
        return all.filter { $0.revents != 0 }.map { _ in "an idle client lost its connection" }
    }

    /// A socket for each client here, and one there, where the limit is inherited.
    private func raiseLimit() throws {
        var limit = rlimit()
        #if canImport(Glibc)
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let resource = RLIMIT_NOFILE
        #endif
        let needed = rlim_t(clients + 300)
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < needed else { return }
        guard limit.rlim_max >= needed else {
            throw BenchFailure(
                "\(clients) clients need as many open files, and the limit is \(limit.rlim_max); try: ulimit -Hn \(needed)"
            )
        }
        limit.rlim_cur = needed
        guard setrlimit(resource, &limit) == 0 else { throw BenchFailure("cannot raise the limit of open files") }
    }
}
