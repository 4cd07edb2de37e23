internal import Foundation

/// Where and as whom to connect. Everything that psql honours is honoured, because libpq reads it: URLs, key=value
/// strings, PG* variables, service files, .pgpass, host lists, TLS options.
///
/// Neither `description` nor reflection shows more than host, port, database and user.
package struct ConnectionSettings: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Seconds to wait for each address where neither the string, the environment nor a service file says otherwise.
    package static let defaultConnectTimeout = 10

    /// The host name, address or socket folder; a list, with commas, when several are given.
    package let host: String
    /// The (first) port. Default 5432.
    package let port: Int
    package let database: String
    package let user: String
    package let applicationName: String
    /// Seconds for each address; nil means no limit.
    package let connectTimeout: Int?

    /// What the string and the overrides say, passwords included; goes to libpq and nowhere else.
    private let given: [String: String]

    /// - Parameter string: `postgresql://…`, `key=value …`, or empty for the environment alone.
    /// - Throws: `PostgresError` of kind `.invalidInput`, without any piece of the string that could be secret.
    package init(_ string: String = "") throws {
        try self.init(given: string.isEmpty ? [:] : Conninfo.parse(string))
    }

    /// The same settings with single keys replaced, such as `dbname`, `application_name` or `options`.
    ///
    /// An empty value means "not given". Throws `.invalidInput` for a key that libpq does not know.
    package func settings(_ overrides: [String: String]) throws -> ConnectionSettings {
        for (key, value) in overrides {
            guard Conninfo.keywords.contains(key) else {
                throw PostgresError(.invalidInput, "\"\(key)\" is not a connection parameter")
            }
            guard !value.utf8.contains(0) else {
                throw PostgresError(.invalidInput, "the value of \"\(key)\" contains a NUL byte")
            }
        }
        return try ConnectionSettings(given: given.merging(overrides) { $1 }.filter { !$0.value.isEmpty })
    }

    /// The same settings with keys that the string does not set; those that it sets stay. Throws as `settings`.
    package func filling(_ defaults: [String: String]) throws -> ConnectionSettings {
        try settings(defaults.filter { given[$0.key] == nil })
    }

    /// For whoever speaks the protocol without libpq.
    package let tls: TLSSettings
    /// As the string, the environment or a service file has them.
    let resolvedPassword: String?
    let passwordFile: String?

    /// What is handed to `PQconnectStartParams`.
    var parameters: [String: String] {
        var values = given
        values["client_encoding"] = "UTF8"
        if values["fallback_application_name"] == nil { values["fallback_application_name"] = "strata" }
        values["connect_timeout"] = String(connectTimeout ?? 0)
        return values
    }

    package var description: String { "\(user)@\(host):\(port)/\(database)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror {
        Mirror(self, children: ["host": host, "port": port, "database": database, "user": user])
    }

    private init(given: [String: String]) throws {
        let resolved = try Conninfo.resolve(given)
        self.given = given
        port = try Self.port(resolved["port"])
        host = resolved["host", default: ""].isEmpty ? resolved["hostaddr", default: ""] : resolved["host", default: ""]
        database = resolved["dbname", default: ""]
        tls = TLSSettings(resolved)
        resolvedPassword = resolved["password"]
        passwordFile = resolved["passfile"]
        user = resolved["user", default: ""]
        applicationName =
            resolved["application_name"] ?? resolved["fallback_application_name"] ?? "strata"
        connectTimeout = try Self.timeout(resolved["connect_timeout"])
    }

    /// Checked here because libpq would repeat a wrong one, and "postgres://u:pass/word@host" makes "pass" the port.
    private static func port(_ text: String?) throws -> Int {
        guard let text, !text.isEmpty else { return 5432 }
        let ports = text.split(separator: ",", omittingEmptySubsequences: false).map { piece in
            piece.isEmpty ? 5432 : Int(piece) ?? 0
        }
        guard let first = ports.first, ports.allSatisfy((1...65535).contains) else {
            throw Conninfo.malformed("the port is not a number from 1 to 65535")
        }
        return first
    }

    /// As libpq reads it: 0 and below mean no limit, and 1 means 2.
    private static func timeout(_ text: String?) throws -> Int? {
        guard let text, !text.isEmpty else { return defaultConnectTimeout }
        guard let seconds = Int(text.trimmingTrailingSpace) else {
            throw Conninfo.malformed("connect_timeout is not a whole number of seconds")
        }
        return seconds <= 0 ? nil : max(seconds, 2)
    }
}

/// What a connection string says of encryption; files that are named by default and are not there are nil.
package struct TLSSettings: Sendable {
    /// `disable`, `allow`, `prefer` (default), `require`, `verify-ca` or `verify-full`.
    package let mode: String
    package let authorities: String?
    package let certificate: String?
    package let key: String?

    init(_ resolved: [String: String]) {
        let mode = resolved["sslmode", default: ""]
        self.mode = mode.isEmpty ? "prefer" : mode
        let folder = FileManager.default.homeDirectoryForCurrentUser.appending(path: ".postgresql")
        func file(_ key: String, _ name: String) -> String? {
            if let given = resolved[key], !given.isEmpty { return given }
            let path = folder.appending(path: name).path
            return FileManager.default.fileExists(atPath: path) ? path : nil
        }
        authorities = file("sslrootcert", "root.crt")
        certificate = file("sslcert", "postgresql.crt")
        key = file("sslkey", "postgresql.key")
    }
}
