internal import Foundation

/// Answers `/metrics`, `/healthz` and `/readyz` over HTTP, on a loop and thread of its own: also while the others are busy,
/// and until the last of them has ended.
///
/// Not libevent's evhttp, which is no part of libevent_core: three pages to read need no more than a bounded head.
final class MetricsEndpoint {
    static let maximumConnections = 64
    /// For a request to arrive and its answer to be taken.
    static let timeout = Duration.seconds(5)
    /// For the loops to tell what they have.
    private static let patience = Duration.seconds(2)

    let loop: EventLoop
    private let shared: SharedState
    private var acceptor: Acceptor?
    private var connections: [ObjectIdentifier: HTTPConnection] = [:]
    private var timer: LoopTimer?

    init(shared: SharedState) throws(SocketError) {
        loop = try EventLoop()
        self.shared = shared
        timer = LoopTimer(on: loop) { [unowned self] in tend() }
    }

    func listen(on descriptor: Int32) {
        acceptor = Acceptor(loop: loop, descriptor: descriptor, isUnix: false) { [unowned self] socket, _ in
            let stream = ByteStream(loop: loop, descriptor: socket)
            guard connections.count < Self.maximumConnections else { return stream.end() }
            let connection = HTTPConnection(stream: stream, endpoint: self)
            connections[ObjectIdentifier(connection)] = connection
            stream.resume()
        }
    }

    func run() {
        tend()
        loop.run()
    }

    private func tend() {
        let now = ContinuousClock.now
        for connection in connections.values where now - connection.since > Self.timeout { connection.stream.end() }
        timer?.start(after: .milliseconds(500))
    }

    func ended(_ connection: HTTPConnection) { connections[ObjectIdentifier(connection)] = nil }

    func answer(_ path: String, for connection: HTTPConnection) {
        switch path {
        case "/readyz": connection.answer(shared.readiness().response)
        case "/healthz", "/metrics": ask(path, for: connection)
        default: connection.answer(HTTPResponse(404, "there are /metrics, /healthz and /readyz"))
        }
    }

    /// The loops answer on their threads; one that does not is what /healthz is there for.
    private func ask(_ path: String, for connection: HTTPConnection) {
        let late = LoopTimer(on: loop) { [unowned connection] in
            connection.answer(HTTPResponse(503, "an event loop does not answer"))
        }
        late.start(after: Self.patience)
        connection.timer = late
        let back = WayBack(door: loop.door, endpoint: self, connection: ObjectIdentifier(connection))
        let shared = shared
        shared.gather {
            $0.figures()
        } done: { figures in
            back.answer { shared.page(path, figures) }
        }
    }

    /// The connection may have ended meanwhile.
    private struct WayBack: @unchecked Sendable {
        let door: EventLoopDoor
        unowned let endpoint: MetricsEndpoint
        let connection: ObjectIdentifier

        func answer(_ make: @escaping @Sendable () -> HTTPResponse) {
            let copy = self
            door.post { _ in copy.endpoint.connections[copy.connection]?.answer(make()) }
        }
    }
}

/// One request, one answer.
final class HTTPConnection: StreamHandler {
    let stream: ByteStream
    let since = ContinuousClock.now
    var timer: LoopTimer?
    private unowned let endpoint: MetricsEndpoint
    private var isHead = false
    private var isAsked = false
    private var isAnswered = false

    init(stream: ByteStream, endpoint: MetricsEndpoint) {
        self.stream = stream
        self.endpoint = endpoint
        super.init()
        stream.handler = self
    }

    override func received(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard !isAsked else { return bytes.count }
        switch HTTPRequest.read(bytes) {
        case .needsMore: return 0
        case .refused(let response):
            isAsked = true
            answer(response)
        case .get(let path, let isHead):
            isAsked = true
            self.isHead = isHead
            endpoint.answer(path, for: self)
        }
        return bytes.count
    }

    func answer(_ response: HTTPResponse) {
        guard !isAnswered else { return }
        isAnswered = true
        timer?.cancel()
        stream.write(response.bytes(isHead: isHead))
        stream.endAfterFlush()
    }

    override func finished(_ end: StreamEnd) {
        timer = nil
        endpoint.ended(self)
    }
}
