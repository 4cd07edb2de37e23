import Foundation
package import PostgresDriver

/// Organisations, people, keys and streams: what changes seldom. Each of its statements runs with the rights of the requests'
/// role, within one organisation, in a transaction of its own.
package struct Directory: Sendable {
    let schema: EventSchema
    let pool: ConnectionPool

    package init(_ settings: ConnectionSettings, schema: EventSchema, connections: Int = 4) {
        self.schema = schema
        pool = ConnectionPool(settings, size: connections)
    }

    package func close() async { await pool.close() }

    /// - Throws: `EventStoreProblem` where there is no store, or one of a version that this release does not know.
    package func requireStore() async throws {
        try await pool.withConnection { try await schema.require(on: $0) }
    }

    /// What is wrong with a request, in a word that programs may look at.
    package enum Refusal: Error, Sendable, Hashable {
        /// There is one already of that name or address.
        case taken(String)
        case notFound(String)
        case invalid(String)
    }

    /// Runs a statement within an organisation.
    func within(_ organization: UUID, _ statement: String, _ parameters: [Parameter] = []) async throws -> Rows {
        try await within(organization) { try await $0.query(statement, parameters) }
    }

    func within<T: Sendable>(
        _ organization: UUID, _ body: @Sendable (Connection) async throws -> T
    ) async throws -> T {
        let opening = "SET LOCAL ROLE \(schema.account); SET LOCAL events.org_id = '\(organization.uuidString)'"
        do {
            return try await pool.withConnection { connection in
                try await connection.transaction { connection in
                    try await connection.execute(opening)
                    return try await body(connection)
                }
            }
        } catch let error as PostgresError where error.sqlState == "23505" {
            throw Refusal.taken(error.constraint ?? "")
        }
    }
}

extension Row {
    func id(_ column: String = "id") throws -> UUID {
        let text = try string(column)
        guard let id = UUID(uuidString: text) else {
            throw PostgresError(.decoding, "\(column) is not a uuid")
        }
        return id
    }

    /// From milliseconds since 1970.
    func date(_ column: String) throws -> Date { Date(timeIntervalSince1970: Double(try int(column)) / 1000) }

    func optionalDate(_ column: String) throws -> Date? {
        try optionalInt(column).map { Date(timeIntervalSince1970: Double($0) / 1000) }
    }
}

enum Milliseconds {
    /// A timestamp column as milliseconds since 1970, under its own name.
    static func of(_ column: String, as name: String? = nil) -> String {
        "(extract(epoch FROM \(column)) * 1000)::bigint AS \(name ?? column)"
    }
}
