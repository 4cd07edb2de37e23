internal import Foundation

/// The thread that answers who reads metrics; started after the loops and stopped after them.
final class Metrics: @unchecked Sendable {
    let address: SocketAddress
    /// Made here, and from then on used on its thread only.
    private let endpoint: MetricsEndpoint
    private let door: EventLoopDoor

    init(_ address: SocketAddress, _ shared: SharedState) throws(ProxyError) {
        do {
            endpoint = try MetricsEndpoint(shared: shared)
            door = endpoint.loop.door
            let descriptor = try address.listen()
            endpoint.listen(on: descriptor)
            if case .tcp(let host, 0) = address {
                self.address = .tcp(host: host, port: SocketAddress.port(of: descriptor))
            } else {
                self.address = address
            }
        } catch {
            throw ProxyError("the proxy cannot \(error)", next: "choose another address with routing.metrics")
        }
    }

    func start() {
        let thread = Thread { [self] in endpoint.run() }
        thread.name = "strata-metrics"
        thread.start()
    }

    func stop() { door.post { $0.stop() } }
}
