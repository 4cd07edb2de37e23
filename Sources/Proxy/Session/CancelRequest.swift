internal import PostgresWire

/// A request to cancel, on a connection of its own: the server reads it, answers nothing, and closes.
final class CancelRequest: StreamHandler {
    private let key: CancelKey
    private let address: SocketAddress
    private let loop: EventLoop
    private var done: (() -> Void)?
    private var stream: ByteStream?
    private var timer: LoopTimer?

    /// A server that does not close the connection is not waited for.
    private static let timeout = Duration.seconds(10)

    init(key: CancelKey, address: SocketAddress, loop: EventLoop, done: @escaping () -> Void) {
        self.key = key
        self.address = address
        self.loop = loop
        self.done = done
        super.init()
    }

    func start() {
        guard let descriptor = try? address.connect() else { return loop.afterEvent { [self] in complete() } }
        let stream = ByteStream(loop: loop, descriptor: descriptor)
        stream.handler = self
        self.stream = stream
        timer = LoopTimer(on: loop) { stream.end() }
        timer?.start(after: Self.timeout)
        stream.waitForConnection()
    }

    override func connected(_ error: Int32) {
        guard error == 0 else {
            stream?.end()
            return
        }
        stream?.write(key.cancelRequest)
        stream?.resume()
    }

    override func finished(_ end: StreamEnd) { complete() }

    private func complete() {
        timer = nil
        stream = nil
        done?()
        done = nil
    }
}
