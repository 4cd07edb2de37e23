package import Planning
package import PostgresDriver

/// The databases of the layout, for what has one end in one of them and the other in another; and in which of them a table
/// is now. Connections are opened when they are needed, and again after they were lost.
package actor LooseKeyDatabases {
    package struct Site: Sendable {
        package var name: String
        package var settings: Result<ConnectionSettings, DiagnosticsError>

        package init(name: String, settings: Result<ConnectionSettings, DiagnosticsError>) {
            (self.name, self.settings) = (name, settings)
        }
    }

    /// What a connection is for: a transaction on the queue stays open while others do the work.
    package enum Purpose: Hashable, Sendable { case queue, work }

    /// A table in one of the databases.
    package struct Place: Sendable, Equatable {
        package var database: String
        package var oid: OID
        package var isPartitioned: Bool
        /// Nobody may write it: it is a copy that is being made, or that was left behind.
        package var isGuarded: Bool
    }

    private struct Slot: Hashable {
        var database: String
        var purpose: Purpose
    }

    /// Triggers of this name refuse writes on the side that does not own a table.
    package static let guardPrefix = DumpOrder.guardPrefix

    package nonisolated let names: [String]
    private let sites: [String: Site]
    private let command: String
    private var open: [Slot: Connection] = [:]
    private var identities: [String: String] = [:]
    /// Databases that could not be reached, and until when they are not tried again: many questions are asked at a time.
    private var lost: [String: (error: any Error, until: ContinuousClock.Instant)] = [:]
    private static let patience = Duration.seconds(5)

    /// - Parameter sites: the main database first.
    package init(_ sites: [Site], command: String) {
        names = sites.map(\.name)
        self.sites = Dictionary(sites.map { ($0.name, $0) }) { first, _ in first }
        self.command = command
    }

    package func close() async {
        for connection in open.values { await connection.close() }
        open = [:]
    }

    package func connection(to name: String, _ purpose: Purpose = .work) async throws -> Connection {
        let slot = Slot(database: name, purpose: purpose)
        if let known = open[slot] {
            if await known.isAlive { return known }
            open[slot] = nil
        }
        if let known = lost[name], ContinuousClock.now < known.until { throw known.error }
        guard let site = sites[name] else {
            throw DiagnosticsError(
                Diagnostic(.error, "unknown-database", "the layout has no database \(name)"))
        }
        let settings = try site.settings.get().settings([
            "application_name": ActorIdentity.current.applicationName(for: command), "connect_timeout": "5",
        ])
        let connection: Connection
        do {
            connection = try await Connection.open(settings)
        } catch let error as PostgresError {
            lost[name] = (error, .now + Self.patience)
            throw error
        }
        lost[name] = nil
        // Our own triggers and keys pass the guard of a split that is under way (`strata.split`).
        // Rows that a policy hides would stay behind in silence; settings of the role are for applications.
        try await connection.execute(
            "SET statement_timeout = 0; SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '10min'; "
                + "SET default_transaction_read_only = off; SET standard_conforming_strings = on; SET row_security = off; "
                + "SET strata.split = 'keys'; SET datestyle = 'ISO, YMD'; SET timezone = 'UTC'; SET extra_float_digits = 1"
        )
        if let raced = open[slot] {
            await connection.close()
            return raced
        }
        open[slot] = connection
        return connection
    }

    // MARK: Where a table is

    /// The database that has the table and may write it.
    /// - Throws: `EngineFailure` where none has it, or several have.
    package func place(of table: LooseKey.Table) async throws -> Place {
        var found: [Place] = []
        var guarded: [String] = []
        var unreachable: [String] = []
        for name in names {
            do {
                guard let place = try await place(of: table, in: name) else { continue }
                if place.isGuarded {
                    guarded.append(name)
                } else if try await !found.containsSame(as: identity(of: name), identities) {
                    found.append(place)
                }
            } catch let error as PostgresError where error.connectionFailure != nil {
                unreachable.append("\(name) cannot be reached")
            } catch let error as DiagnosticsError {
                unreachable.append(error.diagnostics.map(\.message).joined(separator: "; "))
            }
        }
        if found.count == 1 { return found[0] }
        let others = guarded.map { "in \($0) it is guarded" } + unreachable
        let more = others.isEmpty ? "" : "; \(others.joined(separator: "; "))"
        guard found.isEmpty else {
            throw EngineFailure(
                .failed,
                Diagnostic(
                    .error, "table-twice",
                    "\(table) is in databases \(found.map(\.database).joined(separator: ", ")), and may be written in each",
                    object: "table \(table)",
                    nextStep: "drop or rename the one that the application does not use"))
        }
        throw EngineFailure(
            .failed,
            Diagnostic(
                .error, "table-nowhere", "no database of the layout has table \(table)\(more)",
                object: "table \(table)",
                nextStep: unreachable.isEmpty
                    ? "a table that was renamed takes its loose key along: restore the key, rename, replace it again"
                    : "look at the url of that database in the layout, and whether its server runs"))
    }

    package func place(of table: LooseKey.Table, in database: String) async throws -> Place? {
        let connection = try await connection(to: database)
        return try await connection.query(
            """
            SELECT c.oid, c.relkind = 'p' AS partitioned,
                   EXISTS (SELECT FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
                       AND starts_with(t.tgname, '\(Self.guardPrefix)') AND t.tgenabled <> 'D') AS guarded
              FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
             WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')
            """, [.text(table.schema), .text(table.name)]
        ).first.map { row in
            Place(
                database: database, oid: try row.uint32("oid"), isPartitioned: try row.bool("partitioned"),
                isGuarded: try row.bool("guarded"))
        }
    }

    /// The same for two names of the layout that lead to one database.
    private func identity(of name: String) async throws -> String {
        if let known = identities[name] { return known }
        let connection = try await connection(to: name)
        let abilities = try await ServerAbilities.ask(connection)
        let row = try await connection.query(
            "SELECT \(abilities.systemIdentifier) AS identifier, oid FROM pg_database WHERE datname = current_database()"
        ).only()
        let system = try row.string("identifier")
        let identity = "\(system.isEmpty ? "\(connection.settings)" : system)/\(try row.uint32("oid"))"
        identities[name] = identity
        return identity
    }
}

extension [LooseKeyDatabases.Place] {
    fileprivate func containsSame(as identity: String, _ identities: [String: String]) -> Bool {
        contains { identities[$0.database] == identity }
    }
}
