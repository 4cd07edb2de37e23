/// Why Redis did not do what it was asked.
package enum RedisFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// There is no connection, or none any more: what was asked last may have been done.
    case unreachable(String)
    /// Its own error: the word that it begins with, such as `OOM`, and the whole.
    case refused(code: String, message: String)

    init(_ error: String) {
        let line = String(error.prefix(500)).replacing("\r", with: " ").replacing("\n", with: " ")
        self = .refused(code: String(line.prefix { $0 != " " }), message: line)
    }

    /// The same may succeed later, without anybody changing what was asked.
    ///
    /// `OOM`: `maxmemory` is reached. `MISCONF`: it cannot save to disk. `READONLY`, `MASTERDOWN`, `NOREPLICAS`, `CLUSTERDOWN`,
    /// `UNBLOCKED`: in the middle of a failover. `LOADING`: it has just started. `BUSY`: a script runs. `TRYAGAIN`: keys move.
    package var isPassing: Bool {
        switch self {
        case .unreachable: true
        case .refused(let code, _): Self.passing.contains(code)
        }
    }

    private static let passing: Set = [
        "OOM", "MISCONF", "READONLY", "MASTERDOWN", "NOREPLICAS", "CLUSTERDOWN", "UNBLOCKED", "LOADING", "BUSY",
        "TRYAGAIN",
    ]

    package var description: String {
        switch self {
        case .unreachable(let reason): reason
        case .refused(_, let message): "Redis answers: \(message)"
        }
    }
}
