import Foundation

/// A server that runs beside the measurement, and what the kernel counted for it and the processes below it.
final class BackgroundProcess {
    let name: String
    let pid: pid_t
    /// Where its errors go.
    private let log: String
    /// What asks it to end.
    private let ending: Int32
    private var hasEnded = false

    /// Processor time in seconds.
    struct Usage: Sendable {
        var user = 0.0
        var system = 0.0
        var total: Double { user + system }
    }

    /// Memory in bytes: all that is resident, and with shared pages divided among those who share them.
    struct Memory: Sendable {
        var resident = 0
        var proportional = 0
    }

    /// - Parameters:
    ///   - folder: for its log.
    ///   - ending: the signal that asks it to end.
    init(
        _ name: String, _ arguments: [String], environment: [String: String] = [:], folder: String,
        ending: Int32 = SIGTERM
    ) throws {
        self.name = name
        self.ending = ending
        log = "\(folder)/\(name).log"
        pid = try ChildRun.start(arguments, environment: environment, output: "/dev/null", errors: log)
    }

    deinit { stop() }

    // MARK: What it uses

    /// - Parameter includingEnded: also what its children used that have ended, as a server's sessions do.
    func usage(includingEnded: Bool = false) throws -> Usage {
        try Self.usage(of: pid, includingEnded: includingEnded)
    }

    /// Of a process that somebody else has started, with those below it.
    static func usage(of pid: pid_t, includingEnded: Bool = false) throws -> Usage {
        let tick = Double(sysconf(Int32(_SC_CLK_TCK)))
        return try family(of: pid).reduce(into: Usage()) { sum, pid in
            // After the name, which stands in brackets and may hold anything: the state is the third field. One may have
            // ended since we looked: its time is its parent's then.
            let fields = (try? status(of: pid)) ?? []
            guard fields.count > 14 else { return }
            let times = fields[11...14].map { (Double($0) ?? 0) / tick }
            sum.user += times[0] + (includingEnded ? times[2] : 0)
            sum.system += times[1] + (includingEnded ? times[3] : 0)
        }
    }

    func memory() throws -> Memory {
        try Self.family(of: pid).reduce(into: Memory()) { sum, pid in
            for line in try String(contentsOfFile: "/proc/\(pid)/smaps_rollup", encoding: .utf8).split(separator: "\n")
            {
                let words = line.split(separator: " ")
                guard words.count >= 2, let kilobytes = Int(words[1]) else { continue }
                if words[0] == "Rss:" { sum.resident += kilobytes * 1024 }
                if words[0] == "Pss:" { sum.proportional += kilobytes * 1024 }
            }
        }
    }

    private static func status(of pid: pid_t) throws -> [Substring] {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { throw BenchFailure("process \(pid) has ended, or this system has no /proc") }
        return text[text.index(after: end)...].split(separator: " ")
    }

    /// It and all processes that it has started.
    private static func family(of pid: pid_t) throws -> [pid_t] {
        _ = try status(of: pid)
        let all = try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }
        // One may end while we look.
        let parents = all.compactMap { child -> (pid_t, pid_t)? in
            guard let fields = try? status(of: child), fields.count > 1, let parent = pid_t(fields[1]) else {
                return nil
            }
            return (child, parent)
        }
        var found: Set<pid_t> = [pid]
        var count = 0
        while count != found.count {
            count = found.count
            for (child, parent) in parents where found.contains(parent) { found.insert(child) }
        }
        return found.sorted()
    }

    // MARK: Its end

    /// Waits until something listens, for 15 seconds at most.
    func waitUntilListening(port: Int) async throws {
        for _ in 0..<300 {
            guard !reap() else { throw BenchFailure("\(name) ended at once: \(lastWords)") }
            if WireClient.isListening(port: port) { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw BenchFailure("\(name) does not listen after 15 seconds: \(lastWords)")
    }

    private var lastWords: String {
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").suffix(3).joined(separator: " / ")
    }

    /// - Returns: whether it has ended.
    private func reap() -> Bool {
        var status: Int32 = 0
        if !hasEnded, waitpid(pid, &status, WNOHANG) == pid { hasEnded = true }
        return hasEnded
    }

    /// Asks it to end at once, and ends it, with all that it has started, if it takes longer than two seconds.
    func stop() {
        guard !reap() else { return }
        let members = (try? Self.family(of: pid)) ?? [pid]
        // SIGINT is what ends pgpool without waiting for its clients; the others take SIGTERM.
        kill(pid, name == ProxyContender.pgpool.rawValue ? SIGINT : ending)
        for _ in 0..<200 where !reap() { usleep(10_000) }
        guard !hasEnded else { return }
        for member in members { kill(member, SIGKILL) }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        hasEnded = true
    }
}
