import Foundation

/// Ends a `poll` from another thread.
final class WakePipe: Sendable {
    let readEnd: Int32
    private let writeEnd: Int32

    init() throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw PostgresError(.connection(.other), "cannot make a pipe: \(String(cString: strerror(errno)))")
        }
        readEnd = ends[0]
        writeEnd = ends[1]
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            // Child processes (pg_dump, the embedded server) must not hold it open.
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    func wake() {
        // A full pipe wakes as well, so the result does not matter.
        _ = write(writeEnd, [1], 1)
    }

    func drain() {
        var buffer = [UInt8](repeating: 0, count: 64)
        while read(readEnd, &buffer, buffer.count) > 0 {}
    }
}

/// What ended a wait on a socket.
enum Wakeup {
    case socket
    case woken
    case timeout
}

extension WakePipe {
    /// Whether a read from `socket` would return at once.
    func isReadable(_ socket: Int32) -> Bool {
        var polled = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return poll(&polled, 1, 0) > 0
    }

    /// Waits for `events` on `socket`, a `wake()`, or the deadline. Blocks the thread.
    func wait(socket: Int32, events: Int32, until deadline: ContinuousClock.Instant?) -> Wakeup {
        while true {
            var polled = [
                pollfd(fd: socket, events: Int16(events), revents: 0),
                pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0),
            ]
            let count = poll(&polled, 2, Self.milliseconds(until: deadline))
            if count < 0 && errno == EINTR { continue }
            if count == 0 {
                // A long wait is cut into pieces that fit poll's 32 bits.
                if let deadline, deadline <= .now { return .timeout }
                continue
            }
            if polled[1].revents != 0 {
                drain()
                return .woken
            }
            return .socket
        }
    }

    private static func milliseconds(until deadline: ContinuousClock.Instant?) -> Int32 {
        guard let deadline else { return -1 }
        let left = ContinuousClock.now.duration(to: deadline)
        guard left > .zero else { return 0 }
        let (seconds, attoseconds) = left.components
        // Rounded up, or the last millisecond would be spent spinning.
        return Int32(min(seconds, 86_400) * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
    }
}
