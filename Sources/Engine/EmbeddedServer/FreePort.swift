import SystemPackage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Ports on 127.0.0.1. Another program can take one between the answer and its use, so the caller tries again.
enum FreePort {
    /// A port that nobody listens on, chosen by the system.
    static func pick() throws -> Int {
        guard let port = bound(to: 0) else {
            throw EmbeddedServerError(
                .startFailed, "no TCP port is free on 127.0.0.1",
                nextStep: "see what listens there (ss -ltn), and stop what is not needed")
        }
        return port
    }

    static func isFree(_ port: Int) -> Bool {
        guard let port = UInt16(exactly: port), port > 1023 else { return false }
        return bound(to: port) != nil
    }

    private static func bound(to port: UInt16) -> Int? {
        #if canImport(Glibc)
            let stream = Int32(SOCK_STREAM.rawValue)
        #else
            let stream = SOCK_STREAM
        #endif
        let descriptor = socket(AF_INET, stream, 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var yes: Int32 = 1
        // As PostgreSQL does: a port is not taken because of connections that linger after a stop.
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let done = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                // Two sockets may be bound alike; only listening shows that a port is taken.
                bind(descriptor, $0, length) == 0 && listen(descriptor, 1) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        return done ? Int(UInt16(bigEndian: address.sin_port)) : nil
    }
}
