import ArgumentParser
import Engine
import Foundation
import Planning
import PostgresDriver
import SQLiteImport

/// What the three ways of `strata import sqlite` do.
struct ImportWork {
    let command: ImportSQLiteCommand
    let workplace: Workplace
    let progress: ImportProgress
    private let layout: Layout?
    private var console: Console { workplace.console }

    init(_ command: ImportSQLiteCommand, _ workplace: Workplace) throws {
        (self.command, self.workplace) = (command, workplace)
        // One that was named has to be there: without it tables would go elsewhere.
        let isNamed = workplace.options.layout != GlobalOptions.usualLayout
        layout = isNamed ? try workplace.layout() : try workplace.layoutIfPresent()
        progress = ImportProgress(console: workplace.console, quiet: command.quiet)
    }

    private func request() throws -> ImportRequest {
        var request = ImportRequest(command.file)
        request.orm = command.orm?.profile
        request.layout = layout
        if let file = command.mapping { request.mapping = (try Files.read(file), file) }
        request.options.jobs = command.jobs
        request.options.mostRejects = command.maxRejects.rows
        return request
    }

    // MARK: Review

    /// A target is looked at where one is named; none is started.
    func review() async throws {
        let target = hasTarget ? try await workplace.connect(layout, command: "import") : nil
        do {
            try await ImportSite.with(request(), target: target, listener: progress.handle) { site in
                progress.end()
                try show(site)
            }
            await target?.close()
        } catch {
            await target?.close()
            throw error
        }
    }

    private func show(_ site: ImportSite) throws {
        let review = site.review
        if let file = command.writeMapping {
            try Files.write(MappingText.render(site.mapping, source: command.file), to: file)
            console.error("the mapping is in \(file)\n")
        }
        if let file = command.report { try Files.write(ReviewMarkdown.render(review), to: file) }
        switch workplace.options.format {
        case .json: console.output(try JSONOutput.text(review))
        case .text: console.output(ReviewText(console.outputStyle).render(review))
        }
        let complaints = site.complaints
        if complaints.isEmpty, workplace.options.format == .text { console.error(nextStep(review)) }
        console.report(complaints)
        if !complaints.isEmpty { throw ExitCode.hazardsNotAccepted }
    }

    private func nextStep(_ review: ImportReview) -> String {
        var words = ["strata import sqlite \(Self.quoted(command.file))"]
        if let file = command.writeMapping ?? command.mapping {
            words.append("--mapping \(Self.quoted(file))")
        } else if let orm = review.orm {
            words.append("--orm \(orm.rawValue)")
        }
        // A URL may hold a password.
        if workplace.options.url != nil || !hasTarget { words.append("--into URL") }
        let isMapped = command.writeMapping != nil || command.mapping != nil
        return "\nnext: \(words.joined(separator: " "))\n"
            + (isMapped ? "" : "      (to change types first: add --review --write-mapping FILE)\n")
    }

    /// For a shell.
    private static func quoted(_ path: String) -> String {
        let text = DiagnosticText.printable(path)
        return text.allSatisfy { $0.isLetter || $0.isNumber || "/._-+~".contains($0) }
            ? text : "'\(text.replacing("'", with: "'\\''"))'"
    }

    private var hasTarget: Bool {
        workplace.options.url != nil || layout?.databases.first?.url != nil
            || (layout == nil && !(workplace.environment["DATABASE_URL"] ?? "").isEmpty)
    }

    // MARK: Loading

    func load() async throws {
        let settings = try await workplace.settings(layout)
        let connection = try await workplace.connect(layout, command: "import")
        let lock = RunLock(connection)
        try await lock.take()
        do {
            try await load(settings, connection)
            await lock.release()
            await connection.close()
        } catch {
            await lock.release()
            await connection.close()
            throw error
        }
    }

    private func load(_ settings: ConnectionSettings, _ connection: Connection) async throws {
        try await connection.execute("SET statement_timeout = 0")
        if connection.serverVersion >= 140_000 { try await connection.execute("SET idle_session_timeout = 0") }
        try await ImportTarget.check(connection)
        var request = try request()
        if command.restart { request.restart = .ahead }
        try await ImportSite.with(request, target: connection, listener: progress.handle) { site in
            progress.end()
            // Before anything is taken back: what cannot be loaded anew stays.
            try refuse(site)
            guard command.restart else { return try await load(site, request, settings, connection) }
            try await takeBack(site, connection)
            let site = try await site.again(on: connection)
            try refuse(site)
            try await load(site, request, settings, connection)
        }
    }

    private func load(
        _ site: ImportSite, _ request: ImportRequest, _ settings: ConnectionSettings, _ connection: Connection
    ) async throws {
        try await ImportJournal.prepare(connection)
        let journal = try await site.begin(on: connection)
        let tables = site.plan.tables
        let run = ImportRun(
            site.snapshot, target: settings, tables: tables, options: request.options, listener: progress.handle)
        let outcome: ImportRun.Outcome
        do { outcome = try await run.run(journal) } catch {
            progress.end()
            if let rejects = try? await writeRejects(journal) { console.error("rejects: \(rejects)\n") }
            throw resumable(error)
        }
        let verified = command.skipsVerification ? nil : try await verification(site, settings, journal, tables)
        progress.end()
        let rejects = try await writeRejects(journal)
        let objects = try await ImportTarget.differences(tables, site.schema.sequences, journal)
        let result = ImportResult(
            site, tables, outcome, verified, objects, try await site.differences(journal), rejects)
        if result.isWhole { try await journal.set(state: "done") }
        try write(result)
    }

    private func takeBack(_ site: ImportSite, _ connection: Connection) async throws {
        guard let earlier = site.earlier else {
            return console.error("no earlier import of \(command.file) is known; this one begins\n")
        }
        try await ImportJournal.prepare(connection)
        try await ImportRestart.run(ImportJournal(earlier.id, on: connection), on: connection)
        console.error("import \(earlier.id) of \(command.file) was taken back\n")
    }

    /// Before anything is changed.
    private func refuse(_ site: ImportSite) throws {
        let complaints = site.complaints
        guard complaints.isEmpty else { throw ImportFailure(.incompatible, complaints) }
        guard let limit = command.maxRejects.rows else { return }
        let certain = site.review.tables.flatMap { table in
            table.columns.map { column in
                column.rejects.filter { $0.policy == "reject" && !$0.isAtMost }.reduce(0) { $0 + $1.count }
            }.max().map { [$0] } ?? []
        }.reduce(0, +)
        guard certain > limit else { return }
        let most = max(certain, site.review.rejected)
        throw ImportFailure(
            .rejects,
            Diagnostic(
                .error, "too-many-rejects",
                "\(certain < most ? "\(grouped(certain)) to " : "")\(counted(most, "row")) would be rejected, and \(grouped(limit)) may be; nothing was changed",
                nextStep:
                    "--review shows which; choose other types or policies in the mapping, or accept them with --max-rejects \(most)"
            ))
    }

    /// What was committed stays; the same command goes on.
    private func resumable(_ error: any Error) -> any Error {
        switch error {
        case is ImportFailure: error
        case let error as PostgresError where !error.isConnectionLost:
            ImportFailure(
                .resumable,
                Diagnostic(
                    .error, "postgres", error.message + (error.sqlState.map { " [\($0.rawValue)]" } ?? ""),
                    nextStep: error.hint ?? "mend what is said there; the same command goes on"))
        default: error
        }
    }

    // MARK: Verifying

    func verify() async throws {
        let settings = try await workplace.settings(layout)
        let connection = try await workplace.connect(layout, command: "import")
        do {
            try await ImportSite.with(request(), target: connection, listener: progress.handle) { site in
                try await verify(site, settings, connection)
            }
            await connection.close()
        } catch {
            await connection.close()
            throw error
        }
    }

    private func verify(_ site: ImportSite, _ settings: ConnectionSettings, _ connection: Connection) async throws {
        guard let earlier = site.earlier else {
            throw ImportFailure(
                .failed,
                Diagnostic(
                    .error, "not-imported", "the target's journal knows no import of \(site.snapshot.file.path)",
                    nextStep:
                        "strata import sqlite \(command.file) loads it; name the file by the path that was imported"
                ))
        }
        progress.end()
        if earlier.state != "done" {
            console.error("its import has not come to its end: the same command without --verify goes on\n")
        }
        if earlier.fingerprint != site.snapshot.file.fingerprint {
            console.error("the file has changed since it was imported: what differs may be that\n")
        }
        let journal = ImportJournal(earlier.id, on: connection)
        let tables = site.plan.tables
        let verified = try await verification(site, settings, journal, tables)
        progress.end()
        let objects = try await ImportTarget.differences(tables, site.schema.sequences, journal)
        try write(ImportResult(site, tables, nil, verified, objects, try await site.differences(journal), nil))
    }

    private func verification(
        _ site: ImportSite, _ settings: ConnectionSettings, _ journal: ImportJournal, _ tables: [PlannedTable]
    ) async throws -> [ImportVerification.Table] {
        progress.begin(verifying: tables.reduce(0) { $0 + $1.evidence.rows })
        return try await ImportVerification(
            site.snapshot, target: settings, tables: tables, jobs: command.jobs, listener: progress.handle
        ).run(refused: journal.refused())
    }

    // MARK: Results

    private func write(_ result: ImportResult) throws {
        switch workplace.options.format {
        case .json: console.output(try JSONOutput.text(result))
        case .text: console.output(ImportResultText(console.outputStyle).render(result))
        }
        if !result.isWhole { throw ExitCode.verificationDiffers }
    }

    /// All of the journal's, so that the file is whole after every call; none where there are none.
    @discardableResult
    private func writeRejects(_ journal: ImportJournal) async throws -> String? {
        let name = URL(fileURLWithPath: command.file).lastPathComponent
        let path = command.rejects ?? "\(name).rejects.jsonl"
        var part = try await journal.rejects(after: 0)
        guard !part.isEmpty else { return nil }
        let temporary = path + ".part"
        guard FileManager.default.createFile(atPath: temporary, contents: nil),
            let handle = FileHandle(forWritingAtPath: temporary)
        else { throw FileFailure("write", path, CocoaError(.fileWriteNoPermission)) }
        do {
            while let last = part.last {
                try handle.write(contentsOf: Data(part.map { $0.line + "\n" }.joined().utf8))
                part = try await journal.rejects(after: last.number)
            }
            try handle.synchronize()
            try handle.close()
            guard rename(temporary, path) == 0 else { throw CocoaError(.fileWriteUnknown) }
        } catch {
            throw FileFailure("write", path, error)
        }
        return path
    }
}
