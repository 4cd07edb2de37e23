import Foundation

/// A program that ran as a child: how long, and the most memory that it ever had.
struct ChildRun: Sendable {
    var seconds: Double
    /// Processor time of the child alone, which other load on the machine does not change much.
    var cpuSeconds: Double
    /// Peak resident set, as the kernel counted it for this child alone.
    var peakBytes: Int
    var status: Int32

    var peakMegabytes: Int { peakBytes / 1_000_000 }

    /// Waits for the program. Its standard output goes to the file (default: nowhere), its errors to ours.
    static func run(
        _ arguments: [String], environment: [String: String] = [:], output: String = "/dev/null"
    ) throws -> ChildRun {
        let begun = ContinuousClock.now
        let pid = try start(arguments, environment: environment, output: output)
        var status: Int32 = 0
        var usage = rusage()
        while wait4(pid, &status, 0, &usage) < 0 {
            guard errno == EINTR else { throw BenchFailure("cannot wait for \(arguments[0])") }
        }
        let seconds = (ContinuousClock.now - begun).inSeconds
        #if os(Linux)
            let unit = 1024
        #else
            let unit = 1
        #endif
        return ChildRun(
            seconds: seconds, cpuSeconds: usage.ru_utime.inSeconds + usage.ru_stime.inSeconds,
            peakBytes: Int(usage.ru_maxrss) * unit,
            // A program that a signal ended did not succeed either.
            status: status & 0x7F != 0 ? 128 + status & 0x7F : (status >> 8) & 0xFF)
    }

    /// Starts the program, and does not wait for it. Whatever we do with signals, it takes them as usual.
    static func start(
        _ arguments: [String], environment: [String: String] = [:], output: String, errors: String? = nil
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        if let errors { posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o600) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var usual = sigset_t()
        sigemptyset(&usual)
        for number in [SIGINT, SIGTERM] { sigaddset(&usual, number) }
        posix_spawnattr_setsigdefault(&attributes, &usual)
        // Threads that run tasks block signals, and a child would inherit that: pgbench would not hear its alarm.
        var blocked = sigset_t()
        sigemptyset(&blocked)
        posix_spawnattr_setsigmask(&attributes, &blocked)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        let whole = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let words = arguments.map { strdup($0) } + [nil]
        let variables = whole.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (words + variables).forEach { free($0) } }
        var pid = pid_t()
        let failure = posix_spawnp(&pid, arguments[0], &actions, &attributes, words, variables)
        guard failure == 0 else {
            throw BenchFailure("cannot run \(arguments[0]): \(String(cString: strerror(failure)))")
        }
        return pid
    }

    /// Like `run`, and throws when the program fails.
    @discardableResult
    static func mustRun(
        _ arguments: [String], environment: [String: String] = [:], output: String = "/dev/null"
    ) throws -> ChildRun {
        let run = try run(arguments, environment: environment, output: output)
        guard run.status == 0 else {
            throw BenchFailure("\(arguments.prefix(2).joined(separator: " ")) failed (\(run.status))")
        }
        return run
    }

    /// This program, to run itself again, and `strata` beside it.
    static var ownPath: String { Bundle.main.executablePath ?? CommandLine.arguments[0] }
    static var strataPath: String {
        URL(fileURLWithPath: ownPath).deletingLastPathComponent().appendingPathComponent("strata").path
    }
}

extension timeval {
    fileprivate var inSeconds: Double { Double(tv_sec) + Double(tv_usec) / 1_000_000 }
}
