import EventStore
import Foundation
import Hummingbird
import JSONSchemas

/// The organisation of who asks: people, keys, sessions.
struct PeopleRoutes {
    let place: ServicePlace

    func add(to router: RouterGroup<ServiceContext>) {
        router.post("login") { try await logIn($0, $1) }
        router.post("logout") { try await logOut($0, $1) }
        router.get("organization") { try await organization($0, $1) }
        router.get("users") { try await people($0, $1) }
        router.post("users") { try await createPerson($0, $1) }
        router.patch("users/:user") { try await changePerson($0, $1) }
        router.get("keys") { try await keys($0, $1) }
        router.post("keys") { try await createKey($0, $1) }
        router.delete("keys/:key") { try await revokeKey($0, $1) }
    }

    // MARK: Sessions

    private func logIn(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let body = try await request.object(["email", "password"], upTo: 4 << 10)
        let found = try await place.directory.logIn(
            try body.string("email", 3...1_000), password: try body.string("password", 1...1_000))
        // Neither says which of both it was.
        guard let found else { throw Problem(.unauthorized, "The address or the password is wrong.") }
        var object = JSONText.Object()
        object.add("token", found.token)
        object.add("expires_at", found.expiresAt)
        object.add("user", found.person)
        object.add("organization", found.organization)
        return .json(object.text, .created, [.cacheControl: "no-store"])
    }

    private func logOut(_ request: Request, _ context: ServiceContext) async throws -> Response {
        guard let caller = context.caller, case .person = caller.kind,
            let token = request.headers[.authorization]?.split(separator: " ").last
        else { throw Problem(.unauthorized, "There is no session to end.") }
        try await place.directory.logOut(String(token), of: caller.organization)
        return .nothing
    }

    // MARK: Organisation and people

    private func organization(_ request: Request, _ context: ServiceContext) async throws -> Response {
        guard let caller = context.caller else { throw Problem(.unauthorized, "Send an API key or a session's token.") }
        let organization = try await place.directory.organization(caller.organization)
        var object = JSONText.Object()
        object.add("id", organization.id)
        object.add("name", organization.name)
        object.add("created_at", organization.createdAt)
        return .json(object.text)
    }

    private func people(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let caller = try context.caller(for: .manage)
        let people = try await place.directory.people(of: caller.organization)
        var object = JSONText.Object()
        object.add("users", raw: JSONText.array(people.map { Self.text($0) }))
        return .json(object.text)
    }

    private static func text(_ person: Person) -> String {
        var object = JSONText.Object()
        object.add("id", person.id)
        object.add("email", person.email)
        object.add("role", person.role.rawValue)
        object.add("created_at", person.createdAt)
        object.add("is_active", person.isActive)
        return object.text
    }

    private func createPerson(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let caller = try context.caller(for: .manage)
        let body = try await request.object(["email", "password", "role"], upTo: 4 << 10)
        guard let role = Person.Role(rawValue: try body.string("role", 1...20)) else {
            throw Problem(.invalid, "role is admin or viewer.")
        }
        let person = try await place.directory.createPerson(
            try body.string("email", 3...1_000), password: try body.string("password", 1...1_000), role: role,
            of: caller.organization)
        return .json(Self.text(person), .created)
    }

    private func changePerson(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let caller = try context.caller(for: .manage)
        let body = try await request.object(["is_active"])
        try await place.directory.setPerson(
            try ServicePlace.id("user", context), of: caller.organization, isActive: try body.bool("is_active"))
        return .nothing
    }

    // MARK: Keys

    private func keys(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let caller = try context.caller(for: .manage)
        let keys = try await place.directory.keys(of: caller.organization)
        var object = JSONText.Object()
        object.add("keys", raw: JSONText.array(keys.map { Self.text($0) }))
        return .json(object.text)
    }

    private static func text(_ key: APIKey, secret: String? = nil) -> String {
        var object = JSONText.Object()
        object.add("id", key.id)
        object.add("label", key.label)
        object.add("prefix", key.prefix)
        object.add("scopes", raw: JSONText.array(key.scopes.map { JSONText.quoted($0.rawValue) }))
        object.add("created_at", key.createdAt)
        object.add("expires_at", key.expiresAt)
        object.add("revoked_at", key.revokedAt)
        if let secret { object.add("key", secret) }
        return object.text
    }

    private func createKey(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let caller = try context.caller(for: .manage)
        let body = try await request.object(["label", "scopes", "expires_at"])
        guard case .array(let names) = body["scopes"] else { throw Problem(.invalid, "scopes is a list.") }
        let scopes = try names.map { name in
            guard case .string(let text) = name, let scope = Scope(rawValue: text) else {
                throw Problem(.invalid, "scopes are append, read, consume, manage.")
            }
            return scope
        }
        // Nobody gives away what he has not.
        guard caller.scopes.isSuperset(of: scopes) else { throw Problem(.forbidden, "A key gets no more than who makes it has.") }
        let end = try body.optionalString("expires_at", 1...40).map { text in
            guard let time = try? Date(text, strategy: .iso8601) else {
                throw Problem(.invalid, "expires_at is a time such as 2026-11-22T06:00:00Z.")
            }
            return time
        }
        let (key, secret) = try await place.directory.createKey(
            try body.string("label", 1...800), scopes: scopes, expiresAt: end, of: caller.organization)
        return .json(Self.text(key, secret: secret), .created, [.cacheControl: "no-store"])
    }

    private func revokeKey(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let caller = try context.caller(for: .manage)
        try await place.directory.revokeKey(try ServicePlace.id("key", context), of: caller.organization)
        return .nothing
    }
}
