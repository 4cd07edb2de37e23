import EventStore
import Foundation
import Hummingbird
import JSONSchemas

/// Consumer groups: poll, commit, failures, seek, dead letters.
struct GroupRoutes {
    let place: ServicePlace

    func add(to router: RouterGroup<ServiceContext>) {
        router.get("streams/:stream/groups") { try await list($0, $1) }
        router.post("streams/:stream/groups") { try await create($0, $1) }
        let group = router.group("streams/:stream/groups/:group")
        group.post("poll") { try await poll($0, $1) }
        group.post("commit") { try await commit($0, $1) }
        group.post("fail") { try await fail($0, $1) }
        group.post("seek") { try await seek($0, $1) }
        group.get("dead-letters") { try await deadLetters($0, $1) }
        group.post("dead-letters/redrive") { try await redrive($0, $1) }
        group.post("dead-letters/discard") { try await discard($0, $1) }
        group.post("dead-letters/settle") { try await settle($0, $1) }
    }

    // MARK: Groups

    private func list(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let (caller, stream) = try await place.stream(context, .read)
        let groups = try await place.directory.groups(on: stream.id, of: caller.organization)
        var object = JSONText.Object()
        object.add("groups", raw: JSONText.array(groups.map { Self.text($0) }))
        return .json(object.text)
    }

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

    private func create(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let (caller, stream) = try await place.stream(context, .manage)
        let body = try await request.object(["name", "slots", "max_attempts", "first_retry_ms", "longest_retry_ms", "after", "from_end"])
        let name = try body.string("name", 1...800)
        var settings = GroupSettings()
        settings.slots = try body.int("slots", default: settings.slots, in: 1...256)
        settings.attempts = try body.int("max_attempts", default: settings.attempts, in: 1...1_000)
        settings.firstRetry = .milliseconds(try body.int("first_retry_ms", default: 1_000, in: 1...86_400_000))
        settings.longestRetry = .milliseconds(try body.int("longest_retry_ms", default: 300_000, in: 1...86_400_000))
        settings.after = try body.bool("from_end", default: false) ? stream.lastPosition : try body.int("after", default: 0, in: 0...Int.max)
        let known = try await place.directory.groups(on: stream.id, of: caller.organization)
        if known.contains(where: { $0.name == name }) { throw Problem(.taken, "The stream has a group of that name already.") }
        let id = try await place.reader.createGroup(name, on: stream.id, of: caller.organization, settings)
        var object = JSONText.Object()
        object.add("id", id)
        object.add("name", name)
        return .json(object.text, .created)
    }

    private func group(_ context: ServiceContext, _ caller: Caller) async throws -> (stream: UUID, group: UUID) {
        let stream = try await place.streamID(context, caller)
        let name = try ServicePlace.parameter("group", context)
        if let id = UUID(uuidString: name) { return (stream, id) }
        return (stream, try await place.groups.id(of: name, on: stream, caller.organization))
    }

    // MARK: Consuming

    /// A commit may go along: one round trip for each batch.
    private func poll(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let caller = try context.caller(for: .consume)
        let (stream, group) = try await group(context, caller)
        let body = try await request.object(["member", "limit", "wait_ms", "lease_ms", "commit"], upTo: 256 << 10)
        let member = try body.string("member", 1...200)
        if let commit = body["commit"] {
            try await place.reader.commit(try Self.leases(commit), group, of: caller.organization, as: member)
        }
        let longest = Int(place.limits.longestPoll / .milliseconds(1))
        let one = GroupMember(
            member, of: group, on: stream, caller.organization,
            lease: .milliseconds(try body.int("lease_ms", default: 30_000, in: 1_000...3_600_000)),
            reader: place.reader, watch: place.watch)
        let delivery = try await one.next(
            limit: try body.int("limit", default: 100, in: 1...10_000),
            waiting: .milliseconds(try body.int("wait_ms", default: 0, in: 0...longest)))
        return .json(Self.text(delivery))
    }

    private static func text(_ delivery: Delivery) -> String {
        var object = JSONText.Object()
        object.add("events", raw: JSONText.array(delivery.events.map { StreamRoutes.text($0.event, slot: $0.slot) }))
        object.add("slots", raw: JSONText.array(delivery.leases.map { lease in
            var object = JSONText.Object()
            object.add("slot", lease.slot)
            object.add("epoch", lease.epoch)
            object.add("from", lease.position)
            object.add("through", lease.through)
            object.add("attempt", lease.attempt)
            object.add("next_try", lease.nextTry)
            return object.text
        }))
        object.add("redriven", raw: JSONText.array(delivery.redriven.map { redriven in
            var object = JSONText.Object()
            object.add("dead_letter", redriven.deadLetter)
            object.add("epoch", redriven.epoch)
            object.add("attempt", redriven.attempt)
            object.add("event", raw: StreamRoutes.text(redriven.event))
            return object.text
        }))
        object.add("last_position", delivery.lastPosition)
        return object.text
    }

    /// `[{"slot": …, "epoch": …, "from": …, "through": …}]`, as a poll gives them; those whose `through` is null are left out.
    private static func leases(_ value: JSONValue) throws -> [(lease: SlotLease, through: Int)] {
        guard case .array(let values) = value, values.count <= 256 else {
            throw Problem(.invalid, "commit is the list of slots that a poll has given.")
        }
        return try values.compactMap { value in
            guard case .object(let object) = value else { throw Problem(.invalid, "A slot is an object, as a poll gives it.") }
            if object["through"] == .null { return nil }
            let lease = SlotLease(
                slot: try object.int("slot", in: 0...255), epoch: try object.int("epoch", in: 0...Int.max),
                position: try object.int("from", in: 0...Int.max), through: nil, attempt: 1)
            return (lease, try object.int("through", in: 0...Int.max))
        }
    }

    private func commit(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let caller = try context.caller(for: .consume)
        let (_, group) = try await group(context, caller)
        let body = try await request.object(["member", "slots"], upTo: 256 << 10)
        try await place.reader.commit(
            try Self.leases(body["slots"] ?? .null), group, of: caller.organization, as: try body.string("member", 1...200))
        return .nothing
    }

    private func fail(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let caller = try context.caller(for: .consume)
        let (_, group) = try await group(context, caller)
        let body = try await request.object(["member", "slot", "epoch", "from", "position", "reason", "kind", "final"])
        let lease = SlotLease(
            slot: try body.int("slot", in: 0...255), epoch: try body.int("epoch", in: 0...Int.max),
            position: try body.int("from", in: 0...Int.max), through: nil, attempt: 1)
        let outcome = try await place.reader.fail(
            try body.int("position", in: 1...Int.max), in: lease, group, of: caller.organization,
            as: try body.string("member", 1...200), reason: try body.string("reason", 1...10_000),
            kind: try body.optionalString("kind", 0...200) ?? "", isFinal: try body.bool("final", default: false))
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

    private func seek(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let caller = try context.caller(for: .manage)
        let (_, group) = try await group(context, caller)
        let body = try await request.object(["to"])
        let target: EventReader.SeekTarget
        switch body["to"] {
        case .string("start"): target = .start
        case .string("end"): target = .end
        case .number(let number) where (number.int ?? -1) >= 0: target = .after(number.int ?? 0)
        case .string(let text):
            guard let time = try? Date(text, strategy: .iso8601) else { fallthrough }
            target = .time(time)
        default: throw Problem(.invalid, "to is \"start\", \"end\", a position, or a time such as 2026-11-22T06:00:00Z.")
        }
        let position = try await place.reader.seek(group, of: caller.organization, to: target)
        var object = JSONText.Object()
        object.add("position", position)
        return .json(object.text)
    }

    // MARK: Dead letters

    private func deadLetters(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let caller = try context.caller(for: .read)
        let (_, group) = try await group(context, caller)
        let status = try request.uri.queryParameters["status"].map { text in
            guard let status = DeadLetter.Status(rawValue: String(text)) else {
                throw Problem(.invalid, "status is dead, redriving, resolved or discarded.")
            }
            return status
        }
        let letters = try await place.directory.deadLetters(
            of: group, caller.organization, status: status, after: try request.number("after", default: 0, in: 0...Int.max),
            limit: try request.number("limit", default: 100, in: 1...1_000))
        var object = JSONText.Object()
        object.add("dead_letters", raw: JSONText.array(letters.map { letter in
            var object = JSONText.Object()
            object.add("id", letter.id)
            object.add("status", letter.status.rawValue)
            object.add("reason", letter.reason)
            object.add("kind", letter.kind)
            object.add("attempts", letter.attempts)
            object.add("failed_at", letter.failedAt)
            object.add("event", raw: StreamRoutes.text(letter.event))
            return object.text
        }))
        return .json(object.text)
    }

    private func redrive(_ request: Request, _ context: ServiceContext) async throws -> Response {
        try await change(request, context) { try await place.reader.redrive($0, of: $1, $2) }
    }

    private func discard(_ request: Request, _ context: ServiceContext) async throws -> Response {
        try await change(request, context) { try await place.reader.discard($0, of: $1, $2) }
    }

    private func change(
        _ request: Request, _ context: ServiceContext, _ body: (UUID, UUID, [UUID]?) async throws -> Int
    ) async throws -> Response {
        let caller = try context.caller(for: .manage)
        let (_, group) = try await group(context, caller)
        let object = try await request.object(["ids", "all"], upTo: 512 << 10)
        let ids = try object.ids("ids")
        guard try object.bool("all", default: false) != (ids != nil) else {
            throw Problem(.invalid, "Name their ids, or say \"all\": true.")
        }
        var answer = JSONText.Object()
        answer.add("changed", try await body(group, caller.organization, ids))
        return .json(answer.text)
    }

    private func settle(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let caller = try context.caller(for: .consume)
        _ = try await group(context, caller)
        let body = try await request.object(["member", "dead_letter", "epoch", "done", "reason", "kind"])
        guard let id = UUID(uuidString: try body.string("dead_letter", 36...36)) else {
            throw Problem(.invalid, "dead_letter is an id.")
        }
        let isDone = try body.bool("done")
        try await place.reader.settle(
            id, epoch: try body.int("epoch", in: 0...Int.max), of: caller.organization, as: try body.string("member", 1...200),
            failure: isDone ? nil : (try body.string("reason", 1...10_000), try body.optionalString("kind", 0...200) ?? ""))
        return .nothing
    }
}
