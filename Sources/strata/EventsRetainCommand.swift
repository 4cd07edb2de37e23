import ArgumentParser
import EventStore
import Foundation
import Planning

struct EventsRetainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retain",
        abstract: "Declares how long events are kept at least, by stream or for all of an organisation.",
        discussion: """
            strata events archive lets a partition go when all streams in it are past
            that. Without --keep: what is declared.

            Examples:
              strata events retain --keep 90d
              strata events retain audit --keep forever
              strata events retain audit --keep default
            """)

    enum Keep: ExpressibleByArgument {
        case forever, standard
        case atLeast(Duration)

        init?(argument: String) {
            switch argument {
            case "forever": self = .forever
            case "default": self = .standard
            default:
                guard let duration = DurationArgument(argument: argument)?.duration else { return nil }
                self = .atLeast(duration)
            }
        }

        var retention: StreamRetention.Keep? {
            switch self {
            case .forever: .forever
            case .standard: nil
            case .atLeast(let duration): .atLeast(duration)
            }
        }
    }

    @OptionGroup var global: GlobalOptions
    @OptionGroup var store: EventStoreOptions
    @OptionGroup var owner: OrganizationOption
    @Argument(help: "The stream, by name or id; all of the organisation unless given.") var stream: String?
    @Option(help: ArgumentHelp("Such as 90d; forever; default: what is declared is taken back.", valueName: "duration"))
    var keep: Keep?

    private struct Shown: Encodable {
        /// nil: of the organisation.
        var stream: String?
        /// nil: for ever.
        var seconds: Double?
    }

    func run() async throws {
        try await EventPlace.with(global, store) { place in
            let organization = try await place.organization(owner)
            var id: UUID?
            if let stream { id = try await place.stream(stream, of: organization).id }
            if let keep { try await place.directory.retain(keep.retention, id, of: organization.id) }
            let all = try await place.directory.retentions(of: organization.id)
                .filter { id == nil || $0.stream == id || $0.stream == nil }
            guard global.format == .text else {
                return place.workplace.console.output(
                    try JSONOutput.text(
                        all.map { retention in
                            var seconds: Double?
                            if case .atLeast(let duration) = retention.keep { seconds = duration / .seconds(1) }
                            return Shown(stream: retention.streamName, seconds: seconds)
                        }))
            }
            guard !all.isEmpty else {
                return place.workplace.console.output(
                    "Nothing is declared: events are kept until strata events archive --older-than.\n")
            }
            var table = TextTable([.left, .left])
            table.add(["STREAM", "KEPT"])
            for retention in all {
                table.add([
                    retention.streamName.map { DiagnosticText.printable($0) } ?? "(all others)",
                    Self.text(retention.keep),
                ])
            }
            place.workplace.console.output(table.render(indentation: 0) + "\n")
        }
    }

    private static func text(_ keep: StreamRetention.Keep) -> String {
        guard case .atLeast(let duration) = keep else { return "for ever" }
        let seconds = Int(duration / .seconds(1))
        return seconds % 86_400 == 0 ? "\(seconds / 86_400) days" : "\(seconds) s"
    }
}
