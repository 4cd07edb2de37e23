import SystemPackage

/// Makes a cluster: everything in a folder of its own, then two renames. What a kill leaves behind is found by the
/// next start: a finished cluster is put in place, an unfinished one is deleted.
struct ClusterCreation {
    let site: ServerSite
    let installation: PostgresInstallation
    let durable: Bool

    /// Where clusters are made: `new-` and eight random characters, in the home.
    private static let prefix = "new-"
    static let timeout = Duration.seconds(120)

    /// Call while holding the lock, when there is no cluster.
    func run() async throws {
        let staging = site.home.appending(Self.prefix + Files.randomName(8))
        let data = staging.appending("data")
        let passwordFile = staging.appending("initial-password")
        let password = Files.randomName(32)
        do {
            try Files.makeFolder(staging.string, mode: site.account.isDropped ? 0o711 : 0o700)
            try Files.makeFolder(data.string, mode: 0o700, owner: site.account)
            try Self.writePassfile(password, to: staging.appending("pgpass"))
            try Files.write(password + "\n", to: passwordFile.string, mode: 0o600, owner: site.account)
        } catch let error as Errno {
            throw site.unwritable(staging, error)
        }
        try await initialise(data, passwordFile)
        Files.removeFile(passwordFile.string)
        try await createDatabase(data)
        try await finish(data)
        try Self.putInPlace(staging, site)
    }

    /// Completes or clears away what an earlier run left. Never deletes a finished cluster.
    static func recover(_ site: ServerSite) async throws {
        for name in Files.names(in: site.home.string) where name.hasPrefix(prefix) {
            let staging = site.home.appending(name)
            let data = staging.appending("data")
            if ServerSite.isFinished(data) {
                if Files.entry(site.data.string) == nil { try putInPlace(staging, site) }
                continue
            }
            try await remove(data, site)
            for file in ["initial-password", "pgpass"] { Files.removeFile(staging.appending(file).string) }
            // An initdb that still runs can hold the folder; then it goes at a later start.
            Files.removeEmptyFolder(staging.string)
        }
    }

    /// Deletes a folder of the server's user, as that user: it could otherwise lead root elsewhere through a link.
    static func remove(_ data: FilePath, _ site: ServerSite) async throws {
        guard Files.entry(data.string)?.isFolder == true else { return }
        _ = try await site.shell("cd -- \"$1\" && find . -mindepth 1 -delete", [data.string], timeout: .seconds(120))
        Files.removeEmptyFolder(data.string)
    }

    private func initialise(_ data: FilePath, _ passwordFile: FilePath) async throws {
        var outcome: ChildProcess.Outcome?
        // C.UTF-8 sorts by code point everywhere; systems that do not have it have C, which does the same.
        for locale in ["C.UTF-8", "C"] {
            var arguments = [
                "--pgdata=\(data)", "--username=strata_admin", "--pwfile=\(passwordFile)", "--encoding=UTF8",
                "--locale=\(locale)", "--lc-messages=C", "--data-checksums", "--auth-local=trust",
                "--auth-host=scram-sha-256",
            ]
            if !durable { arguments.append("--no-sync") }
            let result = try await ChildProcess.run(
                installation.program("initdb"), arguments, as: site.account, environment: site.environment,
                timeout: Self.timeout)
            if result.succeeded { return }
            outcome = result
            guard result.errors.contains("locale") else { break }
        }
        let said = (outcome?.output ?? "") + (outcome?.errors ?? "")
        throw EmbeddedServerError.explaining(
            said, in: site.home.string, or: .initFailed,
            "initdb of PostgreSQL \(installation.version) failed with code \(outcome?.code ?? -1)",
            nextStep: "see the lines above; what it left is cleared away by the next start")
    }

    /// The server's single-user mode needs no client programs and nobody else can be connected.
    private func createDatabase(_ data: FilePath) async throws {
        let script = "echo 'CREATE DATABASE strata' | \"$1\" --single -c \"fsync=$3\" -D \"$2\" postgres"
        let outcome = try await site.shell(
            script, [installation.program("postgres"), data.string, durable ? "on" : "off"], timeout: Self.timeout)
        guard outcome.succeeded, !Self.reportsError(outcome.errors + outcome.output) else {
            throw EmbeddedServerError.explaining(
                outcome.errors + outcome.output, in: site.home.string, or: .initFailed,
                "the database strata could not be created", nextStep: "see the lines above, then start again")
        }
    }

    /// Single-user mode goes on after an error and ends with 0.
    private static func reportsError(_ text: String) -> Bool {
        ["ERROR:", "FATAL:", "PANIC:"].contains { text.contains($0) }
    }

    private func finish(_ data: FilePath) async throws {
        // Relative, so that the whole project can be moved.
        let script = """
            printf "\\n# Written by strata at every start.\\ninclude_if_exists '../strata.conf'\\n" \
                >>"$1/postgresql.conf" && : >"$1/\(ServerSite.marker)" && \
                { [ "$2" = no ] || sync "$1/postgresql.conf" "$1/\(ServerSite.marker)"; }
            """
        let outcome = try await site.shell(script, [data.string, durable ? "yes" : "no"])
        guard outcome.succeeded else {
            throw EmbeddedServerError.explaining(
                outcome.errors, in: site.home.string, or: .initFailed, "the new cluster could not be configured",
                nextStep: "see the lines above, then start again")
        }
    }

    /// The cluster last: once it is in place, all the rest is.
    private static func putInPlace(_ staging: FilePath, _ site: ServerSite) throws {
        do {
            if Files.entry(staging.appending("pgpass").string) != nil {
                try Files.move(staging.appending("pgpass").string, to: site.passfile.string)
            }
            try Files.move(staging.appending("data").string, to: site.data.string)
        } catch {
            throw site.unwritable(site.data, error)
        }
        Files.removeFile(staging.appending("initial-password").string)
        Files.removeEmptyFolder(staging.string)
    }

    /// In the format of libpq's password file. The port can change from start to start.
    private static func writePassfile(_ password: String, to path: FilePath) throws {
        let lines = ["127.0.0.1", "localhost"].map { "\($0):*:*:strata_admin:\(password)\n" }
        try Files.write(lines.joined(), to: path.string, mode: 0o600)
    }

    /// Gives the role a new password when the file with the old one is gone. The server must be stopped.
    func replaceLostPassword() async throws {
        let statement = site.home.appending("password-\(Files.randomName(8))")
        let password = Files.randomName(32)
        defer { Files.removeFile(statement.string) }
        do {
            try Files.write(
                "ALTER ROLE strata_admin PASSWORD '\(password)'\n", to: statement.string, mode: 0o600,
                owner: site.account)
            // From a file: an argument would show in the list of processes.
            let outcome = try await site.shell(
                "exec \"$1\" --single -D \"$2\" postgres <\"$3\"",
                [installation.program("postgres"), site.data.string, statement.string], timeout: Self.timeout)
            guard outcome.succeeded, !Self.reportsError(outcome.errors) else {
                // What the server said may quote the statement, so it is not shown.
                throw EmbeddedServerError(
                    .startFailed, "\(site.passfile) is gone, and a new password could not be set",
                    nextStep: "see the server's log in \(site.logFolder)")
            }
            try Self.writePassfile(password, to: site.passfile)
        } catch let error as Errno {
            throw site.unwritable(site.passfile, error)
        }
    }
}
