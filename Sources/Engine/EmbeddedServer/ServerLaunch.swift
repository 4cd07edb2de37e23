import SystemPackage

/// Starts the postmaster and waits until it takes connections.
struct ServerLaunch {
    let site: ServerSite
    let installation: PostgresInstallation
    let deadline: ContinuousClock.Instant

    enum Outcome {
        case ready(PostmasterFile)
        /// The process ended before it was ready; the last lines of its log.
        case ended([String])
    }

    /// The server must outlive this program, so a shell starts it in a session of its own and ends. pg_ctl would put
    /// the paths into a command line between double quotes, where a `$` in the name of a folder means something.
    func run() async throws -> Outcome {
        let script = """
            mkdir -p "$1/log" && find "$1/log" -type f \\( -mtime +6 -o -size +65536 \\) -delete
            "$2" -D "$1" </dev/null >"$1/log/start.log" 2>&1 &
            echo $!
            """
        let answer = try await site.shell(
            script, [site.data.string, installation.program("postgres")], ownSession: true)
        guard let pid = answer.output.split(separator: "\n").last.flatMap({ Int32($0) }) else {
            throw EmbeddedServerError.explaining(
                answer.errors, in: site.data.string, or: .startFailed, "the server could not be launched",
                nextStep: "see the lines above, then start again")
        }
        while ContinuousClock.now < deadline {
            if let file = site.postmasterFile(), file.pid == pid, file.isReady { return .ready(file) }
            guard isAlive(pid) else { return .ended(try await site.lastLogLines()) }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw try await stillStarting(pid)
    }

    /// It is left running: after a crash it may be replaying a lot, and would begin again each time it is stopped.
    private func stillStarting(_ pid: Int32) async throws -> EmbeddedServerError {
        EmbeddedServerError(
            .timedOut, "the server in \(site.data) (process \(pid)) is not ready yet; it goes on starting",
            nextStep: "start again to wait for it, or stop it", log: try await site.lastLogLines())
    }
}

extension ServerSite {
    /// The last 20 lines of the log of the start, and of the log proper once the server has one.
    func lastLogLines() async throws -> [String] {
        let script = """
            cd -- "$1" 2>/dev/null || exit 0
            tail -n 20 start.log
            if grep -q 'redirecting log output' start.log; then
                newest=$(ls -t server-*.log | head -n 1)
                [ -n "$newest" ] && tail -n 20 -- "$newest"
            fi
            """
        let output = try await shell(script, [logFolder.string]).output
        return output.split(separator: "\n").map(String.init)
            .filter { !$0.contains("redirecting log output") && !$0.contains("Future log output will appear") }
            .suffix(20)
    }
}

/// What the log of a failed start says about its cause, where starting again can help.
enum StartObstacle: Equatable {
    case portTaken, oldProcesses

    init?(_ log: [String]) {
        func said(_ words: String...) -> Bool {
            log.contains { line in words.allSatisfy(line.contains) }
        }
        if said("could not bind IPv4 address", "Address already in use") || said("could not create any TCP/IP sockets")
        {
            self = .portTaken
        } else if said("pre-existing shared memory block") {
            self = .oldProcesses
        } else {
            return nil
        }
    }
}
