import EventStore
import Foundation
import Planning

/// `strata serve` under single events of many callers for a longer time: whether its memory stays as it is.
struct EventsServedTime {
    /// Memory at the end, of that after a fifth.
    static let target = 1.2

    let callers: Int
    let seconds: Int

    func run(_ place: EventsPlace) async throws -> [ResultLine] {
        let served = try await EventsServed(place)
        defer { served.stop() }
        let service = served.address
        let crowd = EventsCrowd(service: service, callers: callers, streams: try await place.streams(1, "long"))
        progress("  \(callers) callers over HTTP for \(seconds) s")
        let before = try await service.onThread { try crowd.warmUp() }
        var outcome = EventsCrowd.Outcome()
        let rate = try await EventsRate.measure(place, service: service.pid) {
            let seconds = seconds
            outcome = try await service.onThread { try crowd.run(seconds: seconds, from: 1) }
            return outcome.marks.count
        }
        var audit = EventsAudit()
        try await audit.look(before.marks + outcome.marks, place)
        let memory = outcome.memory
        let (early, last) = (memory.isEmpty ? 0 : memory[memory.count / 5], memory.last ?? 0)
        let megabytes = { (bytes: Int) in "\(grouped(bytes / 1_000_000)) MB" }
        return [
            [rate].line("events: single, \(callers) callers over HTTP for \(seconds) s, one stream"),
            ResultLine(what: "    answered within", figure: outcome.times.sentence),
            audit.line("    answers beside the table"),
            .ratio(
                "  memory of strata serve at the end, of that after a fifth: \(megabytes(early)), \(megabytes(last)), "
                    + "most \(megabytes(memory.max() ?? 0))",
                Double(last) / Double(max(early, 1)), most: Self.target),
        ]
    }
}
