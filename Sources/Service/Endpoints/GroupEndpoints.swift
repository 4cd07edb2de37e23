import EventStore
import Foundation
import Hummingbird
import JSONSchemas

/// Consumer groups: making, polling, committing.
enum GroupEndpoints {
    private static let path = "/v1/streams/{stream}/groups"

    static let all = [
        Endpoint(
            method: .get, path: path, id: "listGroups", summary: "Groups of a stream, with their lag",
            access: .scope(.read), answer: "Groups"
        ) { call in
            let groups = try await call.place.directory.groups(
                on: try await call.stream().id, of: try call.caller.organization)
            return .json(JSONText.list("groups", groups.map { text($0) }))
        },
        Endpoint(
            method: .post, path: path, id: "createGroup", summary: "Makes a group", access: .scope(.manage),
            body: .object("NewGroup"), status: .created, answer: "CreatedGroup", problems: [.taken]
        ) { try await create($0) },
        Endpoint(
            method: .post, path: "\(path)/{group}/poll", id: "poll",
            summary: "The next events of a member's slots", access: .scope(.consume),
            description: """
                Renews the member's leases. Without a commit the next poll gives the same events. What the poll before gave may be \
                committed along with it.
                """, body: .object("Poll", bytes: 64 << 10), answer: "Delivery",
            problems: [.leaseLost, .outOfRange, .noSuchPosition]
        ) { try await poll($0) },
        Endpoint(
            method: .post, path: "\(path)/{group}/commit", id: "commit", summary: "Slots are done up to a position",
            access: .scope(.consume), description: "All of them, or none where one is another member's by now.",
            body: .object("Commit", bytes: 64 << 10), status: .noContent, problems: [.leaseLost, .noSuchPosition],
            isShort: true
        ) { call in
            let (_, group) = try await call.group()
            try await call.place.reader.commit(
                try leases(call.body["slots"]), group, of: try call.caller.organization,
                as: try call.body.text("member"))
            return .nothing
        },
        Endpoint(
            method: .post, path: "\(path)/{group}/fail", id: "fail", summary: "An event could not be done",
            access: .scope(.consume),
            description: "Those before it in its slot are done. It is tried again later, or becomes a dead letter.",
            body: .object("Failure"), answer: "FailureOutcome", problems: [.leaseLost, .noSuchPosition]
        ) { try await fail($0) },
        Endpoint(
            method: .post, path: "\(path)/{group}/seek", id: "seek", summary: "Moves the whole group",
            access: .scope(.manage), description: "Whoever works in it is fenced, and polls again.",
            body: .object("Seek"), answer: "At", problems: [.outOfRange, .noSuchPosition]
        ) { try await seek($0) },
    ]

    private static func text(_ group: GroupStatus) -> String {
        var object = JSONText.Object()
        object.add("id", group.id)
        object.add("name", group.name)
        object.add("slots", group.slots)
        object.add("max_attempts", group.attempts)
        object.add("created_at", group.createdAt)
        object.add("position", group.position)
        object.add("lag", group.lag)
        object.add("members", group.members)
        object.add("dead_letters", group.dead)
        return object.text
    }

    private static func create(_ call: Call) async throws -> Response {
        let (stream, organization) = (try await call.stream(), try call.caller.organization)
        let name = try call.body.text("name")
        var settings = GroupSettings()
        settings.slots = call.body.int("slots", default: settings.slots)
        settings.attempts = call.body.int("max_attempts", default: settings.attempts)
        settings.firstRetry = .milliseconds(call.body.int("first_retry_ms", default: 1_000))
        settings.longestRetry = .milliseconds(call.body.int("longest_retry_ms", default: 300_000))
        settings.after = call.body.optionalText("from") == "end" ? stream.lastPosition : 0
        let known = try await call.place.directory.groups(on: stream.id, of: organization)
        if known.contains(where: { $0.name == name }) {
            throw Problem(.taken, "The stream has a group of that name already.")
        }
        var object = JSONText.Object()
        object.add("id", try await call.place.reader.createGroup(name, on: stream.id, of: organization, settings))
        object.add("name", name)
        return .json(object.text, .created)
    }

    // MARK: Consuming

    private static func poll(_ call: Call) async throws -> Response {
        let (stream, group) = try await call.group()
        let (name, organization) = (try call.body.text("member"), try call.caller.organization)
        if let commit = call.body["commit"] {
            try await call.place.reader.commit(try leases(commit), group, of: organization, as: name)
        }
        let member = GroupMember(
            name, of: group, on: stream, organization,
            lease: .milliseconds(call.body.int("lease_ms", default: 30_000)), reader: call.place.reader,
            watch: call.place.watch)
        let limit = call.body.int("limit", default: 100)
        let wait = Duration.milliseconds(call.body.int("wait_ms", default: 0))
        let delivery = try await call.place.unlessEnding(wait) { try await member.next(limit: limit, waiting: $0) }
        call.place.metrics.delivered(delivery.events.count)
        return .json(text(delivery))
    }

    private static func text(_ delivery: Delivery) -> String {
        var object = JSONText.Object()
        object.add(
            "events", raw: JSONText.array(delivery.events.map { EventEndpoints.text($0.event, slot: $0.slot) }))
        object.add("slots", raw: JSONText.array(delivery.leases.map { text($0) }))
        object.add("redriven", raw: JSONText.array(delivery.redriven.map { text($0) }))
        object.add("last_position", delivery.lastPosition)
        return object.text
    }

    private static func text(_ lease: SlotLease) -> String {
        var object = JSONText.Object()
        object.add("slot", lease.slot)
        object.add("epoch", lease.epoch)
        object.add("from", lease.position)
        object.add("through", lease.through)
        object.add("attempt", lease.attempt)
        object.add("next_try", lease.nextTry)
        return object.text
    }

    private static func text(_ redriven: Delivery.Redriven) -> String {
        var object = JSONText.Object()
        object.add("dead_letter", redriven.deadLetter)
        object.add("epoch", redriven.epoch)
        object.add("attempt", redriven.attempt)
        object.add("event", raw: EventEndpoints.text(redriven.event))
        return object.text
    }

    /// As a poll gives them; those that wait for an attempt are left out.
    private static func leases(_ value: JSONValue?) throws -> [(lease: SlotLease, through: Int)] {
        guard case .array(let values) = value else { return [] }
        return try values.compactMap { value -> (lease: SlotLease, through: Int)? in
            guard case .object(let object) = value, object["through"] != .null else { return nil }
            return (try lease(object), try object.int("through"))
        }
    }

    private static func lease(_ object: JSONObject) throws -> SlotLease {
        SlotLease(
            slot: try object.int("slot"), epoch: try object.int("epoch"), position: try object.int("from"),
            through: nil, attempt: 1)
    }

    private static func fail(_ call: Call) async throws -> Response {
        let (_, group) = try await call.group()
        let outcome = try await call.place.reader.fail(
            try call.body.int("position"), in: try lease(call.body), group, of: try call.caller.organization,
            as: try call.body.text("member"), reason: try call.body.text("reason"),
            kind: call.body.optionalText("kind") ?? "", isFinal: call.body.bool("final") ?? false)
        var object = JSONText.Object()
        switch outcome {
        case .retry(let attempts, let at):
            object.add("outcome", "retry")
            object.add("attempts", attempts)
            object.add("next_try", at)
        case .dead(let attempts):
            object.add("outcome", "dead")
            object.add("attempts", attempts)
        }
        return .json(object.text)
    }

    private static func seek(_ call: Call) async throws -> Response {
        let (_, group) = try await call.group()
        let target: EventReader.SeekTarget
        if let time = call.body.optionalText("time") {
            target = .time(try Call.date(time, "time"))
        } else if call.body["after"] != nil {
            target = .after(try call.body.int("after"))
        } else {
            target = call.body.optionalText("to") == "end" ? .end : .start
        }
        var object = JSONText.Object()
        object.add(
            "position", try await call.place.reader.seek(group, of: try call.caller.organization, to: target))
        return .json(object.text)
    }
}
