import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The processes of one cluster.
///
/// A number in `postmaster.pid` proves nothing: after a crash or a reboot another program can have it. A process is
/// taken for a server of this cluster when it is called postgres and its working directory is the data folder, which
/// holds for the postmaster and all its children. The question is asked as the server's user, because in a container
/// even root may not look at processes of others.
extension ServerSite {
    /// The numbers of all such processes; dead ones that nobody has collected yet are not among them.
    func serverProcesses() async throws -> [Int32] {
        #if os(Linux)
            let script = """
                for p in /proc/[0-9]*; do
                    [ "$p/cwd" -ef "$1" ] && read -r name <"$p/comm" && [ "$name" = postgres ] && echo "${p#/proc/}"
                done 2>/dev/null; true
                """
        #else
            let script =
                "here=$(cd -- \"$1\" && pwd -P) || exit 0; "
                + "/usr/sbin/lsof -a -d cwd -c postgres -Fpn 2>/dev/null | "
                + "awk -v d=\"n$here\" '/^p/ { p = substr($0, 2) } $0 == d { print p }'; true"
        #endif
        let answer = try await shell(script, [data.string])
        // No answer must not pass for "nothing runs": what follows may remove the server's files.
        guard answer.succeeded else {
            throw EmbeddedServerError(
                .startFailed, "cannot look for servers as user \(account.name)",
                nextStep: "check that this user can run /bin/sh", log: [answer.errors])
        }
        return answer.output.split(separator: "\n").compactMap { Int32($0) }
    }

    /// What is in `postmaster.pid`, whether or not it still holds.
    func postmasterFile() -> PostmasterFile? {
        Files.read(data.appending("postmaster.pid").string).flatMap(PostmasterFile.init)
    }

    /// The running server's own words; nil when none runs.
    func livePostmaster() async throws -> PostmasterFile? {
        guard let file = postmasterFile() else { return nil }
        return try await serverProcesses().contains(file.pid) ? file : nil
    }

    /// Ends what a crashed server left running, so that the next one gets the shared memory. Children of a dead
    /// postmaster go by themselves as soon as they notice; one in the middle of a long statement may not.
    func endOrphans(timeout: Duration) async throws {
        var orphans = try await serverProcesses()
        for signal in [nil, SIGTERM, SIGQUIT, SIGKILL] where !orphans.isEmpty {
            if let signal { for pid in orphans { kill(pid, signal) } }
            let deadline = ContinuousClock.now + min(timeout, .seconds(5))
            while !orphans.isEmpty, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(50))
                orphans = try await serverProcesses()
            }
        }
        guard orphans.isEmpty else {
            let list = orphans.map(String.init).joined(separator: ", ")
            throw EmbeddedServerError(
                .busy, "processes \(list) of an earlier server still use \(data) and cannot be ended",
                nextStep: "find out what holds them (ps -fp \(orphans[0])), then start again")
        }
    }

    /// Clears what would make PostgreSQL believe that a server is running. It sees to a dead number itself; one that
    /// another program now has, or that a dead process nobody collected still holds, makes it refuse to start.
    ///
    /// Call only after ``livePostmaster()`` and ``endOrphans(timeout:)`` have found nothing.
    func clearStaleFiles(socketFolder: String) async throws {
        guard let file = postmasterFile(), kill(file.pid, 0) == 0 || errno == EPERM else { return }
        // The shared memory is found by the data folder as well, so a server that still runs would be noticed.
        let script = """
            rm -f -- "$1/postmaster.pid"
            for lock in "$2"/.s.PGSQL.*.lock; do
                grep -qxF -- "$1" "$lock" && rm -f -- "$lock" "${lock%.lock}"
            done 2>/dev/null; true
            """
        _ = try await shell(script, [data.string, socketFolder])
    }
}

/// Whether a process is there and not merely a dead one waiting to be collected, as in a container without an init.
func isAlive(_ pid: Int32) -> Bool {
    guard kill(pid, 0) == 0 || errno == EPERM else { return false }
    #if os(Linux)
        guard let text = Files.read("/proc/\(pid)/stat", limit: 1024), let end = text.lastIndex(of: ")") else {
            return false
        }
        let state = text[text.index(after: end)...].first { $0 != " " }
        return state != "Z" && state != "X"
    #else
        return true
    #endif
}
