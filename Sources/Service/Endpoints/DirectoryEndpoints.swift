import EventStore
import Foundation
import Hummingbird
import JSONSchemas

/// Organisations, for who runs the service; people and sessions.
enum DirectoryEndpoints {
    static let all = [
        Endpoint(
            method: .get, path: "/v1/organizations", id: "listOrganizations", summary: "All organisations",
            access: .service, answer: "Organizations"
        ) { call in
            return .json(
                JSONText.list("organizations", try await call.place.directory.organizations().map { text($0) }))
        },
        Endpoint(
            method: .post, path: "/v1/organizations", id: "createOrganization", summary: "Makes an organisation",
            access: .service, body: .object("NewOrganization"), status: .created, answer: "Organization"
        ) { call in
            .json(text(try await call.place.directory.createOrganization(try call.body.text("name"))), .created)
        },
        Endpoint(
            method: .patch, path: "/v1/organizations/{organization}", id: "changeOrganization",
            summary: "Takes an organisation out of use, or back into it", access: .service,
            description: "Keys and sessions of one out of use are refused from the next request on; its data stays.",
            body: .object("Activity"), status: .noContent
        ) { call in
            try await call.place.directory.setOrganization(
                try call.id("organization"), isActive: call.body.bool("is_active") ?? true)
            return .nothing
        },
        Endpoint(
            method: .post, path: "/v1/organizations/{organization}/users", id: "createFirstUser",
            summary: "Adds a person to an organisation, its first admin for one", access: .service,
            body: .object("NewUser"), status: .created, answer: "User", problems: [.taken]
        ) { call in
            let organization = try await call.place.directory.organization(try call.id("organization"))
            return .json(try await person(call, organization.id), .created)
        },
        Endpoint(
            method: .get, path: "/v1/organization", id: "organization", summary: "The organisation of who asks",
            access: .caller, answer: "Organization"
        ) { call in .json(text(try await call.place.directory.organization(try call.caller.organization))) },
        Endpoint(
            method: .post, path: "/v1/login", id: "logIn", summary: "Begins a session", access: .anybody,
            body: .object("Login", bytes: 4 << 10), status: .created, answer: "Session",
            problems: [.unauthorized, .tooManyRequests]
        ) { try await logIn($0) },
        Endpoint(
            method: .post, path: "/v1/logout", id: "logOut", summary: "Ends the session", access: .caller,
            status: .noContent, problems: [.forbidden]
        ) { call in
            guard case .person = try call.caller.kind, let token = try Door.secret(call.request) else {
                throw Problem(.forbidden, "A key has no session to end; it is revoked.")
            }
            try await call.place.directory.logOut(token, of: try call.caller.organization)
            return .nothing
        },
        Endpoint(
            method: .get, path: "/v1/users", id: "listUsers", summary: "The organisation's people",
            access: .scope(.manage), answer: "Users"
        ) { call in
            return .json(
                JSONText.list(
                    "users", try await call.place.directory.people(of: try call.caller.organization).map { text($0) }))
        },
        Endpoint(
            method: .post, path: "/v1/users", id: "createUser", summary: "Adds a person", access: .scope(.manage),
            body: .object("NewUser", bytes: 4 << 10), status: .created, answer: "User", problems: [.taken]
        ) { call in .json(try await person(call, try call.caller.organization), .created) },
        Endpoint(
            method: .patch, path: "/v1/users/{user}", id: "changeUser",
            summary: "Takes a person's access, or gives it back", access: .scope(.manage), body: .object("Activity"),
            status: .noContent
        ) { call in
            try await call.place.directory.setPerson(
                try call.id("user"), of: try call.caller.organization, isActive: call.body.bool("is_active") ?? true)
            return .nothing
        },
    ]

    private static func logIn(_ call: Call) async throws -> Response {
        let email = try call.body.text("email")
        // Each address for itself: whoever guesses passwords stops nobody else.
        let allowance = call.place.logins.take(1, of: email.lowercased())
        guard allowance.isGranted else {
            throw Problem(
                .tooManyRequests, "There were too many attempts to log in with this address.",
                retryAfter: allowance.retryAfter)
        }
        guard let found = try await call.place.directory.logIn(email, password: try call.body.text("password")) else {
            // Neither says which of both it was.
            throw Problem(.unauthorized, "The address or the password is wrong.")
        }
        var object = JSONText.Object()
        object.add("token", found.token)
        object.add("expires_at", found.expiresAt)
        object.add("user", found.person)
        object.add("organization", found.organization)
        return .json(object.text, .created)
    }

    private static func person(_ call: Call, _ organization: UUID) async throws -> String {
        text(
            try await call.place.directory.createPerson(
                try call.body.text("email"), password: try call.body.text("password"),
                role: Person.Role(rawValue: try call.body.text("role")) ?? .viewer, of: organization))
    }

    private static func text(_ organization: Organization) -> String {
        var object = JSONText.Object()
        object.add("id", organization.id)
        object.add("name", organization.name)
        object.add("created_at", organization.createdAt)
        object.add("is_active", organization.isActive)
        return object.text
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
}
