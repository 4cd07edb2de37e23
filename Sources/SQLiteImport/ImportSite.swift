package import Planning
package import PostgresDriver
import SQLSyntax

/// What is asked of an import.
package struct ImportRequest: Sendable {
    package var path: String
    package var orm: ORMProfile?
    /// The text of a mapping, and the name of its file.
    package var mapping: (text: String, file: String)?
    package var layout: Layout?
    package var options = ImportOptions()
    /// Whether the import begins anew, although an earlier one of the file is there.
    package var restart = Restart.no
    package enum Restart: Sendable {
        case no
        /// The earlier import is going to be taken back first: the target counts as if it had been.
        case ahead
        case done
    }

    package init(_ path: String) { self.path = path }
}

/// The file and the target, side by side: the stages of an import up to where something is changed.
///
/// file → schema → evidence → mapping → review, plan. Each is a value; only `begin` writes.
package struct ImportSite: Sendable {
    private let request: ImportRequest
    private let look: SourceLook
    /// Tables of the target that were there before this import.
    package let existing: [ExistingTable]
    /// The import of this file that the target's journal knows.
    package let earlier: ImportJournal.Earlier?
    package let draft: MappingDraft
    package let definition: TargetDefinition
    /// Of `existing`, those that the earlier import has made.
    private let madeEarlier: Set<String>
    /// Tables whose rows are the earlier import's, which is going to be taken back.
    private let emptied: Set<String>
    /// Of sequences that the mapping names and the target does not have.
    private let lackingSequences: [Diagnostic]
    /// Schemas that the target has, quoted where needed.
    private let schemasBefore: Set<String>

    package var snapshot: SourceSnapshot { look.snapshot }
    package var schema: SourceSchema { look.schema }
    package var evidence: [String: TableEvidence] { look.evidence }
    package var mapping: ImportMapping { draft.mapping }

    /// Opens the site for as long as the body runs.
    package static func with<T>(
        _ request: ImportRequest, target: Connection?, listener: @escaping @Sendable (ImportEvent) -> Void,
        _ body: (ImportSite) async throws -> T
    ) async throws -> T {
        let site = try await open(request, target: target, listener: listener)
        let result: Result<T, any Error>
        do { result = .success(try await body(site)) } catch { result = .failure(error) }
        site.snapshot.close()
        return try result.get()
    }

    /// Reads everything and changes nothing.
    ///
    /// - Parameter target: nil for a review without one.
    package static func open(
        _ request: ImportRequest, target: Connection?, listener: @escaping @Sendable (ImportEvent) -> Void
    ) async throws -> ImportSite {
        let snapshot = try await SourceSnapshot(request.path, readers: request.options.jobs)
        do { return try await read(SourceLook(snapshot, listener), request, target) } catch {
            snapshot.close()
            throw error
        }
    }

    /// The same file, and the target as it is once the earlier import has been taken back.
    package func again(on target: Connection) async throws -> ImportSite {
        var request = request
        request.restart = .done
        return try await Self.read(look, request, target)
    }

    private static func read(
        _ look: SourceLook, _ request: ImportRequest, _ target: Connection?
    ) async throws -> ImportSite {
        let schema = look.schema
        let earlier = try await target.asyncFlatMap {
            try await ImportJournal.last(look.snapshot.file.path, on: $0)
        }
        let made = try await Self.tables(of: earlier, target, made: true)
        let isAhead = request.restart == .ahead
        let names = ImportNames(schema, layout: request.layout)
        var wanted = request
        if request.mapping == nil, request.restart == .no, let earlier {
            wanted.mapping = (earlier.mapping, "the import's own mapping")
        }
        let own = isAhead || earlier?.state != "done" ? made : []
        let (draft, existing) = try await Self.draft(wanted, look, target, own, names)
        // A resumed import has its steps, and their names, in the journal already.
        let isNew = earlier == nil || earlier?.state == "done" && !isAhead
        let definition = TargetDefinition(
            schema, draft.mapping, keysWithNull: look.keysWithNull,
            existing: isNew ? try await Self.names(in: draft.mapping, target) : [:], tables: existing)
        return ImportSite(
            request: request, look: look, existing: existing, earlier: earlier, draft: draft, definition: definition,
            madeEarlier: made, emptied: isAhead ? try await Self.tables(of: earlier, target, made: false) : [],
            lackingSequences: try await Self.lackingSequences(draft.mapping, target),
            schemasBefore: try await Self.schemas(target))
    }

    // MARK: Results

    package var review: ImportReview {
        var left = definition.leftOut.map { entry in
            ImportReview.Left(
                object: "\(entry.object.kind.rawValue) \(entry.object.name)", reason: entry.reason,
                nextStep: entry.nextStep.isEmpty ? nil : entry.nextStep)
        }
        left += definition.notes.map {
            ImportReview.Left(object: "\($0.object.kind.rawValue) \($0.object.name)", reason: $0.message, nextStep: nil)
        }
        left += look.problems.map { ImportReview.Left(object: "foreign keys", reason: $0, nextStep: nil) }
        // An import that has not ended has put keys aside.
        let isUnfinished = earlier.map { $0.state != "done" } ?? false
        return ImportReview(
            snapshot.file, schema, evidence, draft, existing: existing, leftOut: left, orphans: look.orphans,
            differences: isUnfinished ? [:] : differences(from: existing.filter { !madeEarlier.contains($0.sql) }))
    }

    /// By table of the file, what it demands and the table that its rows go to does not.
    func differences(from existing: [ExistingTable]) -> [String: [String]] {
        var found: [String: [String]] = [:]
        for table in schema.tables {
            guard let entry = mapping.table(table.name), entry.skipped == nil,
                let target = existing.first(where: { $0.schema == entry.schema && $0.name == entry.name })
            else { continue }
            let texts = TableDifferences(source: table, mapping: entry, target: target, tables: mapping).found
            if !texts.isEmpty { found[table.name] = texts }
        }
        return found
    }

    /// The same, of the target as it is now, of tables that the import has not made. For who reads a result.
    package func differences(_ journal: ImportJournal) async throws -> [String] {
        let made = try await journal.tables(made: true)
        let names = mapping.tables.filter { $0.skipped == nil }.map { ($0.schema, $0.name) }
        let existing = try await ExistingTable.read(names, on: journal.connection).filter { !made.contains($0.sql) }
        let found = differences(from: existing)
        return schema.tables.flatMap { table in
            (found[table.name] ?? []).map { text in
                let entry = mapping.table(table.name)
                return "\(SQL.qualified(entry?.schema ?? "", entry?.name ?? "")): \(text)"
            }
        }
    }

    package var plan: ImportPlan {
        ImportPlan(
            schema, evidence, mapping, existing: existing,
            definition: definition.statements.map { statement in
                var step = ImportStep(statement)
                // What was there before is not taken back.
                if statement.object.kind == .schema, schemasBefore.contains(statement.object.name) { step.undo = nil }
                return step
            }, generated: definition.generated)
    }

    /// What has to be decided or mended before anything is changed.
    package var complaints: [Diagnostic] {
        let isResumed = earlier.map { $0.state != "done" } ?? false
        let existing = existing.filter { !emptied.contains($0.sql) }
        return draft.diagnostics.filter { $0.severity == .error } + lackingSequences
            + schema.tables.filter { !$0.isReadableAtOnce && mapping.table($0.name)?.skipped == nil }.map {
                Diagnostic(
                    .error, "too-many-columns",
                    "table \($0.name) has \($0.columns.count) columns; PostgreSQL's tables have at most 1600",
                    object: $0.name, nextStep: "split the table in SQLite, or skip it in the mapping")
            }
            + definition.problems.filter { problem in
                schema.tables.first { $0.name == problem.table }?.isReadableAtOnce != false
            }.map {
                Diagnostic(
                    .error, "cannot-make",
                    $0.message.contains("table \($0.table)") ? $0.message : "table \($0.table): \($0.message)",
                    object: $0.table, nextStep: $0.nextStep)
            }
            + (isResumed && request.restart != .ahead ? [] : ImportPlan.complaints(mapping, existing: existing))
    }

    /// The journal of this import: the earlier one's where that goes on, else a new one.
    package func begin(on connection: Connection) async throws -> ImportJournal {
        let plan = plan
        let text = MappingText.render(mapping, source: snapshot.file.path, comments: false)
        guard let earlier, earlier.state != "done" else {
            return try await ImportJournal.begin(
                snapshot.file, mapping: text, tables: plan.tables, steps: plan.steps, on: connection)
        }
        guard earlier.fingerprint == snapshot.file.fingerprint else {
            throw ImportFailure(
                .failed,
                Diagnostic(
                    .error, "file-changed", "\(snapshot.file.path) has changed since its import began",
                    nextStep: "--restart takes back what was imported, and begins anew"))
        }
        guard earlier.mapping == text else {
            throw ImportFailure(
                .failed,
                Diagnostic(
                    .error, "mapping-changed", "the import of \(snapshot.file.path) began with another mapping",
                    nextStep: "leave out --mapping and --layout to go on as it began, or begin anew with --restart"))
        }
        let journal = ImportJournal(earlier.id, on: connection)
        try await journal.waitForCommits()
        return journal
    }
}

extension SourceTable {
    /// A statement of SQLite gives 2,000 columns, of which the rowid is one.
    var isReadableAtOnce: Bool { columns.count < 2000 }
}

extension ImportStep {
    init(_ statement: TargetStatement) {
        let stage: Stage =
            switch statement.stage {
            case .tables: .tables
            case .keys: .keys
            case .indexes: .indexes
            case .foreignKeys: .foreignKeys
            case .validation: .validation
            }
        self.init(
            stage, "\(statement.object.kind.rawValue) \(statement.object.name)", statement.sql, undo: statement.undo)
    }
}
