package import PostgresDriver
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// One server of a database: its name in the layout, where it listens, and what logs in there.
package final class NodeEndpoint: Sendable {
    /// `primary`, or the replica's name.
    package let name: String
    /// The name of the database on that server.
    package let database: String
    /// The user of the connection string, and its password where there is one.
    let user: String
    let password: String?
    let settings: ConnectionSettings
    private let currentSecurity: Mutex<ServerSecurity>
    private let current: Mutex<SocketAddress>

    /// - Throws: `ProxyError` where the host has no address.
    package init(name: String, settings: ConnectionSettings, database: String? = nil) throws(ProxyError) {
        self.name = name
        self.settings = settings
        self.database = database ?? settings.database
        user = settings.user
        password = settings.password()
        currentSecurity = Mutex(try ServerSecurity(settings.tls, host: settings.host))
        current = Mutex(try Self.resolve(settings))
    }

    /// Another database of the same server.
    init(_ other: NodeEndpoint, database: String) throws {
        name = other.name
        settings = try other.settings.settings(["dbname": database])
        self.database = database
        user = other.user
        password = other.password
        currentSecurity = Mutex(other.security)
        current = Mutex(other.address)
    }

    var security: ServerSecurity { currentSecurity.withLock { $0 } }

    /// For connections that are opened from now on.
    func take(security: ServerSecurity) { currentSecurity.withLock { $0 = security } }

    package var address: SocketAddress { current.withLock { $0 } }

    /// Looks the name up again: after a failover it may stand for another machine. Blocks.
    func refresh() {
        if let found = try? Self.resolve(settings) { current.withLock { $0 = found } }
    }

    private static func resolve(_ settings: ConnectionSettings) throws(ProxyError) -> SocketAddress {
        let host = settings.host.split(separator: ",").first.map(String.init) ?? ""
        if host.hasPrefix("/") || host.hasPrefix("@") { return .unix(path: "\(host)/.s.PGSQL.\(settings.port)") }
        if host.isEmpty {
            for folder in ["/var/run/postgresql", "/tmp"] {
                let path = "\(folder)/.s.PGSQL.\(settings.port)"
                if access(path, F_OK) == 0 { return .unix(path: path) }
            }
        }
        let name = host.isEmpty ? "localhost" : host
        guard let found = SocketAddress.numeric(name, port: UInt16(clamping: settings.port)).first else {
            throw ProxyError("the host \"\(name)\" of a database has no address", next: "check its url in the layout")
        }
        return found
    }
}

/// Why the proxy cannot start or go on: what is wrong, and what to do.
package struct ProxyError: Error, CustomStringConvertible, Sendable {
    package var message: String
    package var next: String

    package init(_ message: String, next: String) {
        self.message = message
        self.next = next
    }

    package var description: String { "\(message); \(next)" }
}

/// Whether connections to a server are encrypted, as its connection string says (`sslmode`, default `prefer`).
struct ServerSecurity: Sendable {
    let isWanted: Bool
    let isRequired: Bool
    let context: TLSContext?
    let host: String

    init(_ tls: TLSSettings, host: String) throws(ProxyError) {
        self.host = host.split(separator: ",").first.map(String.init) ?? host
        isWanted = tls.mode != "disable" && tls.mode != "allow"
        isRequired = ["require", "verify-ca", "verify-full"].contains(tls.mode)
        // As libpq: with a file of authorities, `require` verifies as well.
        let verification: TLSContext.Verification =
            switch tls.mode {
            case "verify-full": .host
            case "verify-ca": .authority
            case "require": tls.authorities == nil ? .none : .authority
            default: .none
            }
        context =
            isWanted
            ? try TLSContext.client(
                verification: verification, authorities: tls.authorities, certificate: tls.certificate, key: tls.key)
            : nil
    }
}
