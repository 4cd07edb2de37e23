internal import Synchronization

/// Connections that have not logged in, by address, of all loops. It is asked once for each connection.
final class PendingLogins: Sendable {
    private let counts = Mutex<[ClientAddress: Int]>([:])

    /// Of all addresses.
    var count: Int { counts.withLock { $0.values.reduce(0, +) } }

    /// - Returns: how many there are of this address now.
    func began(_ address: ClientAddress) -> Int {
        counts.withLock { counts in
            counts[address, default: 0] += 1
            return counts[address, default: 0]
        }
    }

    func ended(_ address: ClientAddress) {
        counts.withLock { counts in
            guard let count = counts[address] else { return }
            counts[address] = count > 1 ? count - 1 : nil
        }
    }
}
