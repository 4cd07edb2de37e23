/// Where a client comes from.
enum ClientAddress: Hashable, Sendable, CustomStringConvertible {
    case ip(String)
    case unix

    var description: String {
        switch self {
        case .ip(let text): text
        case .unix: "unix"
        }
    }
}
