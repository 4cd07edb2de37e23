#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A unix socket that several loops take clients from.
final class UnixListener {
    private let descriptor: Int32

    /// A file that nobody listens on any more, after a crash, is replaced.
    init(_ address: SocketAddress) throws(SocketError) {
        do { descriptor = try address.listen() } catch {
            guard error.code == EADDRINUSE, case .unix(let path) = address, Self.isForsaken(address) else {
                throw error
            }
            unlink(path)
            descriptor = try address.listen()
        }
    }

    deinit { _ = systemClose(descriptor) }

    /// A descriptor of its own for a loop to close.
    func share() throws(SocketError) -> Int32 {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw SocketError("share the socket", errno) }
        return copy
    }

    private static func isForsaken(_ address: SocketAddress) -> Bool {
        do {
            _ = systemClose(try address.connect())
            return false
        } catch { return error.code == ECONNREFUSED }
    }
}

extension SocketAddress {
    var isUnix: Bool { if case .unix = self { true } else { false } }
}
