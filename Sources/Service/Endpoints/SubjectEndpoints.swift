import EventStore
import Foundation
import HTTPTypes
import Hummingbird
import JSONSchemas

/// What is encrypted for the person that it is about, and forgetting them.
enum SubjectEndpoints {
    private static let protection = "/v1/streams/{stream}/protection"

    static let all = [
        Endpoint(
            method: .get, path: protection, id: "protection", summary: "What of a stream's payloads is encrypted",
            access: .scope(.read), answer: "Protection"
        ) { call in
            .json(text(try await call.place.directory.protection(of: call.stream().id, call.caller.organization)))
        },
        Endpoint(
            method: .put, path: protection, id: "protect", summary: "Declares what of a stream's payloads is encrypted",
            access: .scope(.manage),
            description: """
                It counts from the next append on; what is there stays as it is. The stream's schema gets another version. The \
                service needs the master key.
                """, body: .object("NewProtection", bytes: 256 << 10), answer: "Protection"
        ) { try await protect($0) },
        Endpoint(
            method: .delete, path: protection, id: "unprotect", summary: "Nothing more of a stream is encrypted",
            access: .scope(.manage), description: "What is encrypted stays so.", status: .noContent
        ) { call in
            try await call.place.directory.protect(call.stream().id, of: call.caller.organization, nil)
            return .nothing
        },
        Endpoint(
            method: .get, path: "/v1/subjects", id: "listSubjects",
            summary: "Subjects that have a key, or are forgotten, by id", access: .scope(.manage),
            query: [
                QueryParameter(name: "subject", form: .text(most: 200), description: "This one alone."),
                QueryParameter(name: "after", form: .text(most: 200), description: "Those behind this one."),
                QueryParameter(name: "limit", form: .number(1...1_000, default: 100), description: "How many at most."),
            ], answer: "Subjects"
        ) { try await list($0) },
        Endpoint(
            method: .post, path: "/v1/subjects/forget", id: "forgetSubject",
            summary: "Deletes a subject's key for good: what is encrypted with it cannot be read any more",
            access: .scope(.manage),
            description: """
                Nothing undoes it. It is put on record with the key or person that asks, and why. Again, it changes nothing. Read \
                models and consumers that may have copies are named: they are not reached by it.
                """, body: .object("Forgetting"), answer: "Forgotten", problems: [.notFound]
        ) { try await forget($0) },
        Endpoint(
            method: .post, path: "/v1/subjects/readmit", id: "readmitSubject",
            summary: "Events about a forgotten subject may be appended again, under a new key",
            access: .scope(.manage), description: "What was forgotten stays so.", body: .object("NamedSubject"),
            status: .noContent, problems: [.notFound]
        ) { call in
            try await call.place.directory.readmit(call.body.text("subject"), of: call.caller.organization)
            return .nothing
        },
    ]

    // MARK: Protection

    private static func text(_ protection: StreamProtection?) -> String {
        var object = JSONText.Object()
        object.add(
            "members", raw: JSONText.array(protection?.members.map { JSONText.quoted($0.description) } ?? []))
        object.add("subject", protection?.subject.description)
        object.add("tombstone", raw: protection.map { JSONWriter.text($0.tombstone) } ?? "null")
        return object.text
    }

    private static func protect(_ call: Call) async throws -> Response {
        let (stream, organization) = (try await call.stream(), try call.caller.organization)
        guard let subject = StreamProtection.Source(call.body.optionalText("subject") ?? "key") else {
            throw Problem(.invalid, "subject is key, /payload/… or /metadata/…: a JSON pointer.")
        }
        guard case .array(let places) = call.body["members"] else { throw Problem(.invalid, "members is a list.") }
        let members = try places.map { place in
            guard case .string(let text) = place, let pointer = JSONPointer(text) else {
                throw Problem(.invalid, "\(JSONWriter.text(place)) is no JSON pointer, such as /owner/name.")
            }
            return pointer
        }
        let protection = try StreamProtection(members, subject: subject, tombstone: call.body["tombstone"] ?? .null)
        // Found out now, and not by whoever appends next.
        if case .unavailable(let problem) = call.place.subjects { throw problem }
        try await call.place.directory.protect(stream.id, of: organization, protection)
        return .json(text(protection))
    }

    // MARK: Subjects

    private static func list(_ call: Call) async throws -> Response {
        let limit = call.number("limit") ?? 100
        let subjects = try await call.place.directory.subjects(
            of: call.caller.organization, id: call.query["subject"], after: call.query["after"] ?? "", limit: limit)
        var object = JSONText.Object()
        object.add("subjects", raw: JSONText.array(subjects.map { text($0) }))
        object.add("next", subjects.count == limit ? subjects.last?.id : nil)
        return .json(object.text)
    }

    private static func text(_ subject: Subject) -> String {
        var object = JSONText.Object()
        object.add("subject", subject.id)
        object.add("key_made_at", subject.keyMadeAt)
        object.add("forgotten_at", subject.forgottenAt)
        object.add("forgotten_by", subject.forgottenBy)
        object.add("reason", subject.reason)
        object.add("readmitted_at", subject.readmittedAt)
        return object.text
    }

    private static func forget(_ call: Call) async throws -> Response {
        let (subject, organization) = (try call.body.text("subject"), try call.caller.organization)
        let directory = call.place.directory
        guard try await !directory.subjects(of: organization, id: subject, limit: 1).isEmpty else {
            throw Problem(.notFound, "There is no such subject: nothing was ever encrypted for it.")
        }
        let actor =
            switch try call.caller.kind {
            case .key(let id): "key \(id.text)"
            case .person(let id): "person \(id.text)"
            }
        let done = try await directory.forget(
            subject, of: organization, by: actor, reason: call.body.text("reason"))
        await directory.vacuumKeys()
        let copies = try await directory.copies(of: organization)
        var object = JSONText.Object()
        object.add("subject", subject)
        object.add("had_key", done.hadKey)
        object.add("forgotten_at", done.at)
        object.add("projections", raw: JSONText.array(copies.flatMap(\.projections).map { JSONText.quoted($0) }))
        object.add(
            "groups", raw: JSONText.array(copies.flatMap { stream in stream.groups.map { group(stream.stream, $0) } }))
        return .json(object.text)
    }

    private static func group(_ stream: String, _ name: String) -> String {
        var object = JSONText.Object()
        object.add("stream", stream)
        object.add("group", name)
        return object.text
    }
}
