import EventStore
import Foundation
import HTTPTypes
import Hummingbird
import JSONSchemas

/// Streams and their schemas.
enum StreamEndpoints {
    static let all = [
        Endpoint(
            method: .get, path: "/v1/streams", id: "listStreams", summary: "The organisation's streams, by name",
            access: .scope(.read),
            query: [
                QueryParameter(name: "after", form: .text(most: 200), description: "Those behind this name."),
                QueryParameter(name: "limit", form: .number(1...1_000, default: 100), description: "How many at most."),
            ], answer: "Streams"
        ) { call in
            let limit = call.number("limit") ?? 100
            let streams = try await call.place.directory.streams(
                of: try call.caller.organization, after: call.query["after"] ?? "", limit: limit)
            var object = JSONText.Object()
            object.add("streams", raw: JSONText.array(streams.map { text($0) }))
            object.add("next", streams.count == limit ? streams.last?.name : nil)
            return .json(object.text)
        },
        Endpoint(
            method: .post, path: "/v1/streams", id: "createStream", summary: "Makes a stream", access: .scope(.manage),
            body: .object("NewStream"), status: .created, answer: "Stream", answerHeaders: [.location],
            problems: [.taken]
        ) { call in
            let stream = try await call.place.directory.createStream(
                try call.body.text("name"), of: try call.caller.organization)
            return .json(text(stream), .created, [.location: "/v1/streams/\(stream.id.text)"])
        },
        Endpoint(
            method: .get, path: "/v1/streams/{stream}", id: "stream", summary: "A stream", access: .scope(.read),
            answer: "Stream", answerHeaders: [.etag]
        ) { call in
            let stream = try await call.stream()
            return .json(text(stream), .ok, [.eTag: "\"\(stream.lastPosition)\""])
        },
        Endpoint(
            method: .patch, path: "/v1/streams/{stream}", id: "changeStream",
            summary: "Takes a stream out of use, or back into it", access: .scope(.manage),
            description: "One out of use takes and gives nothing; what is in it stays.", body: .object("Activity"),
            status: .noContent
        ) { call in
            try await call.place.directory.setStream(
                try await call.stream().id, of: try call.caller.organization,
                isActive: call.body.bool("is_active") ?? true)
            return .nothing
        },
        Endpoint(
            method: .get, path: "/v1/streams/{stream}/schemas", id: "listSchemas",
            summary: "All versions of the stream's schema", access: .scope(.read), answer: "SchemaVersions"
        ) { call in
            let versions = try await call.place.directory.schemas(
                of: try await call.stream().id, try call.caller.organization)
            var object = JSONText.Object()
            object.add("versions", raw: JSONText.array(versions.map { text($0) }))
            return .json(object.text)
        },
        Endpoint(
            method: .post, path: "/v1/streams/{stream}/schemas", id: "registerSchema",
            summary: "Gives the stream its next schema", access: .scope(.manage),
            description:
                "Payloads have to fit it from now on. It follows the one before by the stream's rule of compatibility, or by a new one.",
            body: .object("NewSchema", bytes: 300 << 10), status: .created, answer: "RegisteredSchema",
            problems: [.invalidSchema, .incompatibleSchema, .conflict]
        ) { try await register($0) },
    ]

    private static func register(_ call: Call) async throws -> Response {
        guard let schema = call.body["schema"] else { throw Problem(.invalid, "schema is missing.") }
        let rule = call.body.optionalText("compatibility").flatMap { SchemaCompatibility.Rule(rawValue: $0) }
        let (version, ignored) = try await call.place.directory.setSchema(
            JSONWriter.text(schema), of: try await call.stream().id, try call.caller.organization, rule: rule)
        var object = JSONText.Object()
        object.add("version", version.version)
        object.add("compatibility", version.compatibility)
        object.add("without_effect", raw: JSONText.array(ignored.map { JSONText.quoted($0.description) }))
        return .json(object.text, .created)
    }

    private static func text(_ stream: EventStream) -> String {
        var object = JSONText.Object()
        object.add("id", stream.id)
        object.add("name", stream.name)
        object.add("created_at", stream.createdAt)
        object.add("is_active", stream.isActive)
        object.add("last_position", stream.lastPosition)
        object.add("floor_position", stream.floorPosition)
        object.add("schema_version", stream.schemaVersion)
        object.add("compatibility", stream.compatibility)
        return object.text
    }

    private static func text(_ schema: StreamSchema) -> String {
        var object = JSONText.Object()
        object.add("version", schema.version)
        object.add("compatibility", schema.compatibility)
        object.add("created_at", schema.createdAt)
        object.add("schema", raw: schema.schema)
        return object.text
    }
}
