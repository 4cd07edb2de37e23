extension LayoutReader {
    mutating func databases(_ node: LayoutNode) -> [Database] {
        var databases: [Database] = []
        for entry in entries(of: node, "`databases`", "databases by name") ?? [] {
            guard let name = name(entry, .database),
                let fields = fields(of: entry.value, as: .database)
            else { continue }
            databases.append(database(name, fields, entry.keyPlace, isMain: databases.isEmpty))
        }
        return databases
    }

    private mutating func database(
        _ name: String, _ fields: LayoutFields, _ place: SourcePlace, isMain: Bool
    ) -> Database {
        var database = Database(name: name, url: nil, place: place)
        if let node = fields["url"] {
            (database.url, database.urlVariable) = url(node, "database \(name)", isMain: isMain)
        } else if !isMain {
            missing("url", in: .database, place, "url: ${\(name.uppercased())_URL}")
        }
        if let node = fields["replicas"] { database.replicas = replicas(node, name) }
        if let node = fields["pool"] { database.pool = pool(node) }
        if let node = fields["wal_level"] {
            database.walLevel = choice(node, among: ["minimal", "replica", "logical"], "wal_level")
        }
        if database.walLevel == "minimal", let node = fields["replicas"], !database.replicas.isEmpty {
            let message = "database \(name) has replicas and `wal_level: minimal`, which writes too little for them"
            error("minimal-with-replicas", message, node.place, "set wal_level: replica (or logical) in both places")
        }
        return database
    }

    /// The connection string, or the variable that would hold it. Nothing of it is ever repeated in a message.
    private mutating func url(
        _ node: LayoutNode, _ owner: String, isMain: Bool
    ) -> (url: String?, variable: String?) {
        if case .nothing = node.content, isMain { return (nil, nil) }
        if case .text(let raw, _) = node.content,
            case .variable(let name, nil)? = LayoutReader.variablePieces(of: raw).first,
            LayoutReader.variablePieces(of: raw).count == 1, environment[name, default: ""].isEmpty
        {
            if !isMain {
                let message = "\(owner) is not reachable: the environment variable \(name) is not set"
                warning("unset-url", message, node.place, "export \(name)=postgresql://... before a command needs it")
            }
            return (nil, name)
        }
        guard let value = text(node, "`url`", "a connection string") else { return (nil, nil) }
        if value.text.isEmpty, isMain { return (nil, value.variables.first) }
        let lowered = value.text.lowercased()
        let isURL = lowered.hasPrefix("postgres://") || lowered.hasPrefix("postgresql://")
        guard isURL || (value.text.contains("=") && !lowered.contains("://")) else {
            let message = "the url of \(owner) is no connection string of PostgreSQL"
            error("bad-url", message, node.place, "write postgresql://user@host/database, best as ${NAME}")
            return (nil, nil)
        }
        if value.variables.isEmpty, LayoutReader.holdsPassword(value.text) {
            let step = "put the connection string into the environment and write url: ${NAME}"
            warning("password-in-file", "the url of \(owner) has a password in it", node.place, step)
        }
        return (value.text, nil)
    }

    /// `user:password@` or `password=`.
    private static func holdsPassword(_ url: String) -> Bool {
        if url.lowercased().contains("password=") || url.lowercased().contains("password =") { return true }
        guard let slashes = url.firstRange(of: "://") else { return false }
        let authority = url[slashes.upperBound...].prefix { $0 != "/" && $0 != "?" }
        guard let at = authority.lastIndex(of: "@") else { return false }
        return authority[..<at].firstIndex(of: ":").map { authority.index(after: $0) < at } ?? false
    }

    private mutating func replicas(_ node: LayoutNode, _ database: String) -> [Database.Replica] {
        var replicas: [Database.Replica] = []
        for item in list(node, "`replicas`", "a list of replicas") {
            guard let fields = fields(of: item, as: .replica) else { continue }
            guard let nameNode = fields["name"] else {
                missing("name", in: .replica, item.place, "name: r1")
                continue
            }
            guard let name = name(nameNode, .replica, "name") else { continue }
            if let first = replicas.first(where: { $0.name == name }) {
                duplicateEntry("replica \(name)", "replicas", item.place, first: first.place)
            }
            var replica = Database.Replica(name: name, url: nil, place: item.place)
            if let urlNode = fields["url"] {
                (replica.url, replica.urlVariable) = url(urlNode, "replica \(name) of \(database)", isMain: false)
            } else {
                missing("url", in: .replica, item.place, "url: ${\(name.uppercased())_URL}")
            }
            if let node = fields["weight"], let weight = integer(node, "weight", in: 1...1000) {
                replica.weight = weight
            }
            replicas.append(replica)
        }
        return replicas
    }

    private mutating func pool(_ node: LayoutNode) -> Database.Pool? {
        guard let fields = fields(of: node, as: .pool) else { return nil }
        var pool = Database.Pool()
        if let node = fields["mode"], let mode = choice(node, of: Database.Pool.Mode.self, "mode") { pool.mode = mode }
        if let node = fields["size"], let size = integer(node, "size", in: 1...10_000) { pool.size = size }
        if let node = fields["reserve"], let reserve = integer(node, "reserve", in: 0...10_000) {
            pool.reserve = reserve
        }
        if let node = fields["max_clients"], let clients = integer(node, "max_clients", in: 1...100_000) {
            pool.maxClients = clients
        }
        if let node = fields["max_prepared_statements"],
            let count = integer(node, "max_prepared_statements", in: 0...100_000)
        {
            pool.maxPreparedStatements = count
        }
        poolTimes(fields, into: &pool)
        if pool.size + pool.reserve > pool.maxClients {
            let message =
                "`size` and `reserve` make \(pool.size + pool.reserve) server connections for at most \(pool.maxClients) clients"
            let step = "raise max_clients (default 100) or lower size: connections beyond the clients are never used"
            error("pool-larger-than-clients", message, (fields["size"] ?? fields["reserve"] ?? node).place, step)
        }
        return pool
    }

    private mutating func poolTimes(_ fields: LayoutFields, into pool: inout Database.Pool) {
        let minute = Duration.seconds(60)
        let week = Duration.seconds(7 * 86_400)
        let month = Duration.seconds(30 * 86_400)
        let times: [(String, WritableKeyPath<Database.Pool, Duration>, ClosedRange<Duration>)] = [
            ("reserve_timeout", \.reserveTimeout, .zero...minute * 60),
            ("server_lifetime", \.serverLifetime, .zero...month),
            ("idle_timeout", \.idleTimeout, .seconds(1)...month),
            ("connect_timeout", \.connectTimeout, .milliseconds(100)...minute * 10),
            ("query_wait_timeout", \.queryWaitTimeout, .zero...week), ("query_timeout", \.queryTimeout, .zero...week),
        ]
        for (key, path, bounds) in times {
            if let node = fields[key], let value = duration(node, key, in: bounds) { pool[keyPath: path] = value }
        }
    }
}
