import EventStore
import Foundation
import Hummingbird
import JSONSchemas

/// Events that a group could not do.
enum DeadLetterEndpoints {
    private static let path = "/v1/streams/{stream}/groups/{group}/dead-letters"

    static let all = [
        Endpoint(
            method: .get, path: path, id: "listDeadLetters", summary: "Dead letters of a group, by position",
            access: .scope(.read),
            description: "At most about 4 MiB of them at a time: next_after is where to go on, null at the end.",
            query: [
                QueryParameter(
                    name: "status", form: .choice(DeadLetter.Status.allCases.map(\.rawValue)),
                    description: "Without it: all."),
                QueryParameter(
                    name: "after", form: .number(0...Int.max, default: 0),
                    description: "Of events after this position."),
                QueryParameter(name: "limit", form: .number(1...1_000, default: 100), description: "How many at most."),
            ], answer: "DeadLetters"
        ) { try await list($0) },
        Endpoint(
            method: .post, path: "\(path)/redrive", id: "redrive", summary: "They are tried once more, by this group",
            access: .scope(.manage), body: .object("Selection", bytes: 512 << 10), answer: "Changed"
        ) { call in try await change(call) { try await call.place.reader.redrive($0, of: $1, $2) } },
        Endpoint(
            method: .post, path: "\(path)/discard", id: "discard", summary: "Nobody needs to try them again",
            access: .scope(.manage), description: "They stay on record.",
            body: .object("Selection", bytes: 512 << 10), answer: "Changed"
        ) { call in try await change(call) { try await call.place.reader.discard($0, of: $1, $2) } },
        Endpoint(
            method: .post, path: "\(path)/settle", id: "settle", summary: "A redriven dead letter's attempt has ended",
            access: .scope(.consume), body: .object("Settlement"), status: .noContent, problems: [.leaseLost]
        ) { try await settle($0) },
    ]

    private static func list(_ call: Call) async throws -> Response {
        let (_, group) = try await call.group()
        let page = try await call.place.directory.deadLetters(
            of: group, try call.caller.organization,
            status: call.query["status"].flatMap { DeadLetter.Status(rawValue: $0) },
            after: call.number("after") ?? 0, limit: call.number("limit") ?? 100)
        var object = JSONText.Object()
        object.add("dead_letters", raw: JSONText.array(page.letters.map { text($0) }))
        object.add("next_after", page.next)
        return .json(object.text)
    }

    private static func text(_ letter: DeadLetter) -> String {
        var object = JSONText.Object()
        object.add("id", letter.id)
        object.add("status", letter.status.rawValue)
        object.add("reason", letter.reason)
        object.add("kind", letter.kind)
        object.add("attempts", letter.attempts)
        object.add("failed_at", letter.failedAt)
        object.add("event", raw: EventEndpoints.text(letter.event))
        return object.text
    }

    private static func change(
        _ call: Call, _ body: (UUID, UUID, [UUID]?) async throws -> Int
    ) async throws -> Response {
        let (_, group) = try await call.group()
        var object = JSONText.Object()
        object.add("changed", try await body(group, try call.caller.organization, call.body.ids("ids")))
        return .json(object.text)
    }

    private static func settle(_ call: Call) async throws -> Response {
        _ = try await call.group()
        guard let letter = UUID(uuidString: try call.body.text("dead_letter")) else {
            throw Problem(.invalid, "dead_letter is an id.")
        }
        var failure: (reason: String, kind: String)?
        if case .object(let object) = call.body["failure"] {
            failure = (try object.text("reason"), object.optionalText("kind") ?? "")
        }
        try await call.place.reader.settle(
            letter, epoch: try call.body.int("epoch"), of: try call.caller.organization,
            as: try call.body.text("member"), failure: failure)
        return .nothing
    }
}
