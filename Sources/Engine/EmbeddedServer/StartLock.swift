import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One start or stop of a server at a time, on this machine. The system lets go of the lock when its holder dies.
enum StartLock {
    /// Runs the body while nobody else holds the lock.
    /// - Throws: `.busy` when somebody else still does after `timeout`; what the body throws.
    static func hold<Answer>(
        _ site: ServerSite, timeout: Duration, _ body: () async throws -> Answer
    ) async throws -> Answer {
        let descriptor = try await acquire(site, timeout)
        defer { close(descriptor) }
        return try await body()
    }

    private static func acquire(_ site: ServerSite, _ timeout: Duration) async throws -> Int32 {
        let deadline = ContinuousClock.now + timeout
        while true {
            if let descriptor = try attempt(site) { return descriptor }
            guard ContinuousClock.now < deadline else {
                throw EmbeddedServerError(
                    .busy,
                    "another strata has been starting or stopping the server in \(site.home) for "
                        + "\(timeout.components.seconds) s",
                    nextStep: "wait for it, or find it (fuser -v \(site.lockFile)) and end it")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private static func attempt(_ site: ServerSite) throws -> Int32? {
        let path = site.lockFile.string
        let descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw site.unwritable(site.lockFile, Errno(rawValue: errno)) }
        // A server that is destroyed takes its lock file along: a lock on a file that is gone excludes nobody.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0,
            Files.entry(path)?.identity == Files.entry(of: descriptor)?.identity
        else {
            close(descriptor)
            return nil
        }
        return descriptor
    }
}
