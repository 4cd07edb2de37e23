#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Stops a server and whatever a crashed one left.
struct ServerStop {
    let site: ServerSite
    let mode: StopMode
    let timeout: Duration

    /// - Returns: false when no server was running.
    func run() async throws -> Bool {
        guard let file = try await site.livePostmaster() else {
            try await site.endOrphans(timeout: timeout)
            return false
        }
        guard kill(file.pid, signal) == 0 || errno == ESRCH else {
            throw EmbeddedServerError(
                .stopFailed, "process \(file.pid) cannot be signalled: \(String(cString: strerror(errno)))",
                nextStep: "run this as user \(site.account.name) or as root")
        }
        let deadline = ContinuousClock.now + timeout
        while isAlive(file.pid) {
            guard ContinuousClock.now < deadline else {
                throw EmbeddedServerError(
                    .timedOut, "the server (process \(file.pid)) has not ended within \(timeout.components.seconds) s",
                    nextStep: "end its clients, or stop it with mode \(mode == .smart ? "fast" : "immediate")",
                    log: try await site.lastLogLines())
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        // After an immediate stop the last children may need a moment more.
        try await site.endOrphans(timeout: timeout)
        return true
    }

    private var signal: Int32 {
        switch mode {
        case .smart: SIGTERM
        case .fast: SIGINT
        case .immediate: SIGQUIT
        }
    }
}
