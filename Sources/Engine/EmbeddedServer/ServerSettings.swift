import SystemPackage

/// The text of `strata.conf`, which the cluster's `postgresql.conf` includes.
struct ServerSettings: Sendable {
    var port: Int
    var socketFolder: FilePath
    var version: PostgresVersion
    var durable: Bool
    var statementStatistics: Bool
    var extra: [String: String]

    /// What Strata itself must know or hold together.
    static let reserved: Set<String> = [
        "port", "listen_addresses", "unix_socket_directories", "unix_socket_permissions", "data_directory",
        "hba_file", "ident_file", "config_file", "external_pid_file",
    ]

    static func check(_ extra: [String: String]) throws {
        for (name, value) in extra.sorted(by: { $0.key < $1.key }) {
            let plain = name.unicodeScalars.allSatisfy {
                $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || $0 == "_" || $0 == ".")
            }
            guard plain, let first = name.first, first.isLetter || first == "_" else {
                throw EmbeddedServerError(
                    .invalidSetting, "'\(name)' is not the name of a PostgreSQL setting",
                    nextStep: "use a name from SELECT name FROM pg_settings")
            }
            guard !reserved.contains(name.lowercased()) else {
                throw EmbeddedServerError(
                    .invalidSetting, "the embedded server sets \(name) itself",
                    nextStep: "leave \(name) out, or run a server of your own and name it by its URL")
            }
            guard !value.unicodeScalars.contains(where: { $0.value < 32 }) else {
                throw EmbeddedServerError(
                    .invalidSetting, "the value of \(name) has a line break or another control character",
                    nextStep: "write the value on one line")
            }
        }
    }

    /// Later lines win, so the caller's own come last.
    func rendered() -> String {
        var lines = [
            "# Written by strata at every start for PostgreSQL \(version); changes here are lost.",
            "# ALTER SYSTEM is the place for settings of your own.",
            "cluster_name = 'strata'",
            "listen_addresses = '127.0.0.1'",
            "port = \(port)",
            "unix_socket_directories = \(Self.quoted(socketFolder.string))",
            "max_connections = 200",
            "# Replicas and splits.",
            "wal_level = logical",
            "max_wal_senders = 20",
            "max_replication_slots = 20",
            "max_worker_processes = 16",
            "max_logical_replication_workers = 8",
            "# A file for each day of the week, overwritten a week later; every start removes old and large ones.",
            "logging_collector = on",
            "log_destination = 'stderr'",
            "log_directory = 'log'",
            "log_filename = 'server-%a.log'",
            "log_rotation_age = 1d",
            "log_rotation_size = 0",
            "log_truncate_on_rotation = on",
            "log_file_mode = 0600",
            "log_line_prefix = '%m [%p] %q%u@%d '",
        ]
        if statementStatistics { lines.append("shared_preload_libraries = 'pg_stat_statements'") }
        if !durable {
            lines += ["# For tests: a crash of the machine loses data.", "fsync = off", "synchronous_commit = off"]
            lines += ["full_page_writes = off"]
        }
        lines += extra.sorted { $0.key < $1.key }.map { "\($0.key) = \(Self.quoted($0.value))" }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func quoted(_ value: String) -> String {
        "'" + value.flatMap { $0 == "'" ? "''" : $0 == "\\" ? "\\\\" : String($0) } + "'"
    }

    /// The port of the last start; nil when there was none.
    static func port(in text: String) -> Int? {
        text.split(separator: "\n").first { $0.hasPrefix("port = ") }.flatMap { Int($0.dropFirst(7)) }
    }

    /// The version that last started.
    static func version(in text: String) -> PostgresVersion? {
        guard let start = text.firstRange(of: "for PostgreSQL ")?.upperBound else { return nil }
        return PostgresVersion(number: text[start...])
    }
}
