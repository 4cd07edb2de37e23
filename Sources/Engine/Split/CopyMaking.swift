package import Planning
package import PostgresDriver
import SQLSyntax

/// Makes a read-only copy of a small table in another database, which logical replication keeps up to date; and takes it
/// back. Each step finds what an earlier call has made, so that both may be cut off at any point and called again.
package struct CopyMaking: Sendable {
    package enum Event: Sendable, Equatable {
        case note(String)
        /// `definition`, `stream`, `rows`; of the way back `dropping`.
        case stage(String)
    }

    let source: ConnectionSettings
    let target: ConnectionSettings
    /// As the layout names both databases.
    let home: String
    let database: String
    /// How long the first copy of the rows may take.
    let patience: Duration
    let listener: @Sendable (Event) -> Void

    package init(
        source: ConnectionSettings, home: String, target: ConnectionSettings, database: String,
        patience: Duration = .seconds(600), listener: @escaping @Sendable (Event) -> Void = { _ in }
    ) {
        (self.source, self.home, self.target, self.database) = (source, home, target, database)
        self.patience = patience
        self.listener = listener
    }

    /// - Returns: the record, `ready`: the copy has all rows, and proxies read it.
    /// - Throws: `EngineFailure`, `PostgresError`; what was made stays, and the next call goes on.
    @discardableResult
    package func make(schema: String, table: String) async throws -> CopyRecord {
        try await SplitSite.exclusively(source, target) { site in
            let definition = try await CopySource.read(schema, table, site.source)
            let address = try await TargetSite.identity(of: site.target)
            let ledger = CopyLedger(site.source)
            try await ledger.prepare()
            if try await ledger.record(of: schema, table, target: address) == nil {
                try await check(site)
                warn(definition)
            }
            let record = try await ledger.begin(schema, table, database: database, target: address)
            guard record.state != .dropping else { throw beingDropped(record) }
            do {
                try await make(record, definition, site, ledger)
                try await ledger.setState(.ready, of: record)
            } catch {
                await ledger.note(SplitMove.summary(error), of: record)
                throw resumable(error)
            }
            return try await ledger.record(of: schema, table, target: address) ?? record
        }
    }

    private func check(_ site: SplitSite) async throws {
        let lacks = SplitRequirements.copying(
            from: try await SplitServerReader.read(site.source, name: home),
            to: try await SplitServerReader.read(site.target, name: database))
        let blocking = lacks.filter(\.isBlocking).map { lack in
            Diagnostic(.error, "not-ready", "database \(lack.database): \(lack.message)", nextStep: lack.nextStep)
        }
        if !blocking.isEmpty { throw DiagnosticsError(blocking) }
        for lack in lacks { listener(.note("database \(lack.database): \(lack.message)")) }
    }

    private func warn(_ definition: CopySource) {
        guard definition.bytes > CopySource.warnedBytes else { return }
        listener(
            .note(
                "\(definition.name) has \(sized(Int64(definition.bytes))): it is copied in one go, and every change of it is sent to each copy"
            ))
    }

    // MARK: Making

    private func make(
        _ record: CopyRecord, _ definition: CopySource, _ site: SplitSite, _ ledger: CopyLedger
    ) async throws {
        listener(.stage("definition"))
        try await site.target.execute(
            "BEGIN; SET LOCAL client_min_messages = warning;\n\(CopySchema.target)\nCOMMIT")
        if try await isMarked(record, site) {
            try await Self.giveRights(record, definition, from: site.source, to: site.target)
        } else {
            try await define(record, definition, site, ledger)
        }
        listener(.stage("stream"))
        try await publish(record, site)
        try await subscribe(record, site)
        listener(.stage("rows"))
        try await waitUntilReady(record, site)
        try await site.target.execute("ANALYZE \(record.name)")
        try await announce(record, isReady: true, site)
    }

    private func isMarked(_ record: CopyRecord, _ site: SplitSite) async throws -> Bool {
        let origin = try await TargetSite.identity(of: site.source)
        guard
            let mark = try await site.target.query(
                "SELECT source, copy FROM strata.copied WHERE schema = $1 AND name = $2",
                [.text(record.schema), .text(record.table)]
            ).first
        else { return false }
        guard try mark.string("source") == origin, try mark.int("copy") == record.id else { throw taken(record) }
        return true
    }

    private func define(
        _ record: CopyRecord, _ definition: CopySource, _ site: SplitSite, _ ledger: CopyLedger
    ) async throws {
        guard
            try await !site.target.query("SELECT to_regclass($1) IS NOT NULL AS present", [.text(record.name)]).only()
                .bool("present")
        else { throw taken(record) }
        var made = record.made
        let types = CarriedTypes(from: site.source, to: site.target) { undo in
            guard !made.contains(undo) else { return }
            made.append(undo)
            try await ledger.note(made, of: record)
        }
        try await types.make(definition.types)
        try await types.makeSchema(record.schema)
        let roles = Set(try await site.target.query("SELECT rolname FROM pg_roles").map { try $0.string("rolname") })
        let strangers = Set([definition.owner] + definition.grants.map(\.role)).subtracting(roles).subtracting([""])
        if !strangers.isEmpty {
            listener(
                .note(
                    "database \(database) has no role \(strangers.sorted().joined(separator: ", ")): its rights are left out"
                ))
        }
        let origin = try await TargetSite.identity(of: site.source)
        let mark = """
            INSERT INTO strata.copied (schema, name, source, copy)
            VALUES (\(SQL.literal(record.schema)), \(SQL.literal(record.table)), \(SQL.literal(origin)), \(record.id))
            """
        try await transaction(
            ["SET LOCAL search_path = pg_catalog"] + definition.statements(home: home, mark: mark, roles: roles),
            site.target)
    }

    /// To roles that have come since the copies in a database were made.
    static func giveRights(in target: String, from source: Connection, to connection: Connection) async throws {
        for record in try await CopyLedger(source).all() where record.target == target && record.state == .ready {
            // One whose table is no more, or is another one now, is named by strata split copies.
            guard let definition = try? await CopySource.read(record.schema, record.table, source) else { continue }
            try await giveRights(record, definition, from: source, to: connection)
        }
    }

    private static func giveRights(
        _ record: CopyRecord, _ definition: CopySource, from source: Connection, to target: Connection
    ) async throws {
        let roles = Set(try await target.query("SELECT rolname FROM pg_roles").map { try $0.string("rolname") })
        let schema = SQL.identifier(record.schema)
        let isOurs = record.made.contains("DROP SCHEMA IF EXISTS \(schema)")
        let users = isOurs ? try await CarriedTypes(from: source, to: target) { _ in }.usage(of: record.schema) : []
        let statements = definition.rights(roles: roles) + users.map { "GRANT USAGE ON SCHEMA \(schema) TO \($0)" }
        guard !statements.isEmpty else { return }
        try await target.execute("BEGIN;\n\(statements.joined(separator: ";\n"));\nCOMMIT")
    }

    private func transaction(_ statements: [String], _ connection: Connection) async throws {
        do {
            try await connection.execute((["BEGIN"] + statements + ["COMMIT"]).joined(separator: ";\n"))
        } catch {
            _ = try? await connection.executeShielded("ROLLBACK")
            throw error
        }
    }

    // MARK: The stream

    private func publish(_ record: CopyRecord, _ site: SplitSite) async throws {
        let name = SQL.identifier(record.streamName)
        let row = try await site.source.query(
            """
            SELECT EXISTS (SELECT FROM pg_publication WHERE pubname = $1) AS published,
                   EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1) AS kept
            """, [.text(record.streamName)]
        ).only()
        if try !row.bool("published") {
            try await site.source.execute("CREATE PUBLICATION \(name) FOR TABLE ONLY \(record.name)")
        }
        // Before the subscription, which in a database of the same server could not make it by itself.
        if try !row.bool("kept") {
            _ = try await site.source.query(
                "SELECT pg_create_logical_replication_slot($1, 'pgoutput')", [.text(record.streamName)])
        }
    }

    private func subscribe(_ record: CopyRecord, _ site: SplitSite) async throws {
        guard try await !CopyStream.isSubscribed(record, site.target) else { return }
        let way = site.source.settings.keywordText(withPassword: true)
        do {
            try await site.target.execute(
                """
                CREATE SUBSCRIPTION \(SQL.identifier(record.streamName)) CONNECTION \(SQL.literal(way))
                PUBLICATION \(SQL.identifier(record.streamName))
                WITH (create_slot = false, slot_name = \(SQL.literal(record.streamName)), copy_data = true, enabled = true)
                """)
        } catch let error as PostgresError {
            // The statement has the password in it.
            throw EngineFailure(
                .resumable,
                Diagnostic(
                    .error, "no-subscription",
                    "database \(database) cannot follow \(site.source.settings): \(error.message)",
                    nextStep:
                        "its server connects to the source by itself: it must reach that address and be let in (pg_hba.conf); then call strata split copies make again"
                ))
        }
    }

    private func waitUntilReady(_ record: CopyRecord, _ site: SplitSite) async throws {
        let deadline = ContinuousClock.now + patience
        let before = try await CopyStream.troubles(record, site.target)
        while true {
            if try await CopyStream.state(record, site.target) == "r" { return }
            if try await CopyStream.troubles(record, site.target) > before + 3 { throw fails(record) }
            guard ContinuousClock.now < deadline else { throw late(record) }
            // The last step waits for something to come.
            _ = try await site.source.query("SELECT pg_logical_emit_message(false, 'strata', 'copy')")
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private func announce(_ record: CopyRecord, isReady: Bool, _ site: SplitSite) async throws {
        try await transaction(
            [
                "UPDATE strata.copied SET ready = \(isReady) WHERE schema = \(SQL.literal(record.schema)) AND name = \(SQL.literal(record.table)) AND copy = \(record.id)",
                CopySchema.announce,
            ], site.target)
    }

    // MARK: Failures

    private func taken(_ record: CopyRecord) -> EngineFailure {
        EngineFailure(
            .failed,
            Diagnostic(
                .error, "copy-name-taken",
                "database \(database) has a \(record.name) already that is not this copy",
                object: "table \(record.name)",
                nextStep: "drop or rename it there, then call strata split copies make again"))
    }

    private func beingDropped(_ record: CopyRecord) -> EngineFailure {
        EngineFailure(
            .failed,
            Diagnostic(
                .error, "copy-dropping", "the copy of \(record.name) in database \(database) is being dropped",
                nextStep: "strata split copies drop \(record.schema).\(record.table) ends that"))
    }

    private func fails(_ record: CopyRecord) -> EngineFailure {
        EngineFailure(
            .resumable,
            Diagnostic(
                .error, "copy-fails", "database \(database) cannot take the rows of \(record.name)",
                nextStep: "its server's log says why; mend it there, then call strata split copies make again"))
    }

    private func late(_ record: CopyRecord) -> EngineFailure {
        EngineFailure(
            .resumable,
            Diagnostic(
                .error, "copy-late",
                "the rows of \(record.name) were not in database \(database) after \(patience.seconds) s",
                nextStep: "the server goes on copying: call strata split copies make again, or see its log"))
    }

    private func resumable(_ error: any Error) -> any Error {
        let again = "call strata split copies make again, or take it back: strata split copies drop"
        switch error {
        case let error as PostgresError:
            return EngineFailure(
                .resumable, Diagnostic(.error, "copy-stopped", "the copy stopped: \(error.message)", nextStep: again))
        case is CancellationError:
            return EngineFailure(
                .resumable, Diagnostic(.error, "copy-stopped", "the copy was interrupted", nextStep: again))
        default: return error
        }
    }
}

// MARK: The way back

extension CopyMaking {
    /// Both databases are as they were; the table itself is not touched.
    package func drop(schema: String, table: String) async throws {
        try await SplitSite.exclusively(source, target) { site in
            let ledger = CopyLedger(site.source)
            let address = try await TargetSite.identity(of: site.target)
            guard let record = try await ledger.record(of: schema, table, target: address) else {
                throw EngineFailure(
                    .failed,
                    Diagnostic(
                        .error, "no-copy", "database \(database) has no copy of \(schema).\(table)",
                        nextStep: "strata split copies shows those that there are"))
            }
            try await drop(record, site, ledger)
        }
    }

    private func drop(_ record: CopyRecord, _ site: SplitSite, _ ledger: CopyLedger) async throws {
        let hasMarks = try await site.target.query("SELECT to_regclass('strata.copied') IS NOT NULL AS present").only()
            .bool("present")
        let isOurs = hasMarks ? try await isMarked(record, site) : false
        if isOurs { try await refuseUsers(of: record, site) }
        try await ledger.setState(.dropping, of: record)
        listener(.stage("dropping"))
        // Proxies read the table at its home from the moment on when they have seen it.
        if isOurs { try await announce(record, isReady: false, site) }
        try await CopyStream.remove(record, source: site.source, target: site.target)
        if isOurs {
            try await transaction(
                [
                    "SET LOCAL client_min_messages = warning", "DROP TABLE IF EXISTS \(record.name)",
                    "DELETE FROM strata.copied WHERE schema = \(SQL.literal(record.schema)) AND name = \(SQL.literal(record.table)) AND copy = \(record.id)",
                ], site.target)
        }
        // What somebody uses by now stays.
        for undo in record.made.reversed() {
            do { try await site.target.execute(undo) } catch let error as PostgresError
                where error.sqlState == .dependentObjectsExist
            {
                listener(
                    .note(
                        "still in use, and left in database \(database): \(undo.replacing("DROP ", with: "").replacing("IF EXISTS ", with: "").lowercased())"
                    ))
            }
        }
        if hasMarks, try await site.target.query("SELECT count(*) AS n FROM strata.copied").only().int("n") == 0 {
            try await site.target.execute(
                "DROP TABLE strata.copied; DROP FUNCTION IF EXISTS strata.refuse_copy_write()")
            try await BareSchema.drop(site.target)
        }
        try await ledger.remove(record)
    }

    private func refuseUsers(of record: CopyRecord, _ site: SplitSite) async throws {
        let users = try await site.target.query(
            """
            SELECT DISTINCT CASE d.classid WHEN 'pg_rewrite'::regclass THEN (SELECT ev_class::regclass::text FROM pg_rewrite WHERE oid = d.objid)
                   ELSE pg_describe_object(d.classid, d.objid, 0) END AS name
              FROM pg_depend d WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = to_regclass($1)
               AND d.deptype = 'n' AND d.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass, 'pg_constraint'::regclass, 'pg_policy'::regclass)
               AND NOT EXISTS (SELECT FROM pg_constraint k WHERE d.classid = 'pg_constraint'::regclass AND k.oid = d.objid AND k.conrelid = d.refobjid)
             ORDER BY 1
            """, [.text(record.name)]
        ).map { try $0.string("name") }
        guard !users.isEmpty else { return }
        throw EngineFailure(
            .failed,
            Diagnostic(
                .error, "copy-in-use",
                "in database \(database) the copy of \(record.name) is used by \(users.joined(separator: ", "))",
                nextStep: "drop that first, or keep the copy"))
    }
}
