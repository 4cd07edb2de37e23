import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The folder of the server's unix socket: short, because a socket's path has at most 107 bytes, and with mode 0700,
/// because whoever can reach the socket is let in without a password: the server's user, and root.
enum SocketFolder {
    /// `$XDG_RUNTIME_DIR/strata-<uid>-<hash>` where that is short, plain and the caller runs the server itself;
    /// `/tmp/strata-<uid>-<hash>` otherwise.
    static func path(for site: ServerSite) -> FilePath {
        let name = "strata-\(site.account.uid)-\(ServerSite.stableHash(site.home.string).prefix(8))"
        if !site.account.isDropped, let runtime = site.environment["XDG_RUNTIME_DIR"], isPlain(runtime),
            let entry = Files.entry(runtime), entry.isFolder, entry.owner == site.account.uid, entry.mode & 0o022 == 0
        {
            return FilePath(runtime).appending(name)
        }
        return FilePath("/tmp").appending(name)
    }

    /// `unix_socket_directories` is a list with its own quoting, so only paths that need none are taken.
    private static func isPlain(_ path: String) -> Bool {
        path.hasPrefix("/") && path.utf8.count <= 60
            && path.unicodeScalars.allSatisfy {
                $0.isASCII
                    && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || "/._-".unicodeScalars.contains($0))
            }
    }

    /// Makes the folder, or checks the one that is there.
    /// - Throws: `.socketFolderUnsafe` for a link, a file, or a folder of somebody else: in a folder like /tmp
    ///   anyone can put something under this name before us.
    static func prepare(for site: ServerSite) throws -> FilePath {
        let folder = path(for: site)
        do {
            try Files.makeFolder(folder.string, mode: 0o700, owner: site.account)
            return folder
        } catch Errno.fileExists {
            try check(folder, site)
            return folder
        } catch {
            throw site.unwritable(folder, error)
        }
    }

    private static func check(_ folder: FilePath, _ site: ServerSite) throws {
        guard let entry = Files.entry(folder.string), entry.isFolder, entry.owner == site.account.uid else {
            let entry = Files.entry(folder.string)
            let owner = ServerAccount.name(of: entry?.owner ?? 0)
            let kind = entry?.isLink == true ? "a symbolic link" : entry?.isFolder == true ? "a folder" : "a file"
            throw EmbeddedServerError(
                .socketFolderUnsafe,
                "\(folder) is \(kind) of user \(owner); it must be a folder of user \(site.account.name)",
                nextStep: "find out who made it, remove it, then start again")
        }
        guard entry.mode != 0o700 else { return }
        do {
            try Files.setMode(ofFolder: folder.string, to: 0o700)
        } catch {
            throw site.unwritable(folder, error)
        }
    }
}
