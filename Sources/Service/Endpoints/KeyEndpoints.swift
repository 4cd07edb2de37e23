import EventStore
import Foundation
import Hummingbird
import JSONSchemas

/// API keys.
enum KeyEndpoints {
    static let all = [
        Endpoint(
            method: .get, path: "/v1/keys", id: "listKeys", summary: "The organisation's keys",
            access: .scope(.manage), answer: "Keys"
        ) { call in
            return .json(
                JSONText.list(
                    "keys", try await call.place.directory.keys(of: try call.caller.organization).map { text($0) }))
        },
        Endpoint(
            method: .post, path: "/v1/keys", id: "createKey", summary: "Makes a key", access: .scope(.manage),
            description: "The key itself is in this answer, and nowhere else.",
            body: .object("NewKey"), status: .created, answer: "IssuedKey"
        ) { try await create($0) },
        Endpoint(
            method: .delete, path: "/v1/keys/{key}", id: "revokeKey", summary: "Revokes a key",
            access: .scope(.manage), description: "It is refused from the next request on.", status: .noContent
        ) { call in
            try await call.place.directory.revokeKey(try call.id("key"), of: try call.caller.organization)
            return .nothing
        },
    ]

    private static func create(_ call: Call) async throws -> Response {
        guard case .array(let names) = call.body["scopes"] else { throw Problem(.invalid, "scopes is a list.") }
        let scopes = names.compactMap { name in
            if case .string(let text) = name { Scope(rawValue: text) } else { nil }
        }
        // Nobody gives away what he has not.
        guard try call.caller.scopes.isSuperset(of: scopes) else {
            throw Problem(.forbidden, "A key gets no more than who makes it has.")
        }
        let end = try call.body.optionalText("expires_at").map { try Call.date($0, "expires_at") }
        let (key, secret) = try await call.place.directory.createKey(
            try call.body.text("label"), scopes: scopes, expiresAt: end, of: try call.caller.organization)
        return .json(text(key, secret: secret), .created)
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
}
