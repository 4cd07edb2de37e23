internal import CLibEvent

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

    private func ready() {
        for _ in 0..<Self.perTurn {
            guard let (socket, peer) = SocketAddress.accept(descriptor, isUnix: isUnix) else { return }
            take(socket, peer)
        }
    }
}
