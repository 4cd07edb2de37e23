import ArgumentParser
import Engine
import EventStore
import Foundation
import Outbox
import Planning

struct EventsRelayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "relay",
        abstract: "Brings a stream's events to a Redis stream, until it is stopped.",
        discussion: """
            Each event becomes one entry, in the order of the stream, with the fields id,
            stream, position, type, key, at, payload, metadata and organization. It may
            be killed at any time: it asks Redis what Redis has. Several of them take
            each other's place; one works at a time. More: docs/events.md.

            Examples:
              strata events relay animals --to redis://localhost:6379 --key animals
              export REDIS_URL=redis://:secret@queue.internal
              strata events relay animals --key animals --maxlen 1000000
              strata events relay animals --key animals --once   # until Redis has all
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var store: EventStoreOptions
    @OptionGroup var owner: OrganizationOption
    @Argument(help: "The stream, by name or id.") var stream: String

    @Option(
        help: ArgumentHelp(
            "The Redis, redis://user:password@host:port/number; else the variable REDIS_URL, which others do not see.",
            valueName: "url"))
    var to: String?
    @Option(help: ArgumentHelp("The Redis stream, this relay's alone, 1 to 512 bytes.", valueName: "name"))
    var key: String
    @Option(
        help: ArgumentHelp(
            "The group that relays of this key share, made if need be; redis:KEY unless given.", valueName: "name"))
    var group: String?
    @Option(
        help: ArgumentHelp(
            "Trim the Redis stream to about so many entries, read or not; else it grows.", valueName: "number"))
    var maxlen: Int?
    @Option(help: ArgumentHelp("Leave out events up to this position.", valueName: "position"))
    var after = 0
    @Option(
        help: ArgumentHelp("How long a relay that died keeps the others waiting, 1s to 1h.", valueName: "duration"))
    var lease = DurationArgument(.seconds(10))
    @Option(
        help: ArgumentHelp(
            "A name of its own for each relay, 1 to 200 bytes; host and process unless given.", valueName: "name"))
    var member: String?
    @Flag(help: "End when Redis has all that there is; exit with 5 if that cannot be had for a minute.")
    var once = false

    func validate() throws {
        guard 1...512 ~= key.utf8.count, !key.utf8.contains(0) else {
            throw ValidationError("--key has 1 to 512 bytes")
        }
        if let group, !(1...200).contains(group.unicodeScalars.count) {
            throw ValidationError("--group has 1 to 200 characters")
        }
        if group == nil, key.unicodeScalars.count > 194 {
            throw ValidationError(
                "a --key of more than 194 characters is too long for a group's name: name one, --group")
        }
        if let maxlen, maxlen < 1 { throw ValidationError("--maxlen must be 1 or more") }
        guard after >= 0 else { throw ValidationError("--after must be 0 or more") }
        guard .seconds(1)...Duration.seconds(3_600) ~= lease.duration else {
            throw ValidationError("--lease must be from 1s to 1h")
        }
        if let member, !(1...200).contains(member.utf8.count) { throw ValidationError("--member has 1 to 200 bytes") }
        _ = try target()
    }

    private func target() throws -> RedisURL {
        guard let text = to ?? ProcessInfo.processInfo.environment["REDIS_URL"], !text.isEmpty else {
            throw ValidationError("which Redis? --to URL, or the variable REDIS_URL")
        }
        do {
            return try RedisURL(text)
        } catch let mistake as RedisURL.Mistake {
            throw ValidationError("\(to == nil ? "REDIS_URL" : "--to"): \(mistake.message); \(mistake.next)")
        }
    }

    func run() async throws {
        let target = try target()
        try await EventPlace.with(global, store) { place in
            let organization = try await place.organization(owner)
            let stream = try await place.stream(stream, of: organization)
            guard after <= stream.lastPosition else {
                throw EventFailure.diagnostic(
                    "after", "stream \(stream.name) ends at \(stream.lastPosition)", "--after \(stream.lastPosition)")
            }
            let reader = EventReader(place.settings, schema: place.schema, connections: 2)
            do {
                try await relay(stream, organization, to: target, reader, place)
            } catch {
                await reader.close()
                throw RelayFailure.readable(error)
            }
            await reader.close()
        }
    }

    private func relay(
        _ stream: EventStream, _ organization: Organization, to target: RedisURL, _ reader: EventReader,
        _ place: EventPlace
    ) async throws {
        let id = try await RelayGroup.make(
            group ?? "redis:\(key)", on: stream.id, of: organization.id, after: after, reader: reader,
            directory: place.directory)
        let watch = StreamWatch(place.settings, schema: place.schema)
        let member = GroupMember(
            member ?? "\(ProcessInfo.processInfo.hostName.prefix(150)) \(getpid())", of: id, on: stream.id,
            organization.id, lease: lease.duration, reader: reader, watch: watch)
        let output = RelayOutput(place.workplace.console, global.format, isOnce: once)
        let relay = StreamRelay(
            target, settings, of: stream, as: member, reader: reader, report: output.handle)
        // Before anything else: a URL that is wrong is not to be tried for ever.
        try await relay.check()
        output.begins("\(DiagnosticText.printable(stream.name)) to \(DiagnosticText.printable(key)) at \(target)")
        let watching = Task { await watch.run() }
        let result: Result<Void, any Error>
        do {
            if once { try await relay.runOnce() } else { try await relay.run() }
            result = .success(())
        } catch is CancellationError where !once {
            result = .success(())
        } catch {
            result = .failure(error)
        }
        watching.cancel()
        await watching.value
        await relay.close()
        output.ends()
        try result.get()
    }

    private var settings: RelaySettings {
        var settings = RelaySettings(key: key)
        (settings.longest, settings.after) = (maxlen, after)
        settings.patience = once ? .seconds(60) : nil
        return settings
    }
}

/// Refusals of a relay as diagnostics.
private enum RelayFailure {
    static func readable(_ error: any Error) -> any Error {
        switch error {
        case let stop as RelayStop:
            EngineFailure(
                isResumable(stop) ? .resumable : .failed,
                Diagnostic(.error, "relay", "\(stop)", nextStep: stop.next))
        case let failure as RedisFailure:
            EventFailure.diagnostic("redis", "\(failure)", "check that it runs, and the URL; redis-cli -u URL ping")
        default: error
        }
    }

    private static func isResumable(_ stop: RelayStop) -> Bool {
        switch stop {
        case .busy, .gaveUp: true
        default: false
        }
    }
}
