#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The operating system's user that the server runs as.
///
/// Nobody but root can run it as another, and nobody needs to: a caller that is not root runs it as itself.
/// PostgreSQL refuses root, so for root it is, in this order: `STRATA_PG_USER`, `postgres`, `nobody`. Whatever else
/// runs under that account can reach the server's files and socket; `STRATA_PG_USER` can name one that nothing shares.
/// A cluster keeps the owner it was made by.
struct ServerAccount: Sendable, Equatable {
    let uid: UInt32
    let gid: UInt32
    let name: String
    /// True when the caller is root and this is somebody else.
    let isDropped: Bool

    static func choose(environment: [String: String]) throws -> ServerAccount {
        let caller = geteuid()
        guard caller == 0 else {
            return find(id: caller) ?? ServerAccount(uid: caller, gid: getegid(), name: "\(caller)", isDropped: false)
        }
        if let wanted = environment["STRATA_PG_USER"], !wanted.isEmpty {
            if let account = find(name: wanted), account.uid != 0 { return account }
            throw EmbeddedServerError(
                .noServerAccount, "STRATA_PG_USER is \(wanted), which is root or not a user of this machine",
                nextStep: "set it to an existing unprivileged user, or unset it")
        }
        for name in ["postgres", "nobody"] {
            if let account = find(name: name), account.uid != 0 { return account }
        }
        throw EmbeddedServerError(
            .noServerAccount, "PostgreSQL does not run as root, and there is no user postgres or nobody to run it as",
            nextStep: "make one (useradd --system postgres), or set STRATA_PG_USER to an unprivileged user")
    }

    #if os(Linux)
        /// The command line that runs another as this user.
        ///
        /// By `setpriv`, which changes the user and then becomes the program; else by `runuser`. Not by Subprocess's
        /// options: up to 1.0.2 its child comes from a bare clone3 and calls setgroups, which waits for ever when
        /// another thread of the parent was just starting (seen here; its issue 374 is of the same making).
        /// - Throws: `.noServerAccount` when the machine has neither tool.
        func command(_ line: [String]) throws -> [String] {
            let folders = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"]
            func tool(_ name: String) -> String? {
                folders.map { "\($0)/\(name)" }.first(where: Files.isExecutable)
            }
            if let setpriv = tool("setpriv") {
                return [setpriv, "--reuid=\(uid)", "--regid=\(gid)", "--clear-groups", "--"] + line
            }
            if let runuser = tool("runuser") { return [runuser, "-u", name, "--"] + line }
            throw EmbeddedServerError(
                .noServerAccount,
                "running PostgreSQL as user \(name) takes setpriv or runuser, and neither is installed",
                nextStep: "install util-linux, or run this as an unprivileged user")
        }
    #endif

    static func find(name: String) -> ServerAccount? {
        lookUp { getpwnam_r(name, $0, $1, $2, $3) }
    }

    static func find(id: UInt32) -> ServerAccount? {
        lookUp { getpwuid_r(id, $0, $1, $2, $3) }
    }

    /// The name of a user for messages; its number when it has none.
    static func name(of id: UInt32) -> String { find(id: id)?.name ?? "number \(id)" }

    private typealias LookUp = (
        UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int,
        UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
    ) -> Int32

    private static func lookUp(_ call: LookUp) -> ServerAccount? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        let texts = UnsafeMutablePointer<CChar>.allocate(capacity: 16_384)
        defer { texts.deallocate() }
        guard call(&entry, texts, 16_384, &found) == 0, found != nil, let name = entry.pw_name else { return nil }
        return ServerAccount(
            uid: entry.pw_uid, gid: entry.pw_gid, name: String(cString: name),
            isDropped: geteuid() == 0 && entry.pw_uid != 0)
    }
}
