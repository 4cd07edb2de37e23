internal import CLibEvent

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A listening socket on a loop.
final class Acceptor {
    private let descriptor: Int32
    private let isUnix: Bool
    private let take: (Int32, String) -> Void
    private var event: UnsafeMutablePointer<event>?

    /// Connections that are taken in one turn, so that those who are served already have theirs.
    private static let perTurn = 64

    init(loop: EventLoop, descriptor: Int32, isUnix: Bool, take: @escaping (Int32, String) -> Void) {
        self.descriptor = descriptor
        self.isUnix = isUnix
        self.take = take
        event = event_new(
            loop.base, descriptor, Int16(EV_READ | EV_PERSIST),
            { _, _, acceptor in
                guard let acceptor else { return }
                Unmanaged<Acceptor>.fromOpaque(acceptor).takeUnretainedValue().ready()
            }, Unmanaged.passUnretained(self).toOpaque())
        event_add(event, nil)
    }

    deinit {
        if let event { event_free(event) }
        _ = systemClose(descriptor)
    }

    /// Connections that are begun from now on are not answered, and those that are under way come to stand: so a
    /// successor that listens on the same address gets the newcomers when they repeat their SYN, and nobody is in the
    /// queue of a socket that is closed.
    func turnAwayNewcomers() {
        #if os(Linux)
            guard !isUnix else { return }
            // The byte of the flags; SYN without ACK is dropped, everything else passes.
            var program = [
                FilterStep(code: 0x30, k: 13), FilterStep(code: 0x54, k: 0x12),
                FilterStep(code: 0x15, otherwise: 1, k: 0x02), FilterStep(code: 0x06, k: 0),
                FilterStep(code: 0x06, k: UInt32.max),
            ]
            program.withUnsafeMutableBufferPointer { steps in
                var header = FilterProgram(count: UInt16(steps.count), steps: steps.baseAddress)
                // Where it is not possible, newcomers in the last moment are refused, as without it.
                _ = setsockopt(
                    descriptor, SOL_SOCKET, Self.attachFilter, &header, socklen_t(MemoryLayout<FilterProgram>.size))
            }
        #endif
    }

    #if os(Linux)
        /// `SO_ATTACH_FILTER`, `sock_filter` and `sock_fprog` of linux/filter.h, which Swift does not see.
        private static let attachFilter: Int32 = 26

        private struct FilterStep {
            var code: UInt16
            var then: UInt8 = 0
            var otherwise: UInt8 = 0
            var k: UInt32
        }

        private struct FilterProgram {
            var count: UInt16
            var steps: UnsafeMutablePointer<FilterStep>?
        }
    #endif

    /// All that wait, without a bound.
    func takeAll() {
        while let (socket, peer) = SocketAddress.accept(descriptor, isUnix: isUnix) { take(socket, peer) }
    }

    private func ready() {
        for _ in 0..<Self.perTurn {
            guard let (socket, peer) = SocketAddress.accept(descriptor, isUnix: isUnix) else { return }
            take(socket, peer)
        }
    }
}
