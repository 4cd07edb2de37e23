package import Foundation
import PostgresDriver

/// A read model after a subject was forgotten: made of what can be read since then, and nothing from before is kept.
extension ProjectionRebuild {
    /// Drops and builds anew every copy that was begun before that, each copy by steps that another call goes on with. Where all
    /// were begun later nothing is done.
    ///
    /// Wants `expectsDifference` and `dropsOld`: what differs is what was forgotten.
    ///
    /// - Parameter forgotten: when, by the store's clock.
    /// - Returns: whether there was anything to do.
    /// - Throws: as `run`.
    package func renew(after forgotten: Date) async throws -> Bool {
        var hasWorked = false
        var begun = try await begun()
        func isEarlier(_ copy: ProjectionCopy) -> Bool {
            begun[copy].map { time in time.map { $0 <= forgotten } ?? true } ?? false
        }
        // One that was under way has read what is gone now; one that was begun later goes on.
        if isEarlier(.next) {
            try await cancel()
            hasWorked = true
        }
        if isEarlier(.old) || (begun[.old] != nil && isEarlier(.live)) {
            try await dropOld()
            hasWorked = true
        }
        begun = try await self.begun()
        if isEarlier(.live) {
            try await run()
            hasWorked = true
        }
        return hasWorked
    }

    /// The copies that there are; nil: by an earlier version, which did not say.
    private func begun() async throws -> [ProjectionCopy: Date?] {
        let connection = try await Connection.open(target.settings(["application_name": "strata project rebuild"]))
        do {
            try await ProjectionSchema.install(on: connection)
            let rows = try await connection.query(
                "SELECT copy, \(Milliseconds.of("begun_at")) FROM strata.projections WHERE name = $1",
                [.text(projection.name)])
            var found: [ProjectionCopy: Date?] = [:]
            for row in rows {
                guard let copy = ProjectionCopy(rawValue: try row.string("copy")) else { continue }
                found[copy] = .some(try row.optionalDate("begun_at"))
            }
            await connection.close()
            return found
        } catch {
            await connection.close()
            throw error
        }
    }
}

extension EventReader {
    /// The store's clock in milliseconds, behind everything that was forgotten earlier: who reads from now on reads nothing of it.
    func moment(of organization: UUID) async throws -> Int {
        try await pool.withConnection { connection in
            try await connection.transaction { connection in
                // As keys are made: whoever is forgetting is waited for.
                _ = try await connection.query(
                    "SELECT pg_advisory_xact_lock_shared(hashtext('strata.events.subjects'), hashtext($1::uuid::text))",
                    [.id(organization)])
                return try await connection.query("SELECT \(Milliseconds.of("\(schema.schema).now()", as: "now"))")
                    .only().int("now")
            }
        }
    }
}
