package import Foundation
package import PostgresDriver

/// Where a projection stands, as its database says.
package struct ProjectionStatus: Sendable, Hashable {
    package struct Copy: Sendable, Hashable {
        package var position: Int
        package var isStopped: Bool
        /// Why it has stopped.
        package var error: String?
        package var updatedAt: Date
        /// Events that it lacks.
        package var deadLetters: Int
    }

    package var name: String
    /// Somebody is at work with it.
    package var isRunning: Bool
    package var isRebuilding: Bool
    package var copies: [ProjectionCopy: Copy]
    package var rebuild: RebuildRecord?

    /// Of these projections, those that have ever run.
    package static func read(_ names: [String], on connection: Connection) async throws -> [ProjectionStatus] {
        guard try await ProjectionSchema.isThere(on: connection) else { return [] }
        let rows = try await connection.query(
            """
            SELECT p.name, p.copy, p.position, p.state = 'stopped' AS stopped, p.error, \(Milliseconds.of("p.updated_at", as: "at")),
                (SELECT count(*) FROM strata.projection_letters l WHERE l.name = p.name AND l.copy = p.copy) AS letters,
                \(ProjectionSchema.isLocked("p.name")) AS running,
                \(ProjectionSchema.isLocked("p.name || '/rebuild'")) AS rebuilding
            FROM strata.projections p WHERE p.name = ANY ($1) ORDER BY p.name, p.copy
            """, [.textArray(names)])
        let rebuilds = try await RebuildRecord.all(on: connection)
        var found: [String: ProjectionStatus] = [:]
        for row in rows {
            let name = try row.string("name")
            guard let copy = ProjectionCopy(rawValue: try row.string("copy")) else { continue }
            var status =
                try found[name]
                ?? ProjectionStatus(
                    name: name, isRunning: try row.bool("running"), isRebuilding: try row.bool("rebuilding"),
                    copies: [:], rebuild: rebuilds[name])
            status.copies[copy] = Copy(
                position: try row.int("position"), isStopped: try row.bool("stopped"),
                error: try row.optionalString("error"), updatedAt: try row.date("at"),
                deadLetters: try row.int("letters"))
            found[name] = status
        }
        return names.compactMap { found[$0] }
    }
}
