import Foundation

/// Where a Redis is: `redis://[[user]:password@]host[:port][/number]`.
///
/// The password is never part of a description.
package struct RedisURL: Sendable, Hashable, CustomStringConvertible {
    package let host: String
    /// 1 to 65535, default 6379.
    package let port: Int
    /// The numbered database, default 0.
    package let database: Int
    /// nil: the default user.
    let user: String?
    let password: String?

    /// Why a text is no such URL; never with the text itself, which may have a password in it.
    package struct Mistake: Error, Sendable, Hashable {
        package var message: String
        package var next: String
    }

    private static let shape =
        "write it as redis://user:password@host:6379/0; user, password, port and /0 may be left out"

    package init(_ text: String) throws {
        guard text.utf8.count <= 2_048, !text.utf8.contains(0), let parts = URLComponents(string: text) else {
            throw Mistake(
                message: "it is no URL", next: Self.shape + "; what is special in a password is percent-encoded")
        }
        switch parts.scheme?.lowercased() {
        case "redis": break
        case "rediss":
            throw Mistake(
                message: "TLS to Redis (rediss://) is not supported",
                next: "use redis:// to a local TLS tunnel such as stunnel, or within a private network")
        default: throw Mistake(message: "it does not begin with redis://", next: Self.shape)
        }
        guard let host = parts.host, !host.isEmpty else { throw Mistake(message: "it has no host", next: Self.shape) }
        // An IPv6 address stands in brackets, which the resolver does not want.
        self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        port = parts.port ?? 6_379
        guard 1...65_535 ~= port else { throw Mistake(message: "its port is not from 1 to 65535", next: Self.shape) }
        guard parts.query == nil, parts.fragment == nil else {
            throw Mistake(message: "what follows ? or # means nothing here", next: Self.shape)
        }
        let path = parts.path.drop { $0 == "/" }
        guard let number = path.isEmpty ? 0 : Int(path), 0...1_000_000 ~= number else {
            throw Mistake(message: "what follows the host is not the number of a database", next: Self.shape)
        }
        database = number
        password = parts.password
        user = parts.user.flatMap { $0.isEmpty ? nil : $0 }
        guard password != nil || user == nil else {
            throw Mistake(message: "it has a user, but no password", next: Self.shape)
        }
    }

    package var description: String {
        let place = host.contains(":") ? "[\(host)]" : host
        return "redis://\(place):\(port)" + (database == 0 ? "" : "/\(database)")
    }
}
