import Engine
import Foundation
import SystemPackage

/// Runs programs and signals processes as the user that the servers of a cluster run as.
struct ClusterShell: Sendable {
    /// The folder of PostgreSQL's programs.
    let programs: String
    /// PostgreSQL refuses root; for anybody else it is the caller.
    private let account: String?

    static func find() async throws -> ClusterShell {
        let installation = try await PostgresInstallation.find(environment: ProcessInfo.processInfo.environment)
        guard geteuid() == 0 else { return ClusterShell(programs: installation.programs.string, account: nil) }
        let account = getpwnam("postgres") == nil ? "nobody" : "postgres"
        return ClusterShell(programs: installation.programs.string, account: account)
    }

    static func newFolder() -> String { "/tmp/strata-cluster-\(String(UInt64.random(in: 0...UInt64.max), radix: 36))" }

    struct Failed: Error, CustomStringConvertible {
        let description: String
    }

    /// Runs a program to its end and gives what it printed.
    ///
    /// By `posix_spawn` and files instead of Foundation's Process and pipes: a server that a test starts at the same
    /// time would inherit the ends of a pipe, and nobody would ever see the end of what is read from it.
    @discardableResult
    func run(_ line: [String], input: String = "") async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Result { try runBlocking(line, input) })
            }
        }
    }

    private func runBlocking(_ line: [String], _ input: String) throws -> String {
        let (stdin, output) = (try Self.unnamedFile(), try Self.unnamedFile())
        defer {
            close(stdin)
            close(output)
        }
        guard pwrite(stdin, input, input.utf8.count, 0) == input.utf8.count else {
            throw Failed(description: "cannot write a temporary file")
        }
        var status: Int32 = 0
        let pid = try spawn(line, stdin, output)
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let length = pread(output, &bytes, bytes.count, 0)
        let text = String(decoding: bytes.prefix(max(0, length)), as: UTF8.self)
        guard status == 0 else { throw Failed(description: "\(line.prefix(4)) ended with status \(status): \(text)") }
        return text
    }

    private func spawn(_ line: [String], _ stdin: Int32, _ output: Int32) throws -> pid_t {
        var words = ["/bin/sh", "-c", "cd / && exec \"$@\"", "sh"]
        if let account { words += ["setpriv", "--reuid=\(account)", "--regid=\(account)", "--clear-groups", "--"] }
        words += line
        let environment = ProcessInfo.processInfo.environment
        var variables = ["LC_ALL=C", "PATH=\(environment["PATH"] ?? "/usr/bin:/bin")"]
        if let libraries = environment["LD_LIBRARY_PATH"] { variables.append("LD_LIBRARY_PATH=\(libraries)") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, stdin, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        // A server would keep a client's socket open that the test has closed, and who serves it would never see its
        // end; and PostgreSQL does not start with a thousand files open.
        for descriptor in Self.openDescriptors() where descriptor > 2 {
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }
        let (arguments, values) = ((words.map { strdup($0) }) + [nil], (variables.map { strdup($0) }) + [nil])
        defer { for text in arguments + values { free(text) } }
        var pid: pid_t = 0
        let failure = posix_spawn(&pid, "/bin/sh", &actions, nil, arguments, values)
        guard failure == 0 else { throw Failed(description: "cannot run \(line[0]): error \(failure)") }
        return pid
    }

    private static func openDescriptors() -> [Int32] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/dev/fd")) ?? []).compactMap { Int32($0) }
    }

    /// Without a name from the start, and not for any child but the one that gets a copy.
    private static func unnamedFile() throws -> Int32 {
        let path = newFolder() + ".tmp"
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failed(description: "cannot make \(path)") }
        unlink(path)
        return descriptor
    }

    /// Has a shell wait for the end of this process, however it comes, and then end and remove what is in the folder.
    /// It also ends when the folder is gone.
    func watch(_ folder: String) throws {
        let script = """
            while [ -d "$2" ]; do
                case "$(ps -o stat= -p "$1" 2>/dev/null)" in ''|Z*) break ;; esac
                sleep 1
            done
            for file in "$2"/*/postmaster.pid; do
                [ -f "$file" ] || continue
                read -r pid <"$file"
                kill -CONT "$pid" $(ps -o pid= --ppid "$pid") 2>/dev/null
                kill -QUIT "$pid"
            done
            sleep 1
            rm -rf -- "$2"
            """
        let nothing = open("/dev/null", O_RDWR | O_CLOEXEC)
        defer { close(nothing) }
        let pid = try spawn(["sh", "-c", script, "watchdog", "\(getpid())", folder], nothing, nothing)
        // Collected when it ends, which may be after everything here.
        Thread.detachNewThread { waitpid(pid, nil, 0) }
    }

    // MARK: Files

    func makeFolder(_ folder: String) async throws { try await run(["mkdir", "-m", "700", folder]) }

    func append(_ text: String, to file: String) async throws {
        try await run(["sh", "-c", "umask 077; cat >>\"$1\"", "sh", file], input: text)
    }

    func remove(_ folder: String) async { _ = try? await run(["rm", "-rf", "--", folder]) }

    // MARK: Processes

    /// The process of the server in that data folder; nil when none runs.
    func postmaster(_ data: String) -> Int32? {
        guard let text = try? String(contentsOfFile: "\(data)/postmaster.pid", encoding: .utf8),
            let pid = text.split(separator: "\n").first.flatMap({ Int32($0) }), isRunning(pid)
        else { return nil }
        return pid
    }

    /// Not so for one that has ended and that nobody collects, as in a container without an init.
    func isRunning(_ pid: Int32) -> Bool {
        guard Foundation.kill(pid, 0) == 0 || errno == EPERM else { return false }
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else {
            return !FileManager.default.fileExists(atPath: "/proc/self/stat")
        }
        return text.split(separator: ")").last.map { !$0.hasPrefix(" Z") && !$0.hasPrefix(" X") } ?? false
    }

    func kill(_ pid: Int32, _ signal: Int32) { _ = Foundation.kill(pid, signal) }

    func children(of pid: Int32) async throws -> [Int32] {
        // Without a match pgrep ends with 1.
        let text = try await run(["sh", "-c", "pgrep -P \"$1\" || true", "sh", "\(pid)"])
        return text.split(separator: "\n").compactMap { Int32($0) }
    }

    static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Failed(description: "no socket") }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let done = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard done else { throw Failed(description: "no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
