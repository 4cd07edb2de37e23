/// One entry of `databases:`.
package struct Database: Sendable {
    package var name: String
    /// Connection string; nil means the embedded server (only for the main database). Holds secrets: never print it.
    package var url: String?
    /// The environment variable that the connection string was to come from, where `url` is nil because it is unset.
    package var urlVariable: String?
    package var replicas: [Replica] = []
    package var pool: Pool?
    /// `wal_level` the server is meant to run with; checked against `backup:` and replicas.
    package var walLevel: String?
    package var place: SourcePlace

    package init(name: String, url: String?, place: SourcePlace) {
        self.name = name
        self.url = url
        self.place = place
    }

    package struct Replica: Sendable {
        package var name: String
        package var url: String?
        /// As for `Database.urlVariable`.
        package var urlVariable: String?
        /// How many statements it gets compared to the other replicas: 1 to 1,000.
        package var weight = 1
        package var place: SourcePlace

        package init(name: String, url: String?, place: SourcePlace) {
            self.name = name
            self.url = url
            self.place = place
        }
    }

    package struct Pool: Sendable {
        package enum Mode: String, Sendable, CaseIterable { case session, transaction, statement }
        package var mode: Mode = .transaction
        package var size = 20
        package var reserve = 0
        package var reserveTimeout: Duration = .seconds(5)
        package var maxClients = 100
        package var serverLifetime: Duration = .seconds(3600)
        package var idleTimeout: Duration = .seconds(600)
        package var connectTimeout: Duration = .seconds(15)
        /// How long a client waits for a server connection; zero: for ever.
        package var queryWaitTimeout: Duration = .seconds(120)
        /// How long a statement may run; zero: for ever.
        package var queryTimeout: Duration = .zero
        /// Prepared statements that each server connection keeps.
        package var maxPreparedStatements = 200

        package init() {}
    }
}

/// One entry of `retention:`.
package struct Retention: Sendable {
    package var schema: String?
    package var table: String
    package var olderThan: Duration
    /// `schema.table.column` holding days per subject.
    package var perSubject: String?
    /// `schema.table` in which erasures are recorded.
    package var recordIn: String?
    package var place: SourcePlace

    package init(schema: String?, table: String, olderThan: Duration, place: SourcePlace) {
        self.schema = schema
        self.table = table
        self.olderThan = olderThan
        self.place = place
    }
}

/// One entry of `thresholds:`; nil means not watched.
package struct Thresholds: Sendable {
    package var schema: String
    package var rowsPerDay: Int?
    package var rows: Int?
    package var latency: Duration?
    package var cpuPercent: Int?

    package init(schema: String) { self.schema = schema }
}

/// One entry of `backup:`.
package struct Backup: Sendable {
    package var schema: String
    /// WAL archived without a gap; needs `wal_level` replica or logical.
    package var continuous = false
    /// Recovery point objective: how much may be lost at most.
    package var rpo: Duration?
    package var keep: Duration?

    package init(schema: String) { self.schema = schema }
}
