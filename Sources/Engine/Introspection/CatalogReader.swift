package import Planning
package import PostgresDriver

/// Reads a database into a `Catalog`: one REPEATABLE READ, READ ONLY snapshot, and a number of queries that depends
/// neither on the number of tables nor on that of other objects.
///
/// The one exception: views, rules, policies and BEGIN ATOMIC functions, whose text PostgreSQL prints only under a lock
/// on each table they name until the transaction ends, are asked for in groups of `Limits.lockingGroup`, and their locks
/// are let go after each.
///
/// Plain tables, columns, keys, foreign keys and btree indexes come from the system catalogs, and wait for nobody. Where
/// a table is locked in ACCESS EXCLUSIVE mode, what names its columns in an expression (the objects above, CHECK
/// constraints, generated columns, partition keys, other indexes, extended statistics, conditions of triggers and
/// publications) waits, at most `Limits.lockTimeout`.
package struct CatalogReader {
    package struct Limits: Sendable {
        /// The longest wait for one lock. Default 3 s.
        package var lockTimeout: Duration
        /// The longest single query. Default 60 s.
        package var statementTimeout: Duration
        /// Snapshots taken when other sessions change the schema in between. Default 3, at least 1.
        package var attempts: Int
        /// Objects whose text is printed under one set of locks: well below the 6,400 locks of a default server.
        package var lockingGroup: Int

        package init(
            lockTimeout: Duration = .seconds(3), statementTimeout: Duration = .seconds(60), attempts: Int = 3,
            lockingGroup: Int = 1_000
        ) {
            self.lockTimeout = lockTimeout
            self.statementTimeout = statementTimeout
            self.attempts = max(1, attempts)
            self.lockingGroup = max(1, lockingGroup)
        }
    }

    /// A catalog, and how many queries it took.
    package struct Reading: Sendable {
        package var catalog: Catalog
        package var queries: Int
        package var attempts: Int
    }

    /// Reads everything but the sequences' last values, for which see `SequenceValueReader`.
    ///
    /// The connection must be idle. Throws `DiagnosticsError` with the code `not-postgresql`, `server-too-old`,
    /// `lock-timeout`, `statement-timeout`, `missing-privilege` or `catalog-changing`; `PostgresError` for the rest.
    package static func read(_ connection: Connection, limits: Limits = Limits()) async throws -> Catalog {
        try await reading(connection, limits: limits).catalog
    }

    /// Like `read`, with the number of queries.
    package static func reading(_ connection: Connection, limits: Limits = Limits()) async throws -> Reading {
        let server = try await ServerAbilities.ask(connection)
        var attempt = 1
        while true {
            do {
                var reading = try await snapshot(connection, server, limits)
                reading.attempts = attempt
                return reading
            } catch let error where isConcurrentChange(error) {
                guard attempt < limits.attempts else { throw changing(error, attempt) }
                attempt += 1
            } catch let error as PostgresError {
                throw await ReadingFailure.explain(error, connection, limits)
            }
        }
    }

    private static func snapshot(
        _ connection: Connection, _ server: ServerAbilities, _ limits: Limits
    ) async throws -> Reading {
        try await connection.transaction(.snapshot) { connection in
            var build = CatalogBuild(connection: connection, server: server)
            try await build.configure(limits)
            try await build.readServer()
            try await build.readRelations()
            try await build.readColumns()
            try await build.readSequences()
            try await build.readConstraints()
            try await build.readIndexes()
            try await build.readInheritance()
            try await build.readTypes()
            try await build.readFunctions()
            try await build.readTriggers()
            try await build.readReplication()
            try await build.readExtensions()
            try await build.readSurroundings()
            try await build.readDependencies()
            try await build.readLockingDefinitions(groupsOf: limits.lockingGroup)
            return Reading(catalog: build.catalog, queries: build.queries + ServerAbilities.queries, attempts: 1)
        }
    }

    /// The functions that print definitions see other sessions' DDL although the snapshot does not: an object that is
    /// gone makes them fail (XX000 "cache lookup failed", 42P01, …) or give NULL.
    private static func isConcurrentChange(_ error: any Error) -> Bool {
        if error is ConcurrentChange { return true }
        guard let state = (error as? PostgresError)?.sqlState else { return false }
        let gone: Set<SQLState> = [
            "XX000", .undefinedTable, .undefinedObject, .undefinedFunction, .undefinedColumn, .invalidSchemaName,
            .serializationFailure, .deadlockDetected,
        ]
        return gone.contains(state)
    }

    private static func changing(_ error: any Error, _ attempts: Int) -> any Error {
        let reason = (error as? PostgresError)?.message ?? (error as? ConcurrentChange)?.what ?? ""
        return DiagnosticsError(
            Diagnostic(
                .error, "catalog-changing",
                "the database's schema changed while it was read, \(attempts) times in a row (\(reason))",
                nextStep: "wait until other migrations have finished, then run the command again"))
    }
}

/// An object that was in the snapshot was gone when its definition was asked for.
struct ConcurrentChange: Error {
    var what: String
}
