import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The few file operations the embedded server needs, none of which follows a symbolic link at the end of a path.
///
/// When the caller is root, they are used only in folders that root owns; what lies in a folder of the server's user
/// is written and deleted by that user (``ServerSite/shell(_:_:ownSession:timeout:)``), who could otherwise
/// have root write through a link.
enum Files {
    struct Entry: Equatable {
        let isFolder: Bool
        let isLink: Bool
        let owner: UInt32
        /// Permission bits only.
        let mode: UInt32
        let size: Int
        let identity: [UInt64]
    }

    /// What is at a path, the link itself if it is one; nil when there is nothing, or it cannot be seen.
    static func entry(_ path: String) -> Entry? {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        return Entry(status)
    }

    static func entry(of descriptor: Int32) -> Entry? {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        return Entry(status)
    }

    static func isExecutable(_ path: String) -> Bool { access(path, X_OK) == 0 }

    /// The path with links and dots resolved; nil when it does not exist.
    static func resolved(_ path: String) -> String? {
        guard let result = realpath(path, nil) else { return nil }
        defer { free(result) }
        return String(cString: result)
    }

    /// Makes a folder with exactly this mode and owner, whatever the umask. The folder must not exist.
    static func makeFolder(_ path: String, mode: UInt32, owner: ServerAccount? = nil) throws(Errno) {
        try check(mkdir(path, 0o700))
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        try check(descriptor)
        defer { close(descriptor) }
        if let owner, owner.isDropped { try check(fchown(descriptor, owner.uid, owner.gid)) }
        try check(fchmod(descriptor, mode_t(mode)))
    }

    static func setMode(ofFolder path: String, to mode: UInt32) throws(Errno) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        try check(descriptor)
        defer { close(descriptor) }
        try check(fchmod(descriptor, mode_t(mode)))
    }

    /// The text of a small regular file, at most `limit` bytes of it; nil when it cannot be read.
    static func read(_ path: String, limit: Int = 65_536) -> String? {
        // Without O_NONBLOCK a planted pipe would hold the caller for ever.
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        let file = FileDescriptor(rawValue: descriptor)
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: limit)
        guard let count = try? bytes.withUnsafeMutableBytes({ try file.read(into: $0) }) else { return nil }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    /// Puts a file in place whole: readers see the old text or the new, also after a crash.
    static func write(_ text: String, to path: String, mode: UInt32, owner: ServerAccount? = nil) throws {
        let temporary = "\(path).\(randomName(8))"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        try check(descriptor)
        do {
            defer { close(descriptor) }
            try FileDescriptor(rawValue: descriptor).writeAll(text.utf8)
            if let owner, owner.isDropped { try check(fchown(descriptor, owner.uid, owner.gid)) }
            try check(fchmod(descriptor, mode_t(mode)))
            try check(fsync(descriptor))
            try check(rename(temporary, path))
        } catch {
            unlink(temporary)
            throw error
        }
    }

    static func move(_ path: String, to target: String) throws(Errno) { try check(rename(path, target)) }

    static func removeFile(_ path: String) { _ = unlink(path) }

    @discardableResult
    static func removeEmptyFolder(_ path: String) -> Bool { rmdir(path) == 0 }

    /// The names in a folder, without `.` and `..`; empty when it cannot be read.
    static func names(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// The paths that a shell pattern stands for.
    static func matching(_ pattern: String) -> [String] {
        var result = glob_t()
        defer { globfree(&result) }
        guard glob(pattern, 0, nil, &result) == 0, let paths = result.gl_pathv else { return [] }
        return (0..<Int(result.gl_pathc)).compactMap { paths[$0].map { String(cString: $0) } }
    }

    /// Random letters and digits, from the system's generator: 5.9 bits each.
    static func randomName(_ length: Int) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        var generator = SystemRandomNumberGenerator()
        return String((0..<length).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] })
    }

    static func check(_ result: Int32) throws(Errno) {
        guard result >= 0 else { throw Errno(rawValue: errno) }
    }
}

extension Files.Entry {
    fileprivate init(_ status: stat) {
        let mode = UInt32(status.st_mode)
        isFolder = mode & UInt32(S_IFMT) == UInt32(S_IFDIR)
        isLink = mode & UInt32(S_IFMT) == UInt32(S_IFLNK)
        owner = status.st_uid
        self.mode = mode & 0o7777
        size = Int(status.st_size)
        identity = [UInt64(truncatingIfNeeded: status.st_dev), UInt64(truncatingIfNeeded: status.st_ino)]
    }
}
