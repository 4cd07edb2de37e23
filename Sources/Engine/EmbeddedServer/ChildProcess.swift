import Subprocess

// Subprocess speaks the system's own FilePath where there is one.
#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// Runs one of PostgreSQL's programs, or a shell line, to its end: bounded in time and output, with an environment
/// that carries nothing of the caller's `PG*` variables.
enum ChildProcess {
    struct Outcome: Sendable {
        /// The exit code; a program that a signal ended has 128 + the signal, as in a shell.
        let code: Int
        let output: String
        let errors: String
        var succeeded: Bool { code == 0 }
    }

    /// - Parameters:
    ///   - program: absolute path.
    ///   - account: the user to run as; nil, or an account that is the caller's own, changes nothing.
    ///   - environment: where `PATH`, `TZ` and library paths are taken from.
    ///   - extra: variables that this program is to have, such as `PGPASSWORD`: others cannot see them.
    ///   - ownSession: detach from the terminal, for what must outlive the caller.
    /// - Throws: ``EmbeddedServerError`` `.timedOut` after `timeout`, `.startFailed` when it cannot be run at all.
    static func run(
        _ program: String, _ arguments: [String], as account: ServerAccount? = nil,
        environment: [String: String], extra: [String: String] = [:], ownSession: Bool = false, timeout: Duration
    ) async throws -> Outcome {
        let first = try await withThrowingTaskGroup(of: Outcome?.self) { group in
            group.addTask {
                try await collect(program, arguments, account, variables(environment, extra), ownSession)
            }
            group.addTask {
                try await Task.sleep(for: timeout)
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
        if let first { return first }
        throw EmbeddedServerError(
            .timedOut, "\(program) did not end within \(timeout.components.seconds) s and was stopped",
            nextStep: "see whether the machine or its disk is overloaded, then try again")
    }

    private static func collect(
        _ program: String, _ arguments: [String], _ account: ServerAccount?,
        _ variables: [Environment.Key: String], _ ownSession: Bool
    ) async throws -> Outcome {
        var options = PlatformOptions()
        options.createSession = ownSession
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(3))]
        var line = [program] + arguments
        if let account, account.isDropped {
            #if os(Linux)
                line = try account.command(line)
            #else
                options.userID = account.uid
                options.groupID = account.gid
                options.supplementaryGroups = []
            #endif
        }
        do {
            let result = try await Subprocess.run(
                .path(FilePath(line[0])), arguments: Arguments(Array(line.dropFirst())),
                environment: .custom(variables), workingDirectory: "/", platformOptions: options,
                output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
            return Outcome(
                code: exitCode(result.terminationStatus), output: result.standardOutput, errors: result.standardError)
        } catch let error as SubprocessError {
            try Task.checkCancellation()
            let who = account.map { " as user \($0.name)" } ?? ""
            throw EmbeddedServerError(
                .startFailed, "cannot run \(program)\(who): \(error)",
                nextStep: "check that the program is there and that this user may run it")
        }
    }

    /// `PGDATA`, `PGOPTIONS` and their like would change what the programs do, so only what is needed goes in.
    private static func variables(
        _ environment: [String: String], _ extra: [String: String]
    ) -> [Environment.Key: String] {
        var result: [Environment.Key: String] = ["LC_ALL": "C", "PATH": environment["PATH"] ?? "/usr/bin:/bin"]
        for name in ["TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"] {
            if let value = environment[name], let key = Environment.Key(rawValue: name) { result[key] = value }
        }
        for (name, value) in extra {
            if let key = Environment.Key(rawValue: name) { result[key] = value }
        }
        return result
    }

    private static func exitCode(_ status: TerminationStatus) -> Int {
        switch status {
        case .exited(let code): Int(code)
        case .signaled(let signal): 128 + Int(signal)
        }
    }
}
