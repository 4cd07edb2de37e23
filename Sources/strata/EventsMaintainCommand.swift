import ArgumentParser
import EventStore
import Foundation
import Planning
import PostgresDriver

struct EventsMaintainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "maintain",
        abstract: "Makes partitions ahead, expires idempotency keys, indexes payloads that are complete.",
        discussion: """
            To run once a day. Nothing waits for it: keys go a thousand at a time, indexes
            are built CONCURRENTLY and only on partitions that have ended.

            Examples:
              strata events maintain
              strata events maintain --ahead 14 --keys-older-than 7d
              strata events maintain --check
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var store: EventStoreOptions

    @Option(help: ArgumentHelp("How many partitions there are to be beyond today's, 1 to 400.", valueName: "number"))
    var ahead = 3

    @Option(help: ArgumentHelp("Idempotency keys of that age go, 1h or more.", valueName: "duration"))
    var keysOlderThan = DurationArgument(.seconds(30 * 86_400))

    @Flag(inversion: .prefixedNo, help: "GIN (payload jsonb_path_ops) on partitions that have ended.")
    var payloadIndex = true

    @Flag(help: "Only looks: exits with 2 where there is something to do.") var check = false

    func validate() throws {
        guard 1...400 ~= ahead else { throw ValidationError("--ahead must be from 1 to 400") }
        guard keysOlderThan.duration >= .seconds(3_600) else {
            throw ValidationError("--keys-older-than must be 1h or more: retries may take that long")
        }
    }

    private struct Shown: Encodable {
        var partitionsEnd: String?
        var partitionsAhead: Int
        var partitionsMade: Int
        var keysExpired: Int
        var indexesBuilt: [String]
        var indexesMissing: [String]
    }

    func run() async throws {
        try await EventPlace.with(global, store) { place in
            let connection = try await Connection.open(place.settings)
            do {
                try await run(StoreMaintenance(place.schema, on: connection), place)
            } catch {
                await connection.close()
                throw error
            }
            await connection.close()
        }
    }

    private func run(_ maintenance: StoreMaintenance, _ place: EventPlace) async throws {
        var runway = try await maintenance.runway()
        if runway.isShort {
            place.workplace.console.report([
                Diagnostic(
                    .warning, "runway", "there is no partition beyond today's\(check ? "" : " yet")",
                    nextStep: "run strata events maintain more often: an append that finds none has to make it")
            ])
        }
        var shown = Shown(
            partitionsEnd: nil, partitionsAhead: runway.ahead, partitionsMade: 0, keysExpired: 0, indexesBuilt: [],
            indexesMissing: [])
        let missing = payloadIndex ? try await maintenance.missingPayloadIndexes() : []
        if check {
            shown.indexesMissing = missing.map(\.partition)
        } else {
            shown.partitionsMade = try await maintenance.makePartitions(ahead: ahead)
            shown.keysExpired = try await maintenance.expireKeys(olderThan: keysOlderThan.duration)
            for index in missing {
                place.workplace.say("\(index.partition): building the index of its payloads")
                try await maintenance.build(index)
                shown.indexesBuilt.append(index.partition)
            }
            runway = try await maintenance.runway()
        }
        (shown.partitionsEnd, shown.partitionsAhead) = (runway.end.map { UTCText.text($0) }, runway.ahead)
        place.workplace.console.output(
            global.format == .json ? try JSONOutput.text(shown) : text(shown, runway))
        if check, runway.ahead < ahead || !missing.isEmpty { throw ExitCode.changesPending }
    }

    private func text(_ shown: Shown, _ runway: StoreMaintenance.Runway) -> String {
        let end = runway.end.map { "until \(EventText.time($0).prefix(10))" } ?? "none"
        var lines = ["Partitions: \(end), \(runway.ahead) ahead" + (check ? "" : ", \(shown.partitionsMade) made")]
        if check {
            if !shown.indexesMissing.isEmpty {
                lines.append("Without an index of payloads: \(shown.indexesMissing.joined(separator: ", "))")
            }
        } else {
            lines.append("Idempotency keys: \(grouped(shown.keysExpired)) expired")
            lines.append(
                "Indexes of payloads: "
                    + (shown.indexesBuilt.isEmpty ? "none to build" : shown.indexesBuilt.joined(separator: ", ")))
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
