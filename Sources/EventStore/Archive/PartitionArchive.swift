import Foundation
package import PostgresDriver
import SQLSyntax

/// Moves partitions whose time is over from the database into a folder.
///
/// For each: lines to a file that is read again, the partition detached and the streams' floors raised in one transaction, the
/// detached table compared with the file, the table dropped. Killed at any point, the next call goes on; no table is dropped
/// whose bytes are not on the disk under their name.
package struct PartitionArchive: Sendable {
    package struct Options: Sendable, Hashable {
        /// Consumer groups that have not done the events get `EV416` from then on.
        package var leavesBehind = false
        /// The table stays, no partition any more, until somebody drops it.
        package var keepsTable = false
        /// How long appends may have to wait behind us for the locks: 10 ms to 10 s.
        package var lockTimeout = Duration.milliseconds(200)
        /// How long the locks are tried for.
        package var lockWait = Duration.seconds(600)

        package init() {}
    }

    /// What has been done with a partition: for people, and for tests that stop there.
    package enum Step: Sendable, Hashable {
        case exported(EventManifest)
        case waiting(reason: String)
        case detached(table: String)
        case verified(EventManifest)
        case settled(EventManifest)
    }

    private let schema: EventSchema
    private let connection: Connection
    private let folder: ArchiveFolder
    private let options: Options
    private let store: String
    private let onStep: @Sendable (String, Step) async throws -> Void

    /// Takes the archive's lock, which goes with the connection.
    ///
    /// - Parameter connection: with the rights of the tables' owner, and for nothing else meanwhile.
    /// - Throws: `EventStoreProblem`: another process archives, or the folder cannot be written to.
    package init(
        _ schema: EventSchema, on connection: Connection, to folder: ArchiveFolder, _ options: Options = Options(),
        onStep: @escaping @Sendable (_ partition: String, Step) async throws -> Void = { _, _ in }
    ) async throws {
        (self.schema, self.connection, self.folder, self.options) = (schema, connection, folder, options)
        self.onStep = onStep
        try folder.make()
        // Who calls again after a crash may be here before the server has seen that the other one is gone.
        try await connection.execute("SET lock_timeout = '5s'")
        do {
            _ = try await connection.query(
                "SELECT pg_advisory_lock(hashtext('strata.events.archive'), hashtext($1))", [.text(schema.name)])
        } catch let error as PostgresError where error.sqlState == "55P03" {
            throw EventStoreProblem("archive", "another process archives this event store", next: "wait for its end")
        }
        try await connection.execute("RESET lock_timeout")
        store = try await connection.query("SELECT id::text AS id FROM \(schema.schema).store_identity").only()
            .string("id")
    }

    /// First what an earlier call has left, then what is due, oldest first.
    ///
    /// - Returns: the manifests of what has come into the folder, and how many dead letters that nobody needs went along.
    package func run(_ plan: ArchivePlan) async throws -> (manifests: [EventManifest], lettersRemoved: Int) {
        var done: [EventManifest] = []
        for left in plan.unfinished {
            done.append(try await settle(Source(left.table, left.partition, left.from, left.until)))
        }
        for partition in plan.due {
            // Asked again under the locks; here it saves writing the file.
            if let group = partition.behind.first, !options.leavesBehind {
                throw Self.behind(
                    "consumer groups have not done the events of \(partition.name): \(group.group) of \(group.stream) stands at \(group.position) of \(group.needed)"
                )
            }
            let source = Source(partition.name, partition.name, partition.from, partition.until)
            let (manifest, _) = try await file(for: source, known: nil)
            try await onStep(partition.name, .exported(manifest))
            guard let table = try await detach(source) else { continue }
            try await onStep(partition.name, .detached(table: table))
            done.append(try await settle(Source(table, partition.name, partition.from, partition.until)))
        }
        return (done, try await removeSettledLetters())
    }

    /// A table of events: a partition, or what was one.
    private struct Source {
        var table: String
        var partition: String
        var from: Date
        var until: Date

        init(_ table: String, _ partition: String, _ from: Date, _ until: Date) {
            (self.table, self.partition, self.from, self.until) = (table, partition, from, until)
        }
    }

    // MARK: Files

    /// The file that has exactly these events, made where there is none. What is there already, whole or not, is never written
    /// over: the events in it may be gone from the database.
    ///
    /// - Parameter known: what the table adds up to, where nothing is added to it any more.
    private func file(for source: Source, known: EventTally?) async throws -> (EventManifest, path: String) {
        var tally = known
        var number = 1
        while true {
            let path = folder.file(source.partition, number)
            let found = try EventManifest.read(beside: path)
            if let found, found.store != store {
                throw EventStoreProblem(
                    "archive", "\(path) is of another event store", next: "give each store a folder of its own")
            }
            // The manifest is there before the file is.
            guard FileManager.default.fileExists(atPath: path) else {
                return (try await export(source, to: path), path)
            }
            if let found, try await EventFileReader.tally(of: path) == found.tally {
                let whole: EventTally
                if let tally { whole = tally } else { whole = try await self.tally(of: source) }
                tally = whole
                if found.tally == whole { return (found, path) }
            }
            number += 1
        }
    }

    private func export(_ source: Source, to path: String) async throws -> EventManifest {
        let file = try EventFile(path)
        do {
            try await lines(of: source) { try await file.write($0) }
            let written = try await file.seal()
            let found = try await EventFileReader.tally(of: EventFile.partial(path))
            guard found == written else {
                throw EventStoreProblem(
                    "archive", "\(path) is not what was written to it: \(found.events) of \(written.events) events",
                    next: "nothing was dropped; look after the disk, and try again")
            }
            var manifest = EventManifest(.partition, of: path, written)
            (manifest.store, manifest.partition) = (store, source.partition)
            (manifest.from, manifest.until) = (UTCText.text(source.from), UTCText.text(source.until))
            try manifest.write(beside: path)
            try await file.publish()
            return manifest
        } catch {
            file.discard()
            throw error
        }
    }

    private func tally(of source: Source) async throws -> EventTally {
        var tallying = try EventTallying()
        try await lines(of: source) { try tallying.add($0) }
        return try tallying.finish()
    }

    /// Of the table alone: the table of events is not locked meanwhile.
    private func lines(of source: Source, _ body: ([UInt8]) async throws -> Void) async throws {
        let table = "\(schema.schema).\(SQL.identifier(source.table))"
        try await connection.copyOut(
            "COPY (SELECT \(EventLine.column(schema.schema)) FROM \(table) e ORDER BY e.stream_id, e.position) TO STDOUT \(EventLine.format)",
            body)
    }

    // MARK: The database

    private static func behind(_ message: String) -> EventStoreProblem {
        EventStoreProblem(
            "behind", message, next: "let them catch up, or say --leave-behind: they then have to seek")
    }

    /// - Returns: nil where somebody else has detached it.
    private func detach(_ source: Source) async throws -> String? {
        let start = ContinuousClock.now
        let wait = min(max(options.lockTimeout, .milliseconds(10)), .seconds(10))
        while true {
            if let holder = try await longHolder(source, wait) {
                try await pause(source, holder, since: start)
                continue
            }
            do {
                return try await connection.query(
                    """
                    SELECT \(schema.schema).detach_partition($1, timestamp '1970-01-01' + $2 * interval '1 millisecond',
                        timestamp '1970-01-01' + $3 * interval '1 millisecond', $4, $5::integer) AS name
                    """,
                    [
                        .text(source.partition), .int(source.from.milliseconds), .int(source.until.milliseconds),
                        .bool(options.leavesBehind), .int(wait.milliseconds),
                    ]
                ).only().optionalString("name")
            } catch let error as PostgresError where error.isLockTimeout || error.isRetryable {
                try await pause(source, "the locks did not come within \(wait.milliseconds) ms", since: start)
            } catch let error as PostgresError where error.sqlState == "EV423" {
                var problem = Self.behind(
                    ([error.message] + (error.detail.map { [$0] } ?? [])).joined(separator: ": "))
                if let hint = error.hint { problem.nextStep = hint }
                throw problem
            } catch let error as PostgresError where error.sqlState == .foreignKeyViolation {
                throw EventStoreProblem(
                    "archive", "a table still refers to events of \(source.partition): \(error.message)",
                    next: "drop that foreign key, or remove its rows")
            }
        }
    }

    /// Waits beside the queue where a transaction holds the tables for long: behind us everybody else would wait for it, too.
    private func longHolder(_ source: Source, _ age: Duration) async throws -> String? {
        let row = try await connection.query(
            """
            SELECT a.pid, coalesce(nullif(a.application_name, ''), a.backend_type, 'unnamed') AS name, extract(epoch FROM clock_timestamp() - a.xact_start)::bigint AS seconds
            FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
            WHERE l.locktype = 'relation' AND l.granted AND l.pid <> pg_backend_pid() AND l.relation = ANY (ARRAY[$1, $2, $3]::regclass[])
              AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
              AND a.xact_start < clock_timestamp() - $4 * interval '1 millisecond' ORDER BY a.xact_start LIMIT 1
            """,
            [
                .text("\(schema.schema).events"), .text("\(schema.schema).event_streams"),
                .text("\(schema.schema).\(SQL.identifier(source.table))"), .int(age.milliseconds),
            ]
        ).first
        return try row.map {
            "process \(try $0.int("pid")) (\(try $0.string("name"))) holds the tables for \(try $0.int("seconds")) s"
        }
    }

    private func pause(_ source: Source, _ reason: String, since start: ContinuousClock.Instant) async throws {
        guard .now - start < options.lockWait else {
            throw EventStoreProblem(
                "resumable", "\(source.partition): \(reason)",
                next: "nothing is lost; run the same again, or end that transaction first")
        }
        try await onStep(source.partition, .waiting(reason: reason))
        try await Task.sleep(for: .milliseconds(Int.random(in: 200...600)))
    }

    /// A detached table: nothing is added to it any more, so what it adds up to now is final.
    private func settle(_ source: Source) async throws -> EventManifest {
        let tally = try await tally(of: source)
        let (manifest, path) = try await file(for: source, known: tally)
        guard manifest.tally == tally else {
            throw EventStoreProblem(
                "archive", "\(path) has \(manifest.events) events, the table \(source.table) has \(tally.events)",
                next: "nothing was dropped; run the same again")
        }
        try await onStep(source.partition, .verified(manifest))
        let place = URL(fileURLWithPath: path).path
        let record =
            "UPDATE \(schema.schema).archived_partitions SET state = \(SQL.literal(options.keepsTable ? "kept" : "dropped")), settled_at = \(schema.schema).now(), events = \(tally.events), bytes = \(tally.bytes), sha256 = \(SQL.literal(tally.sha256)), file = \(SQL.literal(place)) WHERE name = \(SQL.literal(source.table))"
        let drop =
            options.keepsTable ? "" : "; DROP TABLE IF EXISTS \(schema.schema).\(SQL.identifier(source.table))"
        let start = ContinuousClock.now
        while true {
            do {
                try await connection.execute("SET lock_timeout = '2s'; \(record)\(drop)")
                break
            } catch let error as PostgresError where error.isLockTimeout || error.isRetryable {
                try await pause(source, "somebody reads the detached table", since: start)
            }
        }
        try await onStep(source.partition, .settled(manifest))
        return manifest
    }

    /// Dead letters that are resolved or discarded go with their events, for they are copies of them; those that somebody still
    /// has to decide about stay, and can be redriven.
    private func removeSettledLetters() async throws -> Int {
        var removed = 0
        while true {
            let count = try await connection.query(
                """
                DELETE FROM \(schema.schema).dead_letter_events d WHERE d.id = ANY (ARRAY(
                    SELECT x.id FROM \(schema.schema).dead_letter_events x JOIN \(schema.schema).event_streams e ON e.id = x.stream_id
                    WHERE x.status IN ('resolved', 'discarded') AND x.position <= e.floor_position LIMIT 1000))
                """
            ).affectedRows
            removed += count ?? 0
            if (count ?? 0) < 1_000 { return removed }
        }
    }
}

extension Date {
    var milliseconds: Int { Int((timeIntervalSince1970 * 1000).rounded()) }
}
