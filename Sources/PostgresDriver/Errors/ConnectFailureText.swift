/// libpq's message about a connection that failed, taken apart: it holds a line for each address tried, and for what a
/// server said its severity, SQLSTATE and place in the server's source.
struct ConnectFailureText {
    private let lines: [Substring]

    init(_ text: String) {
        lines = text.split(separator: "\n").filter { !$0.hasPrefix("LOCATION:") }
    }

    func error(_ settings: ConnectionSettings) -> PostgresError {
        let (severity, state) = serverState ?? (nil, nil)
        let text = Redaction.text(readable)
        let failure = state.map { ConnectionFailure.classify($0) } ?? ConnectionFailure.classify(message: text)
        var error = PostgresError(
            .connection(failure), "cannot connect to \(settings): \(text)", sqlState: state, hint: Self.hint(failure))
        error.severity = severity
        return error
    }

    /// The first that a server gave: `… failed: FATAL:  28P01: password authentication failed …`.
    private var serverState: (String?, SQLState?)? {
        for line in lines {
            guard let match = line.firstMatch(of: Self.state) else { continue }
            return (String(match.output.1), SQLState(rawValue: String(match.output.2)))
        }
        return nil
    }

    private var readable: String {
        lines.map { line in
            line.replacing(Self.state) { "\($0.output.1): " }
        }.joined(separator: "\n")
    }

    private static var state: Regex<(Substring, Substring, Substring)> { #/(\w+):  ([0-9A-Z]{5}): /# }

    private static func hint(_ failure: ConnectionFailure) -> String? {
        switch failure {
        case .refused: "is the server running there, and is the port right?"
        case .unreachable: "check the host name, DNS and the route to it"
        case .wrongPassword: "check user and password; PGPASSWORD and .pgpass are used as in psql"
        case .passwordMissing: "give a password through PGPASSWORD, .pgpass or the URL"
        case .notAuthorized: "the server's pg_hba.conf must have a line for this user, database and address"
        case .databaseMissing: "create the database, or correct its name"
        case .tooManyConnections: "close other connections or raise max_connections"
        case .notPostgreSQL: "something else answers on that port"
        case .closedDuringStartup: "the server may be crashing, or something other than PostgreSQL answers on that port"
        case .notReady: "try again in a moment"
        case .tls: "check sslmode and the certificates"
        default: nil
        }
    }
}
