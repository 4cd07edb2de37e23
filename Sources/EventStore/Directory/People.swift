import Dispatch
package import Foundation
import PostgresDriver
import Synchronization

package struct Person: Sendable, Hashable {
    package enum Role: String, Sendable, Hashable, CaseIterable, Codable {
        case admin, viewer
    }

    package var id: UUID
    package var email: String
    package var role: Role
    package var createdAt: Date
    package var isActive: Bool
}

extension Directory {
    /// - Parameters:
    ///   - email: kept in lower case; the only one in all organisations.
    ///   - password: 12 to 200 characters.
    package func createPerson(
        _ email: String, password: String, role: Person.Role, of organization: UUID
    ) async throws -> Person {
        let address = email.lowercased()
        guard (3...320).contains(address.count),
            address.split(separator: "@", omittingEmptySubsequences: false).count == 2,
            !address.hasPrefix("@"), !address.hasSuffix("@"), !address.contains(where: \.isWhitespace)
        else { throw Refusal.invalid("an e-mail address has a name, an @ and a host") }
        guard (12...200).contains(password.unicodeScalars.count) else {
            throw Refusal.invalid("a password has 12 to 200 characters")
        }
        let hash = try await Self.slowly { try PasswordHash().text(of: password) }
        let rows = try await within(
            organization,
            """
            INSERT INTO \(schema.schema).users (org_id, email, password_hash, role) VALUES ($1::uuid, $2::varchar, $3, $4::varchar)
            RETURNING \(Self.personColumns)
            """, [.id(organization), .text(address), .text(hash), .text(role.rawValue)])
        return try Self.person(try rows.only())
    }

    package func people(of organization: UUID) async throws -> [Person] {
        try await within(
            organization,
            "SELECT \(Self.personColumns) FROM \(schema.schema).users WHERE org_id = $1::uuid ORDER BY email",
            [.id(organization)]
        ).map { try Self.person($0) }
    }

    /// Inactive people cannot log in, and their sessions are refused from the next request on.
    package func setPerson(_ id: UUID, of organization: UUID, isActive: Bool) async throws {
        let rows = try await within(
            organization, "UPDATE \(schema.schema).users SET is_active = $2 WHERE id = $1::uuid RETURNING id",
            [.id(id), .bool(isActive)])
        if rows.isEmpty { throw Refusal.notFound("there is no such user") }
    }

    // MARK: Sessions

    /// - Returns: the token, shown this once, and when it ends; nil: the address or the password is wrong. Both take as long.
    package func logIn(
        _ email: String, password: String, lasting: Duration = .seconds(43_200)
    ) async throws -> (token: String, expiresAt: Date, person: UUID, organization: UUID)? {
        let name = schema.schema
        // Nobody's organisation is known yet: asked with the owner's rights.
        let found = try await pool.withConnection {
            try await $0.query(
                """
                SELECT u.id::text AS id, u.org_id::text AS organization, u.password_hash FROM \(name).users u
                JOIN \(name).organizations o ON o.id = u.org_id AND o.is_active WHERE u.email = $1 AND u.is_active
                """, [.text(email.lowercased())])
        }.first
        let stored = try found?.string("password_hash") ?? Self.nobody
        let isRight = try await Self.slowly { try PasswordHash.matches(String(password.prefix(200)), stored) }
        guard let found, isRight else { return nil }
        let token = "evs_" + Secrets.hex(try Secrets.random(32))
        let (person, organization) = (try found.id(), try found.id("organization"))
        let row = try await within(
            organization,
            """
            INSERT INTO \(name).login_sessions (org_id, user_id, token_hash, expires_at)
            VALUES ($1::uuid, $2::uuid, $3, \(name).now() + $4 * interval '1 millisecond') RETURNING \(Milliseconds.of("expires_at"))
            """, [.id(organization), .id(person), .text(try Secrets.hash(token)), .int(lasting.milliseconds)]
        ).only()
        return (token, try row.date("expires_at"), person, organization)
    }

    package func logOut(_ token: String, of organization: UUID) async throws {
        _ = try await within(
            organization,
            "UPDATE \(schema.schema).login_sessions SET ended_at = \(schema.schema).now() WHERE token_hash = $1 AND ended_at IS NULL",
            [.text(try Secrets.hash(token))])
    }

    /// A hash that no password has, of the cost of all others: an address that is not known takes as long to refuse.
    private static let nobody =
        "$scrypt$ln=15,r=8,p=3$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

    /// On a thread of its own, one after the other, so that neither requests nor memory suffer from passwords; more than wait
    /// already are sent away.
    private static func slowly<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
        let isOneTooMany = waitingPasswords.withLock { waiting in
            guard waiting < 100 else { return true }
            waiting += 1
            return false
        }
        if isOneTooMany { throw Callers.TooMany() }
        return try await withCheckedThrowingContinuation { continuation in
            passwords.async {
                let result = Result { try work() }
                waitingPasswords.withLock { $0 -= 1 }
                continuation.resume(with: result)
            }
        }
    }

    private static let passwords = DispatchQueue(label: "strata.passwords")
    private static let waitingPasswords = Mutex(0)

    private static let personColumns = "id::text AS id, email, role, \(Milliseconds.of("created_at")), is_active"

    private static func person(_ row: Row) throws -> Person {
        Person(
            id: try row.id(), email: try row.string("email"),
            role: Person.Role(rawValue: try row.string("role")) ?? .viewer,
            createdAt: try row.date("created_at"), isActive: try row.bool("is_active"))
    }
}
