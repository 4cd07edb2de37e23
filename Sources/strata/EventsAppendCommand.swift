import ArgumentParser
import EventStore
import Foundation
import JSONSchemas
import Planning

struct EventsAppendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "append",
        abstract: "Appends events to a stream, from a file or stdin: one JSON object a line.",
        discussion: """
            Each line: {"type": …, "payload": …}, and if need be "key" (of the aggregate) and "metadata".
            All of them are appended or none: at most 10,000 events and 16 MiB.

            Examples:
              strata events append animals animals.ndjson
              strata events append animals --expected 15 --idempotency-key import-7 < more.ndjson
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var store: EventStoreOptions
    @OptionGroup var owner: OrganizationOption
    @Argument(help: "The stream, by name or id.") var stream: String
    @Argument(help: "A file; stdin unless given.") var file: String?

    @Option(help: ArgumentHelp("The version that the stream has to have, 0: it is empty.", valueName: "position"))
    var expected: Int?

    @Option(help: ArgumentHelp("The same under the same key is appended once, 1 to 200 bytes.", valueName: "key"))
    var idempotencyKey: String?

    func validate() throws {
        if let expected, expected < 0 { throw ValidationError("--expected must be 0 or more") }
        if let idempotencyKey, !(1...200).contains(idempotencyKey.utf8.count) {
            throw ValidationError("--idempotency-key has 1 to 200 bytes")
        }
    }

    private func input() throws -> FileHandle {
        guard let file else { return FileHandle.standardInput }
        do {
            return try FileHandle(forReadingFrom: URL(fileURLWithPath: file))
        } catch {
            throw FileFailure("read", file, error)
        }
    }

    private struct Answer: Encodable {
        var stream: String
        var firstPosition: Int
        var lastPosition: Int
        var at: Date
        var isRepeated: Bool
        var ids: [String]
    }

    func run() async throws {
        try await EventPlace.with(global, store) { place in
            let organization = try await place.organization(owner)
            let stream = try await place.stream(stream, of: organization)
            let lines = try EventLines.read(try input(), of: file ?? "stdin")
            let writer = EventWriter(place.settings, schema: place.schema, lanes: 1)
            let intake = EventIntake(writer, SchemaCache(place.directory))
            let version: ExpectedVersion = expected.map { $0 == 0 ? .none : .exact($0) } ?? .any
            let request = AppendRequest(
                organization.id, [AppendPart(stream.id, lines.map(\.event), expected: version)],
                idempotencyKey: idempotencyKey)
            let part: AppendedPart
            do {
                part = try await intake.append(request, payloads: [lines.map(\.payload)])[0]
            } catch {
                await writer.close()
                throw error
            }
            await writer.close()
            // A word that is lost costs who waits a few seconds, and nothing else.
            try? await StreamWatch.tell([part], schema: place.schema, on: place.settings)
            let answer = Answer(
                stream: stream.name, firstPosition: part.positions.lowerBound, lastPosition: part.positions.upperBound,
                at: part.at, isRepeated: part.isRepeated, ids: part.ids.map { $0.uuidString.lowercased() })
            guard global.format == .text else { return place.workplace.console.output(try JSONOutput.text(answer)) }
            let positions =
                answer.firstPosition == answer.lastPosition
                ? "\(answer.firstPosition)" : "\(answer.firstPosition) to \(answer.lastPosition)"
            place.workplace.console.output(
                "\(answer.isRepeated ? "Appended before" : "Appended"): \(stream.name) \(positions)\n")
        }
    }
}

/// Events as lines of JSON.
enum EventLines {
    /// What `events read` and `events export` add to their lines.
    private static let added: Set = ["position", "id", "at", "created_at", "stream", "stream_id", "organization"]

    /// - Throws: `DiagnosticsError` with the line.
    static func read(_ file: FileHandle, of name: String) throws -> [IncomingEvent] {
        let most = EventWriter.largestRequest
        var data = Data()
        while let next = try file.read(upToCount: 1 << 20), !next.isEmpty {
            data += next
            guard data.count <= most.bytes * 2 else {
                throw EventFailure.diagnostic(
                    "too-large", "\(name) has more than \(most.bytes >> 19) MiB", "append it in parts")
            }
        }
        var lines: [IncomingEvent] = []
        for (number, line) in data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let bytes = Array(line)
            if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
            do {
                lines.append(try read(bytes))
            } catch {
                throw EventFailure.diagnostic(
                    "line", "line \(number + 1) of \(name) is no event: \(error)",
                    "nothing was appended; mend the line, and try again")
            }
        }
        return lines
    }

    private static func read(_ bytes: [UInt8]) throws -> IncomingEvent {
        try bytes.withUnsafeBytes { buffer in
            var scanner = JSONScanner(buffer, limits: JSONLimits(bytes: EventWriter.largestRequest.bytes))
            let event = try IncomingEvent.read(&scanner, buffer, ignored: added)
            try scanner.finish()
            return event
        }
    }
}
