/// A command of the admin database, as PgBouncer spells them. Pure.
enum AdminCommand: Equatable, Sendable {
    enum Report: String, CaseIterable, Sendable {
        case pools, clients, servers, stats, databases, lists, version, config, users, replicas, routes, crossings, help
        case statsTotals = "stats_totals"
    }

    case show(Report)
    case pause(Pausing, patience: Duration)
    case resume(Pausing)
    /// nil: all databases.
    case reconnect(database: String?)
    case kill(database: String)
    case killClient(Int32)
    case reload
    case shutdown
    /// SHUTDOWN WAIT_FOR_CLIENTS, and drain.
    case drain
    /// `SET …`, which drivers send when they connect: taken and ignored.
    case set
    case empty

    struct Failure: Error, Equatable {
        var message: String
        var hint: String?
    }

    static func parse(_ text: String) -> Result<AdminCommand, Failure> {
        let words = Self.words(text)
        guard let first = words.first else { return .success(.empty) }
        let rest = Array(words.dropFirst())
        switch first.lowercased() {
        case "show": return show(rest)
        case "pause", "resume": if let command = pausing(first.lowercased() == "pause", rest) { return command }
        case "reconnect" where rest.count <= 1: return .success(.reconnect(database: rest.first))
        case "kill" where rest.count == 1: return .success(.kill(database: rest[0]))
        case "kill_client" where rest.count == 1:
            guard let id = Int32(rest[0]) else {
                return .failure(.init(message: "\"\(rest[0])\" is no client's number"))
            }
            return .success(.killClient(id))
        case "reload" where rest.isEmpty: return .success(.reload)
        case "shutdown" where rest.isEmpty: return .success(.shutdown)
        case "shutdown" where rest.map({ $0.lowercased() }) == ["wait_for_clients"]: return .success(.drain)
        case "set": return .success(.set)
        default: break
        }
        return .failure(
            .init(
                message: "invalid command \"\(text.prefix(80))\", use SHOW HELP;", hint: "SHOW HELP lists the commands."
            ))
    }

    /// `[database | SCHEMA name] [TIMEOUT seconds]`. nil: it is neither.
    private static func pausing(_ isPause: Bool, _ words: [String]) -> Result<AdminCommand, Failure>? {
        var rest = words
        var patience = Pausing.defaultPatience
        if isPause, rest.count >= 2, rest[rest.count - 2].lowercased() == "timeout" {
            guard let seconds = Int(rest[rest.count - 1]), Pausing.patienceBounds.contains(seconds) else {
                return .failure(
                    .init(message: "TIMEOUT is \(rest[rest.count - 1]), and is to be 1 to 3600 seconds", hint: nil))
            }
            patience = .seconds(seconds)
            rest.removeLast(2)
        }
        let what: Pausing
        switch rest.count {
        case 0: what = .everything
        case 1: what = .database(rest[0])
        case 2 where rest[0].lowercased() == "schema": what = .schema(rest[1])
        default: return nil
        }
        return .success(isPause ? .pause(what, patience: patience) : .resume(what))
    }

    private static func show(_ rest: [String]) -> Result<AdminCommand, Failure> {
        guard rest.count == 1, let report = Report(rawValue: rest[0].lowercased()) else {
            let known = Report.allCases.map { $0.rawValue.uppercased() }.joined(separator: ", ")
            return .failure(
                .init(message: "unknown report \"\(rest.joined(separator: " ").prefix(80))\"", hint: "SHOW \(known)"))
        }
        return .success(.show(report))
    }

    /// Words and quoted names; at most 16, and a semicolon at the end.
    private static func words(_ text: String) -> [String] {
        var words: [String] = []
        var current = ""
        var isQuoted = false
        for character in text.prefix(1024) {
            if character == "\"" {
                isQuoted.toggle()
            } else if !isQuoted, character.isWhitespace || character == ";" {
                if !current.isEmpty { words.append(current) }
                current = ""
            } else {
                current.append(character)
            }
        }
        if !current.isEmpty { words.append(current) }
        return Array(words.prefix(16))
    }
}
