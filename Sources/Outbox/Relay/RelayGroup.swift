package import EventStore
package import Foundation

/// The group of a relay: with one slot, so that one member has the whole stream in its order.
package enum RelayGroup {
    /// The group's id; it is made where there is none of that name.
    ///
    /// - Parameter after: where it begins when it is made.
    /// - Throws: `RelayStop.divided`, `EventStoreRefusal`, `PostgresError`
    package static func make(
        _ name: String, on stream: UUID, of organization: UUID, after: Int, reader: EventReader, directory: Directory
    ) async throws -> UUID {
        var settings = GroupSettings()
        settings.slots = 1
        settings.after = after
        let id = try await reader.createGroup(name, on: stream, of: organization, settings)
        let found = try await directory.groups(on: stream, of: organization).first { $0.id == id }
        if let found, found.slots != 1 { throw RelayStop.divided(group: name, slots: found.slots) }
        return id
    }
}
