import Foundation

/// A socket for whoever sends what no client would.
final class RawConnection {
    enum Failure: Error { case refused(Int32), silent }

    private let descriptor: Int32

    /// - Parameter limit: seconds without a byte after which the other side counts as hung.
    init(port: UInt16, limit: Int = 20) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Failure.refused(errno) }
        var time = timeval(tv_sec: limit, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { _ = close(descriptor) }

    /// As much as is taken: whoever hangs up may do so in the middle.
    func send(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    /// Nothing more is sent; answers may still come.
    func finish() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    /// Everything up to the end.
    /// - Throws: `silent` where the other side neither says anything nor hangs up.
    func readToEnd() throws -> Int {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        var total = 0
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count < 0, errno == EAGAIN { throw Failure.silent }
            if count <= 0 { return total }
            total += count
        }
    }
}
