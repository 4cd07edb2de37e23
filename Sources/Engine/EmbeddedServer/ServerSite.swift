import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Where one embedded server lives and who runs it.
///
/// ```
/// <directory>/.strata/pg/           the home: the caller's; only `data` is the server user's
///     data/                         the cluster; it is renamed into place when it is finished, so it is never half one
///     data/log/                     the server's log
///     strata.conf                   the settings, written anew at every start
///     pgpass                        the password, 0600
///     lock                          held while the server is started or stopped
///     new-XXXXXXXX/                 a cluster in the making, or what a killed initdb left
/// ```
/// When the caller is root and the server's user cannot enter the directory (say, below /root), the home is
/// `/var/lib/strata/<hash of the directory's path>/pg`. A finished cluster in either place settles the question,
/// so that a later change of permissions does not start a second, empty one.
struct ServerSite: Sendable {
    let home: FilePath
    let account: ServerAccount
    let environment: [String: String]

    var data: FilePath { home.appending("data") }
    var logFolder: FilePath { data.appending("log") }
    var settingsFile: FilePath { home.appending("strata.conf") }
    var passfile: FilePath { home.appending("pgpass") }
    var lockFile: FilePath { home.appending("lock") }
    /// Written into a cluster when all of it is there.
    static let marker = "strata.finished"
    var isFinished: Bool { Self.isFinished(data) }

    static func isFinished(_ data: FilePath) -> Bool { Files.entry(data.appending(marker).string) != nil }

    /// PostgreSQL cuts paths at 1,023 bytes; the longest name below the data folder needs some of them.
    static let longestHome = 900

    /// Finds the place without making anything.
    static func resolve(
        directory: FilePath, sharedFolder: FilePath, environment: [String: String]
    ) async throws -> ServerSite {
        guard let path = Files.resolved(directory.string), Files.entry(path)?.isFolder == true else {
            throw EmbeddedServerError(
                .folderUnusable, "\(directory) is not a folder that this user can enter",
                nextStep: "make it, or name the folder that holds the layout")
        }
        let account = try ServerAccount.choose(environment: environment)
        let near = FilePath(path).appending(".strata").appending("pg")
        let far = sharedFolder.appending(stableHash(path)).appending("pg")
        let home = try await choose(near, far, directory: path, account, environment)
        let controls = home.string.unicodeScalars.contains { $0.value < 32 || $0.value == 127 }
        guard !controls, home.string.utf8.count <= longestHome else {
            throw EmbeddedServerError(
                .folderUnusable,
                "PostgreSQL cannot live below \(directory): "
                    + (controls ? "the path has control characters" : "the path is longer than \(longestHome) bytes"),
                nextStep: "move the layout to a folder with a plain, shorter path")
        }
        let site = ServerSite(home: home, account: account, environment: environment)
        try site.checkOwner()
        return site.withOwnerOfCluster()
    }

    private static func choose(
        _ near: FilePath, _ far: FilePath, directory: String, _ account: ServerAccount, _ environment: [String: String]
    ) async throws -> FilePath {
        guard account.isDropped else { return near }
        for home in [near, far] where isFinished(home.appending("data")) { return home }
        let site = ServerSite(home: near, account: account, environment: environment)
        return try await site.shell("cd -- \"$1\"", [directory]).succeeded ? near : far
    }

    private func checkOwner() throws {
        guard let entry = Files.entry(home.string) else { return }
        guard entry.isFolder else {
            throw EmbeddedServerError(
                .folderUnusable, "\(home) is not a folder", nextStep: "move it away, then start again")
        }
        guard entry.owner == geteuid() else {
            let owner = ServerAccount.name(of: entry.owner)
            throw EmbeddedServerError(
                .folderOfAnotherUser, "the embedded server in \(home) was made by user \(owner)",
                nextStep: "run this as \(owner), or use a layout in a folder of your own")
        }
    }

    /// A cluster stays with the user that owns it, also when `STRATA_PG_USER` changes or `postgres` appears later.
    private func withOwnerOfCluster() -> ServerSite {
        guard account.isDropped, let owner = Files.entry(data.string)?.owner, owner != account.uid, owner != 0 else {
            return self
        }
        let keeper =
            ServerAccount.find(id: owner)
            ?? ServerAccount(uid: owner, gid: owner, name: "\(owner)", isDropped: true)
        return ServerSite(home: home, account: keeper, environment: environment)
    }

    /// Makes the home where it is missing.
    func prepareHome() throws {
        let parent = home.removingLastComponent()
        // The server's user must pass through, but has no business in listing or writing.
        let mode: UInt32 = account.isDropped ? 0o711 : 0o700
        for (folder, mode) in [(parent.removingLastComponent(), mode), (parent, 0o755), (home, mode)] {
            try make(folder, mode)
        }
        guard Files.entry(parent.string)?.isFolder == true else {
            throw EmbeddedServerError(
                .folderUnusable, "\(parent) is a link or a file, not a folder",
                nextStep: "move it away, then start again")
        }
        try checkOwner()
    }

    private func make(_ folder: FilePath, _ mode: UInt32) throws {
        guard Files.entry(folder.string) == nil else { return }
        do {
            try Files.makeFolder(folder.string, mode: mode)
        } catch {
            // Another start was faster: what it made is looked at below.
            if error != .fileExists { throw unwritable(home, error) }
        }
    }

    func unwritable(_ path: FilePath, _ error: Errno) -> EmbeddedServerError {
        let full = error == .noSpace || error == .diskQuotaExceeded
        return EmbeddedServerError(
            full ? .diskFull : .folderUnusable, "cannot write \(path): \(error)",
            nextStep: full
                ? "free some space on that file system, then start again"
                : "make the folder writable for this user, or use a layout in a folder that is")
    }

    /// Runs a line of POSIX shell as the server's user; `$1`… are the arguments, so nothing needs quoting.
    func shell(
        _ script: String, _ arguments: [String], ownSession: Bool = false, timeout: Duration = .seconds(30)
    ) async throws -> ChildProcess.Outcome {
        try await ChildProcess.run(
            "/bin/sh", ["-c", "umask 077; " + script, "sh"] + arguments, as: account, environment: environment,
            ownSession: ownSession, timeout: timeout)
    }

    /// FNV-1a, 16 hexadecimal digits: the same on every machine and in every run.
    static func stableHash(_ text: String) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
