import ArgumentParser
import Engine
import Logging

enum OutputFormat: String, ExpressibleByArgument, CaseIterable { case text, json }

/// Options that every command takes.
struct GlobalOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: ArgumentHelp("The layout file.", valueName: "file"))
    var layout = GlobalOptions.usualLayout
    static let usualLayout = "strata.yaml"

    @Option(
        help: ArgumentHelp(
            "Connection string of the main database, instead of the layout's; as psql takes it. PG* variables, .pgpass and services work too.",
            valueName: "url"))
    var url: String?

    @Option(help: "Output for people or for machines: text, json.")
    var format: OutputFormat = .text
}

/// Limits of commands that change a database.
struct RunLimitOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How long a statement may queue for a lock, 10ms to 60s.", valueName: "duration"))
    var lockTimeout = DurationArgument(.milliseconds(200))

    @Option(
        help: ArgumentHelp("How long a step is tried before the run stops, resumable, 0s to 7d.", valueName: "duration")
    )
    var lockWait = DurationArgument(.seconds(600))

    @Option(
        help: ArgumentHelp("Also log the run to stderr with fields: debug, info, notice, warning.", valueName: "level"))
    var logLevel: LogLevelArgument?

    /// What hears of the run's events: the progress for people, and the log where one is asked for.
    func listener(_ progress: RunProgress) -> @Sendable (RunEvent) -> Void {
        guard let level = logLevel?.level else { return progress.handle }
        var logger = Logger(label: "strata") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = level
        let log = RunLog(logger)
        return { event in
            progress.handle(event)
            log.handle(event)
        }
    }

    func validate() throws {
        guard (.milliseconds(10))...(.seconds(60)) ~= lockTimeout.duration else {
            throw ValidationError("--lock-timeout must be from 10ms to 60s")
        }
        guard lockWait.duration <= .seconds(7 * 86_400) else { throw ValidationError("--lock-wait must be at most 7d") }
    }
}

/// `200ms`, `5s`, `10m`, `1h`, `7d`.
struct DurationArgument: ExpressibleByArgument {
    var duration: Duration

    init(_ duration: Duration) { self.duration = duration }

    init?(argument: String) {
        let units: [(String, Double)] = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)]
        for (unit, seconds) in units where argument.hasSuffix(unit) {
            guard let number = Double(argument.dropLast(unit.count)), number.isFinite, number >= 0,
                number * seconds <= 1e9
            else { continue }
            duration = .milliseconds(Int64(number * seconds * 1000))
            return
        }
        return nil
    }

    var defaultValueDescription: String {
        let (seconds, fraction) = duration.components
        if fraction != 0 { return "\(seconds * 1000 + fraction / 1_000_000_000_000_000)ms" }
        return seconds % 60 == 0 ? "\(seconds / 60)m" : "\(seconds)s"
    }
}

struct LogLevelArgument: ExpressibleByArgument {
    var level: Logger.Level

    init?(argument: String) {
        guard let level = Logger.Level(rawValue: argument) else { return nil }
        self.level = level
    }

    static var allValueStrings: [String] { ["debug", "info", "notice", "warning"] }
}
