/// Connection strings as applications have them in `DATABASE_URL`: their libraries add words that libpq refuses.
enum ApplicationURL {
    /// Parameters by which a library sets itself, or which say where an application's tables are: none of them says which
    /// server, database or user is meant, or how the connection is protected. Sources: Prisma, "PostgreSQL connector,
    /// arguments"; Rails Guides, "Configuring a database"; dj-database-url; SQLAlchemy and asyncpg; node-postgres.
    static let ownParameters: Set<String> = [
        "schema", "connection_limit", "pool_timeout", "pgbouncer", "socket_timeout", "statement_cache_size",
        "max_idle_connection_lifetime", "single_use_connections",
        "pool", "encoding", "prepared_statements", "statement_limit", "schema_search_path", "checkout_timeout",
        "idle_timeout", "reaping_frequency",
        "conn_max_age", "conn_health_checks",
        "prepared_statement_cache_size", "prepared_statement_name_func", "async_fallback",
        "uselibpqcompat",
    ]

    /// Prisma's word for whether the server's certificate is checked.
    private static let certificateCheck = (off: "sslaccept=accept_invalid_certs", on: "sslaccept=strict")

    /// As libpq takes it: without those parameters, and with the scheme's own name where a driver or an extension is behind
    /// it (`postgresql+psycopg://`, `postgis://`). Other strings are returned as they are.
    static func plain(_ string: String) -> String {
        guard let scheme = string.prefixMatch(of: #/(?:postgres|postgresql|postgis)(?:\+[A-Za-z0-9_]+)?:\/\//#) else {
            return string
        }
        let isUsual = ["postgres://", "postgresql://"].contains(String(scheme.output))
        let rest = string[scheme.range.upperBound...]
        return (isUsual ? String(scheme.output) : "postgresql://") + withoutOwnParameters(rest)
    }

    private static func withoutOwnParameters(_ rest: Substring) -> String {
        // libpq takes a question mark before "@" for one of the password's.
        let authority = rest.prefix { $0 != "/" }.firstIndex(of: "@") ?? rest.startIndex
        guard let mark = rest[authority...].firstIndex(of: "?") else { return String(rest) }
        let parameters = rest[rest.index(after: mark)...].split(separator: "&", omittingEmptySubsequences: false)
        var kept = parameters.filter { parameter in
            !ownParameters.contains(String(parameter.prefix { $0 != "=" })) && parameter != certificateCheck.off
        }
        if kept.contains(where: { $0 == certificateCheck.on }) {
            kept.removeAll { $0 == certificateCheck.on || $0.hasPrefix("sslmode=") }
            kept.append("sslmode=verify-full")
        }
        return rest[..<mark] + (kept.isEmpty ? "" : "?" + kept.joined(separator: "&"))
    }
}
