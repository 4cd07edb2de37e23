import ArgumentParser
import EventStore
import Foundation
import Planning

struct EventsPollCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "poll",
        abstract: "The next events of a member of a consumer group, and the cursor that commits them.",
        discussion: """
            For machines each event is one line of JSON, in order; redriven dead letters stand behind
            them, with deadLetter. The last line has the cursor, or null where nothing has come. Do
            the events, then commit the cursor: what is not committed comes again. The slots are the
            member's own for the time of its lease, and another's after that, who then gets the events.

            Example, a loop of a shell:
              while strata events poll animals mailer --member m1 --wait 1m --format json > batch
              do
                cursor=$(tail -n 1 batch | jq -r '.cursor // empty')
                [ -z "$cursor" ] && continue
                sed '$d' batch | ./mail && strata events commit animals mailer "$cursor" || sleep 5
              done
            """)

    @OptionGroup var place: EventsDeadCommand.Place
    @OptionGroup var member: MemberOptions
    @Option(help: ArgumentHelp("How many events at most, 1 to 10000.", valueName: "number")) var limit = 100
    @Option(help: ArgumentHelp("How long to wait for some where there are none, 0s to 1h.", valueName: "duration"))
    var wait = DurationArgument(.zero)

    func validate() throws {
        guard 1...10_000 ~= limit else { throw ValidationError("--limit must be from 1 to 10000") }
        guard .zero...Duration.seconds(3_600) ~= wait.duration else {
            throw ValidationError("--wait must be from 0s to 1h")
        }
    }

    func run() async throws {
        try await place.with { store, organization, group, reader in
            let stream = try await store.stream(place.stream, of: organization)
            let delivery = try await GroupMembership(store, organization, stream, group, reader).working(
                as: member.member, lease: member.lease.duration
            ) { try await $0.next(limit: limit, waiting: wait.duration) }
            let cursor = delivery.isEmpty ? nil : DeliveryCursor(delivery, of: group.id, as: member.member).text
            let console = store.workplace.console
            switch place.global.format {
            case .json:
                for line in DeliveryLines.all(delivery) { console.output(line) }
                console.output(DeliveryLines.last(delivery, cursor))
            case .text: show(delivery, cursor, console)
            }
        }
    }

    private func show(_ delivery: Delivery, _ cursor: String?, _ console: Console) {
        guard let cursor else { return console.output("Nothing for \(member.member).\n") }
        for delivered in delivery.events { console.output(EventsReadCommand.text(delivered.event, console)) }
        for redriven in delivery.redriven {
            console.output("dead letter \(redriven.deadLetter.uuidString.lowercased()), once more:\n")
            console.output(EventsReadCommand.text(redriven.event, console))
        }
        console.error("When they are done: strata events commit \(place.stream) \(place.group) \(cursor)\n")
    }
}

/// Who consumes.
struct MemberOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("A name of its own for each that works in the group, 1 to 200 bytes.", valueName: "name"))
    var member: String
    @Option(help: ArgumentHelp("How long its slots are its own without another poll, 1s to 1h.", valueName: "duration"))
    var lease = DurationArgument(.seconds(30))

    func validate() throws {
        guard 1...200 ~= member.utf8.count else { throw ValidationError("--member has 1 to 200 bytes") }
        guard .seconds(1)...Duration.seconds(3_600) ~= lease.duration else {
            throw ValidationError("--lease must be from 1s to 1h")
        }
    }
}

/// A group as its members see it.
struct GroupMembership {
    let store: EventPlace
    let organization: Organization
    let stream: EventStream
    let group: GroupStatus
    let reader: EventReader

    init(
        _ store: EventPlace, _ organization: Organization, _ stream: EventStream, _ group: GroupStatus,
        _ reader: EventReader
    ) {
        (self.store, self.organization, self.stream) = (store, organization, stream)
        (self.group, self.reader) = (group, reader)
    }

    /// Runs something as a member that is woken when the stream grows.
    func working<T>(
        as name: String, lease: Duration, _ body: (GroupMember) async throws -> T
    ) async throws -> T {
        let watch = StreamWatch(store.settings, schema: store.schema)
        let watching = Task { await watch.run() }
        let member = GroupMember(
            name, of: group.id, on: stream.id, organization.id, lease: lease, reader: reader, watch: watch)
        do {
            let value = try await body(member)
            watching.cancel()
            await watching.value
            return value
        } catch {
            watching.cancel()
            await watching.value
            throw error
        }
    }
}

/// A delivery as lines of JSON.
enum DeliveryLines {
    static func all(_ delivery: Delivery) -> [String] {
        delivery.events.map { EventsReadCommand.line($0.event) } + delivery.redriven.map { line($0) }
    }

    static func line(_ redriven: Delivery.Redriven) -> String {
        "{\"deadLetter\":\"\(redriven.deadLetter.uuidString.lowercased())\","
            + EventsReadCommand.line(redriven.event).dropFirst()
    }

    static func last(_ delivery: Delivery, _ cursor: String?) -> String {
        let quoted = cursor.map { "\"\($0)\"" } ?? "null"
        let events = delivery.events.count + delivery.redriven.count
        return "{\"cursor\":\(quoted),\"events\":\(events),\"lastPosition\":\(delivery.lastPosition)}\n"
    }
}
