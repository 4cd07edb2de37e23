package import Foundation
import PostgresDriver

/// What a key, or a person's session, may do.
package enum Scope: String, Sendable, Hashable, CaseIterable, Codable {
    case append, read, consume
    /// Streams, schemas, groups, keys and people of its organisation.
    case manage
}

package struct APIKey: Sendable, Hashable {
    package var id: UUID
    package var label: String
    /// The beginning of the key, which tells a person which one it is.
    package var prefix: String
    package var scopes: [Scope]
    package var createdAt: Date
    package var expiresAt: Date?
    package var revokedAt: Date?
}

/// Who a request comes from.
package struct Caller: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case key(UUID)
        case person(UUID)
    }

    package var kind: Kind
    package var organization: UUID
    package var scopes: Set<Scope>
}

extension Directory {
    /// Makes a key. It is shown this once: what is kept is its hash.
    ///
    /// - Parameters:
    ///   - label: what it is for; 1 to 200 characters.
    ///   - expiresAt: nil: when it is revoked.
    package func createKey(
        _ label: String, scopes: [Scope], expiresAt: Date? = nil, of organization: UUID
    ) async throws -> (key: APIKey, secret: String) {
        guard (1...200).contains(label.count) else { throw Refusal.invalid("a key's label has 1 to 200 characters") }
        guard !scopes.isEmpty else { throw Refusal.invalid("a key has one scope at least") }
        let prefix = "evk_" + Secrets.hex(try Secrets.random(4))
        let secret = prefix + "_" + Secrets.hex(try Secrets.random(32))
        let expiry = expiresAt.map { Parameter.int(Int(($0.timeIntervalSince1970 * 1000).rounded())) } ?? .null
        let rows = try await within(
            organization,
            """
            INSERT INTO \(schema.schema).api_keys (org_id, key_hash, label, prefix, scopes, expires_at)
            VALUES ($1::uuid, $2, $3::varchar, $4::varchar, $5, timestamp '1970-01-01' + $6::bigint * interval '1 millisecond')
            RETURNING \(Self.keyColumns)
            """,
            [
                .id(organization), .text(try Secrets.hash(secret)), .text(label), .text(prefix),
                .textArray(Set(scopes).map(\.rawValue).sorted()), expiry,
            ])
        return (try Self.key(try rows.only()), secret)
    }

    package func keys(of organization: UUID) async throws -> [APIKey] {
        try await within(
            organization,
            "SELECT \(Self.keyColumns) FROM \(schema.schema).api_keys WHERE org_id = $1::uuid ORDER BY id",
            [.id(organization)]
        ).map { try Self.key($0) }
    }

    /// It is refused from the next request on.
    package func revokeKey(_ id: UUID, of organization: UUID) async throws {
        let rows = try await within(
            organization,
            "UPDATE \(schema.schema).api_keys SET revoked_at = coalesce(revoked_at, \(schema.schema).now()) WHERE id = $1::uuid RETURNING id",
            [.id(id)])
        if rows.isEmpty { throw Refusal.notFound("there is no such key") }
    }

    private static let keyColumns = """
        id::text AS id, label, prefix, scopes, \(Milliseconds.of("created_at")), \(Milliseconds.of("expires_at")), \(Milliseconds.of("revoked_at"))
        """

    private static func key(_ row: Row) throws -> APIKey {
        APIKey(
            id: try row.id(), label: try row.string("label"), prefix: try row.string("prefix"),
            scopes: try row.textArray("scopes").compactMap { Scope(rawValue: $0) },
            createdAt: try row.date("created_at"),
            expiresAt: try row.optionalDate("expires_at"), revokedAt: try row.optionalDate("revoked_at"))
    }
}
