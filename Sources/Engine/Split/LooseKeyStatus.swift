package import Planning
import PostgresDriver

/// All loose keys of the layout's databases, and how far their workers are. Reads only.
package struct LooseKeyStatus: Sendable {
    package struct Key: Sendable {
        package var record: LooseKeyRecord
        /// Where its parent and its child are; nil where that cannot be said.
        package var parentDatabase: String?
        package var childDatabase: String?
        package var queued = 0
        /// Seconds since the oldest entry came.
        package var lag: Double?
        package var failing = 0
        package var error: String?
    }

    package var keys: [Key] = []
    /// Databases that could not be looked at, with why.
    package var unreachable: [String: String] = [:]

    package static func read(_ databases: LooseKeyDatabases) async throws -> LooseKeyStatus {
        var status = LooseKeyStatus()
        var found: [String: [(database: String, record: LooseKeyRecord)]] = [:]
        for name in databases.names {
            do {
                let store = LooseKeyStore(try await databases.connection(to: name))
                for record in try await store.keys() { found[record.key.name, default: []].append((name, record)) }
            } catch let error as PostgresError where error.connectionFailure != nil {
                status.unreachable[name] = error.message
            } catch let error as DiagnosticsError {
                status.unreachable[name] = error.diagnostics.map(\.message).joined(separator: "; ")
            }
        }
        for (_, places) in found.sorted(by: { $0.key < $1.key }) {
            guard let first = places.first else { continue }
            let parent = try? await databases.place(of: first.record.key.parent).database
            // The parent's home knows best.
            var key = Key(record: places.first { $0.database == parent }?.record ?? first.record)
            key.parentDatabase = parent
            key.childDatabase = try? await databases.place(of: first.record.key.child).database
            for (database, record) in places {
                let waiting = try await LooseKeyStore(databases.connection(to: database)).waiting(record.key.name)
                key.queued += waiting.count
                key.failing += waiting.failing
                key.lag = [key.lag, waiting.lag].compactMap(\.self).max()
                key.error = key.error ?? waiting.error
            }
            status.keys.append(key)
        }
        return status
    }
}
