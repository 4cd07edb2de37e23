import ArgumentParser
import EventStore
import Foundation
import Planning

struct EventsExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Writes events to a file: one JSON object a line, with a manifest beside it.",
        discussion: """
            Each line: position, id, organization, stream_id, stream, type, key,
            created_at, payload, metadata. The file gets its name when all of it is on the
            disk. Its manifest has the number of events and the SHA-256.

            Examples:
              strata events export animals --output animals.jsonl
              strata events export --all --from 2026-10-01T00:00:00Z --output late.jsonl
              strata events export animals --after 1500 --output - | gzip > animals.jsonl.gz
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var store: EventStoreOptions
    @OptionGroup var owner: OrganizationOption
    @Argument(help: "The stream, by name or id.") var stream: String?
    @Flag(help: "All active streams of the organisation, one after the other.") var all = false
    @Option(help: ArgumentHelp("The file; - for stdout, without a manifest.", valueName: "file")) var output: String
    @Option(help: ArgumentHelp("Events behind this position.", valueName: "position")) var after: Int?
    @Option(help: ArgumentHelp("Events up to this position.", valueName: "position")) var upTo: Int?
    @Option(help: ArgumentHelp("Events of this time or later (ISO 8601).", valueName: "time")) var from: TimeArgument?
    @Option(help: ArgumentHelp("Events before this time (ISO 8601).", valueName: "time")) var to: TimeArgument?
    @Flag(help: "Writes over a file that is there.") var replace = false

    @Flag(help: "Decrypts members that are encrypted for a subject; no forgetting reaches the file then.")
    var decrypt = false

    func validate() throws {
        guard all != (stream != nil) else { throw ValidationError("name a stream, or say --all") }
        guard !output.isEmpty else { throw ValidationError("--output names a file, or is - for stdout") }
        for (name, value) in [("--after", after), ("--up-to", upTo)] {
            guard value ?? 0 >= 0 else { throw ValidationError("\(name) must be 0 or more") }
            if all, value != nil { throw ValidationError("\(name) is of one stream: with --all say --from and --to") }
        }
    }

    func run() async throws {
        try await EventPlace.with(global, store) { place in
            let organization = try await place.organization(owner)
            let reader = EventReader(
                place.settings, schema: place.schema, connections: 1, subjects: decrypt ? .environment : .asStored)
            do {
                try await run(place, organization, reader)
            } catch {
                await reader.close()
                throw error
            }
            await reader.close()
        }
    }

    private func run(_ place: EventPlace, _ organization: Organization, _ reader: EventReader) async throws {
        let export = EventExport(
            reader, place.directory, of: organization.id,
            EventExport.Bounds(after: after, upTo: upTo, from: from?.date, to: to?.date))
        let target = output == "-" ? nil : try EventExportFile(output, replaces: replace)
        let single = try await stream.mapAsync { try await place.stream($0, of: organization) }
        var inactive = 0
        let body: (EventFile) async throws -> [EventManifest.Stream] = { file in
            if let single { return try await export.write(single, to: file).map { [$0] } ?? [] }
            let all = try await export.writeAll(to: file)
            inactive = all.inactive
            return all.streams
        }
        let tally: EventTally
        if let target {
            let manifest = try await target.write(body)
            tally = manifest.tally
            if global.format == .json { place.workplace.console.output(try JSONOutput.text(manifest)) }
        } else {
            let file = try EventFile(descriptor: STDOUT_FILENO)
            _ = try await body(file)
            tally = try await file.finish()
        }
        report(tally, single, inactive, place)
    }

    private func report(_ tally: EventTally, _ single: EventStream?, _ inactive: Int, _ place: EventPlace) {
        let what = single.map { "of \($0.name)" } ?? "of all streams"
        let floor = single.map(\.floorPosition) ?? 0
        let text =
            "\(grouped(tally.events)) events \(what), \(grouped(tally.bytes)) bytes, to \(output == "-" ? "stdout" : output)\nSHA-256 \(tally.sha256)\n"
        if output == "-" || global.format == .json {
            place.workplace.console.error(text)
        } else {
            place.workplace.console.output(text)
        }
        if floor > 0, after == nil { place.workplace.say("Events up to \(floor) are archived, and not in it.") }
        if inactive > 0 { place.workplace.say("\(inactive) inactive streams are not in it.") }
    }
}

/// A moment, as `2026-11-22T06:00:00Z`.
struct TimeArgument: ExpressibleByArgument {
    var date: Date

    init?(argument: String) {
        guard let date = EventTime.date(argument) else { return nil }
        self.date = date
    }
}

extension Optional {
    fileprivate func mapAsync<T>(_ body: (Wrapped) async throws -> T) async rethrows -> T? {
        guard let self else { return nil }
        return try await body(self)
    }
}
