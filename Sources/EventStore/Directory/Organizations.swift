package import Foundation
import PostgresDriver

package struct Organization: Sendable, Hashable {
    package var id: UUID
    package var name: String
    package var createdAt: Date
    package var isActive: Bool
}

/// Made and listed by who runs the service, with the rights of the owner: no request of an organisation can.
extension Directory {
    /// - Parameter name: 1 to 200 characters; need not be the only one of its kind.
    package func createOrganization(_ name: String) async throws -> Organization {
        guard (1...200).contains(name.count) else { throw Refusal.invalid("a name has 1 to 200 characters") }
        let rows = try await pool.withConnection {
            try await $0.query(
                "INSERT INTO \(schema.schema).organizations (name) VALUES ($1::varchar) RETURNING \(Self.organizationColumns)",
                [.text(name)])
        }
        return try Self.organization(try rows.only())
    }

    package func organizations() async throws -> [Organization] {
        let rows = try await pool.withConnection {
            try await $0.query("SELECT \(Self.organizationColumns) FROM \(schema.schema).organizations ORDER BY id")
        }
        return try rows.map { try Self.organization($0) }
    }

    package func organization(_ id: UUID) async throws -> Organization {
        let rows = try await within(
            id, "SELECT \(Self.organizationColumns) FROM \(schema.schema).organizations WHERE id = $1::uuid", [.id(id)])
        guard let row = rows.first else { throw Refusal.notFound("there is no such organisation") }
        return try Self.organization(row)
    }

    /// An inactive organisation's people and keys are refused from the next request on; its data stays.
    package func setOrganization(_ id: UUID, isActive: Bool) async throws {
        let rows = try await pool.withConnection {
            try await $0.query(
                "UPDATE \(schema.schema).organizations SET is_active = $2 WHERE id = $1::uuid RETURNING id",
                [.id(id), .bool(isActive)])
        }
        if rows.isEmpty { throw Refusal.notFound("there is no such organisation") }
    }

    private static let organizationColumns = "id::text AS id, name, \(Milliseconds.of("created_at")), is_active"

    private static func organization(_ row: Row) throws -> Organization {
        Organization(
            id: try row.id(), name: try row.string("name"), createdAt: try row.date("created_at"),
            isActive: try row.bool("is_active"))
    }
}
