#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// What a system call said.
struct SocketError: Error, CustomStringConvertible {
    var call: String
    var code: Int32

    init(_ call: String, _ code: Int32) {
        self.call = call
        self.code = code
    }

    var reason: String { String(cString: strerror(code)) }
    var description: String { "\(call): \(reason)" }
}

func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }
func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(descriptor, bytes, count)
}
func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}

/// Where something listens.
package enum SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// A numeric IPv4 or IPv6 address.
    case tcp(host: String, port: UInt16)
    case unix(path: String)

    package var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): path
        }
    }

    /// Calls with the address as the system calls want it.
    func withSystemAddress<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) throws(SocketError) -> R {
        switch self {
        case .unix(let path):
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let room = MemoryLayout.size(ofValue: address.sun_path)
            guard path.utf8.count < room else { throw SocketError("unix socket \(path)", ENAMETOOLONG) }
            withUnsafeMutableBytes(of: &address.sun_path) { target in
                for (index, byte) in path.utf8.enumerated() { target[index] = byte }
            }
            return Self.call(&address, body)
        case .tcp(let host, let port) where host.contains(":"):
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            guard inet_pton(AF_INET6, host, &address.sin6_addr) == 1 else {
                throw SocketError("address \(host)", EINVAL)
            }
            return Self.call(&address, body)
        case .tcp(let host, let port):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else { throw SocketError("address \(host)", EINVAL) }
            return Self.call(&address, body)
        }
    }

    private static func call<A, R>(_ address: inout A, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<A>.size)) }
        }
    }

    private var family: Int32 {
        switch self {
        case .unix: AF_UNIX
        case .tcp(let host, _): host.contains(":") ? AF_INET6 : AF_INET
        }
    }

    /// A socket that does not block and does not pass to children.
    private func open() throws(SocketError) -> Int32 {
        #if canImport(Glibc)
            let kind = Int32(SOCK_STREAM.rawValue)
        #else
            let kind = SOCK_STREAM
        #endif
        let descriptor = socket(family, kind, 0)
        guard descriptor >= 0 else { throw SocketError("socket", errno) }
        Self.prepare(descriptor, isTCP: family != AF_UNIX)
        return descriptor
    }

    static func prepare(_ descriptor: Int32, isTCP: Bool) {
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        guard isTCP else { return }
        Self.set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY)
        Self.set(descriptor, SOL_SOCKET, SO_KEEPALIVE)
    }

    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32) {
        var one: Int32 = 1
        setsockopt(descriptor, level, option, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    /// A socket that listens. A unix socket's file must not exist.
    func listen(backlog: Int32 = 1024) throws(SocketError) -> Int32 {
        let descriptor = try open()
        Self.set(descriptor, SOL_SOCKET, SO_REUSEADDR)
        // Several loops, and a successor that starts before we end, listen on one address.
        if family != AF_UNIX { Self.set(descriptor, SOL_SOCKET, SO_REUSEPORT) }
        let isBound = try withSystemAddress { bind(descriptor, $0, $1) == 0 }
        guard isBound, systemListen(descriptor, backlog) == 0 else {
            let code = errno
            _ = systemClose(descriptor)
            throw SocketError("listen on \(self)", code)
        }
        return descriptor
    }

    /// A socket whose connection is under way; `connectionError` says how it ended once it can be written to.
    func connect() throws(SocketError) -> Int32 {
        let descriptor = try open()
        let result = try withSystemAddress { systemConnect(descriptor, $0, $1) == 0 ? 0 : errno }
        // EAGAIN is a unix socket whose queue is full: as good as refused.
        guard result == 0 || result == EINPROGRESS else {
            _ = systemClose(descriptor)
            throw SocketError("connect to \(self)", result)
        }
        return descriptor
    }

    static func connectionError(_ descriptor: Int32) -> Int32 {
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0 else { return errno }
        return code
    }

    /// The port that the system chose, for a socket that listens on port 0.
    static func port(of descriptor: Int32) -> UInt16 {
        var address = sockaddr_in6()
        var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let isKnown = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) == 0 }
        }
        // The port stands at the same place in both families.
        return isKnown ? UInt16(bigEndian: address.sin6_port) : 0
    }
}

private func systemListen(_ descriptor: Int32, _ backlog: Int32) -> Int32 { listen(descriptor, backlog) }
private func systemConnect(_ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ size: socklen_t) -> Int32 {
    connect(descriptor, address, size)
}

extension SocketAddress {
    /// The addresses that a name or a numeric address stands for. Blocks while a name is looked up.
    static func numeric(_ name: String, port: UInt16) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        #if canImport(Glibc)
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var next = list
        while let entry = next {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            if getnameinfo(
                entry.pointee.ai_addr, entry.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
                == 0
            {
                let host = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
                found.append(.tcp(host: host, port: port))
            }
            next = entry.pointee.ai_next
        }
        return found
    }

    /// Takes a connection that waits: its socket and where it comes from; nil: none waits.
    static func accept(_ listener: Int32, isUnix: Bool) -> (descriptor: Int32, peer: String)? {
        var address = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let (descriptor, peer) = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic -> (Int32, String) in
                let descriptor = systemAccept(listener, generic, &size)
                guard descriptor >= 0, !isUnix else { return (descriptor, "unix") }
                var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
                getnameinfo(generic, size, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
                return (
                    descriptor, String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
                )
            }
        }
        guard descriptor >= 0 else { return nil }
        prepare(descriptor, isTCP: !isUnix)
        return (descriptor, peer)
    }
}

private func systemAccept(
    _ listener: Int32, _ address: UnsafeMutablePointer<sockaddr>, _ size: inout socklen_t
) -> Int32 {
    accept(listener, address, &size)
}

extension SocketAddress {
    /// `host:port`, `[address]:port`, or the path of a unix socket. A name is looked up.
    package init?(hostAndPort text: String) {
        if text.hasPrefix("/") {
            self = .unix(path: text)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard let found = Self.numeric(host.isEmpty ? "0.0.0.0" : host, port: port).first else { return nil }
        self = found
    }
}
