import Dispatch
import Foundation
import Synchronization

/// A file of events that is being written: under another name beside it, until all of it is on the disk. Killed at any point,
/// the file itself is there whole or not at all; what is left of the attempt is written over by the next.
package final class EventFile: Sendable {
    private struct State: ~Copyable {
        var descriptor: Int32
        var tallying: EventTallying
        /// The file has its name.
        var isFinished = false
    }

    /// nil: what is written goes straight to a descriptor that somebody else owns.
    private let path: String?
    private let state: Mutex<State>
    private let queue = DispatchQueue(label: "strata.events.file")

    /// - Parameter path: nothing is there yet, or what is there may be replaced.
    /// - Throws: `EventStoreProblem` where it cannot be written, or is being written by another process.
    package init(_ path: String) throws {
        self.path = path
        state = Mutex(State(descriptor: try Self.openPartial(path), tallying: try EventTallying()))
    }

    /// Writes to an open descriptor, such as that of stdout.
    package init(descriptor: Int32) throws {
        path = nil
        state = Mutex(State(descriptor: descriptor, tallying: try EventTallying()))
    }

    deinit { if path != nil { state.withLock { _ = close($0.descriptor) } } }

    package static func partial(_ path: String) -> String { path + ".partial" }

    /// Adds whole lines.
    package func write(_ chunk: [UInt8]) async throws {
        try await blocking { file in
            try file.state.withLock { state in
                try FileBytes.write(chunk, to: state.descriptor, file.path ?? "the output")
                try state.tallying.add(chunk)
            }
        }
    }

    /// Its bytes are on the disk, under the name of the attempt still. Nothing is written afterwards.
    func seal() async throws -> EventTally {
        try await blocking { file in
            try file.state.withLock { state in
                if let path = file.path {
                    guard fsync(state.descriptor) == 0 else { throw FileBytes.problem("write", path) }
                    #if os(Linux)
                        // Whoever reads it again reads the disk, and not what was meant to go there.
                        _ = posix_fadvise(state.descriptor, 0, 0, POSIX_FADV_DONTNEED)
                    #endif
                }
                return try state.tallying.finish()
            }
        }
    }

    /// What was sealed gets its name, and that is on the disk, too.
    func publish() async throws {
        try await blocking { file in
            guard let path = file.path else { return }
            guard rename(Self.partial(path), path) == 0 else { throw FileBytes.problem("name", path) }
            file.state.withLock { $0.isFinished = true }
            try FileBytes.syncFolder(of: path)
        }
    }

    /// Sealed and published.
    package func finish() async throws -> EventTally {
        let tally = try await seal()
        try await publish()
        return tally
    }

    /// Nothing of it is to stay.
    package func discard() {
        guard let path, !state.withLock({ $0.isFinished }) else { return }
        unlink(Self.partial(path))
    }

    /// On a thread that may wait for the disk.
    private func blocking<T: Sendable>(_ body: @escaping @Sendable (EventFile) throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { [self] in continuation.resume(with: Result { try body(self) }) }
        }
    }

    /// Locked for as long as it is open: two who write the same file would mix their lines.
    private static func openPartial(_ path: String) throws -> Int32 {
        let partial = partial(path)
        while true {
            let descriptor = open(partial, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw FileBytes.problem("write", path) }
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
                close(descriptor)
                throw EventStoreProblem(
                    "file", "\(path) is being written by another process", next: "wait for it, or name another file")
            }
            // It may have got its name between the two calls: what is locked has to be what stands under this one.
            var (mine, theirs) = (stat(), stat())
            if fstat(descriptor, &mine) == 0, stat(partial, &theirs) == 0, mine.st_ino == theirs.st_ino {
                if ftruncate(descriptor, 0) == 0 { return descriptor }
                defer { close(descriptor) }
                throw FileBytes.problem("write", path)
            }
            close(descriptor)
        }
    }
}

/// Files as bytes, with the system's reason where something fails.
enum FileBytes {
    static func problem(_ action: String, _ path: String) -> EventStoreProblem {
        EventStoreProblem(
            "file", "cannot \(action) \(path): \(String(cString: strerror(errno)))",
            next: "check the path, its rights and the room on the disk")
    }

    static func write(_ bytes: [UInt8], to descriptor: Int32, _ name: String) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                if errno == EAGAIN {
                    var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    _ = Foundation.poll(&poll, 1, -1)
                    continue
                }
                throw problem("write", name)
            }
            rest = rest.dropFirst(count)
        }
    }

    static func syncFolder(of path: String) throws {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw problem("open the folder of", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw problem("write the folder of", path) }
    }

    /// A small file, whole or not at all.
    static func replace(_ path: String, with text: String) throws {
        let partial = EventFile.partial(path)
        let descriptor = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw problem("write", path) }
        defer { close(descriptor) }
        try write(Array(text.utf8), to: descriptor, path)
        guard fsync(descriptor) == 0, rename(partial, path) == 0 else { throw problem("write", path) }
        try syncFolder(of: path)
    }
}
