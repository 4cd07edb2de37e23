import Planning
import PostgresDriver

/// What the target is asked before an import.
extension ImportSite {
    /// Names that tables, indexes and sequences of the target have, by schema: new ones must not meet them.
    static func names(
        in mapping: ImportMapping, _ target: Connection?
    ) async throws -> [String: Set<String>] {
        guard let target else { return [:] }
        var names: [String: Set<String>] = [:]
        let rows = try await target.query(
            """
            SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'i', 'I', 'S')
            """, [.textArray(Array(Set(mapping.tables.map(\.schema))))])
        for row in rows { names[try row.string("nspname"), default: []].insert(try row.string("relname")) }
        return names
    }

    /// Before the rows are loaded: that a sequence is not there would else be known only after them.
    static func lackingSequences(_ mapping: ImportMapping, _ target: Connection?) async throws -> [Diagnostic] {
        guard let target else { return [] }
        var found: [Diagnostic] = []
        for table in mapping.tables where table.skipped == nil {
            for column in table.columns where !column.isSkipped {
                guard let name = column.sequence else { continue }
                let object = "column \(table.source).\(column.source)"
                func complain(_ why: String) {
                    found.append(
                        Diagnostic(
                            .error, "no-such-sequence", "\(object): sequence \(name) of the mapping \(why)",
                            object: object,
                            nextStep: "write it as in SQL, with its schema where that is not public, or make it first"))
                }
                guard [.smallint, .integer, .bigint].contains(column.type) else {
                    complain("gives whole numbers, and the column is \(column.type.sql)")
                    continue
                }
                do {
                    let kind = try await target.query(
                        "SELECT relkind::text AS kind FROM pg_class WHERE oid = to_regclass($1)", [.text(name)]
                    ).first?.string("kind")
                    if kind != "S" { complain(kind == nil ? "is not there" : "is no sequence") }
                } catch let error as PostgresError where error.sqlState != nil && !error.isConnectionLost {
                    complain("cannot be looked for: \(error.message)")
                }
            }
        }
        return found
    }

    static func schemas(_ target: Connection?) async throws -> Set<String> {
        guard let target else { return [] }
        return Set(
            try await target.query("SELECT quote_ident(nspname) AS name FROM pg_namespace").map {
                try $0.string("name")
            })
    }

    /// The mapping may send a table elsewhere than the layout does, where another table may be: then once more.
    ///
    /// - Parameter own: tables of the import itself, which count as not there.
    static func draft(
        _ request: ImportRequest, _ look: SourceLook, _ target: Connection?, _ own: Set<String>, _ names: ImportNames
    ) async throws -> (MappingDraft, [ExistingTable]) {
        let schema = look.schema
        var names = names
        try await names.prefer(Self.made(byOthers: names, target, own))
        for _ in 0..<2 {
            let existing = try await self.existing(names.tables.map { ($0.schema, $0.name) }, target, own)
            var draft = MappingDraft(schema, look.evidence, names, orm: request.orm, existing: existing)
            guard let (text, file) = request.mapping else { return (draft, existing) }
            let mapping = try MappingReader.read(text, file: file, over: draft.mapping)
            if zip(mapping.tables, names.tables).allSatisfy({ ($0.schema, $0.name) == ($1.schema, $1.name) }) {
                draft.answer(mapping, schema, existing)
                return (draft, existing)
            }
            names.tables = mapping.tables.map {
                TableMapping($0.source, schema: $0.schema, name: $0.name, skipped: $0.skipped)
            }
        }
        throw ImportFailure(.failed, Diagnostic(.error, "mapping", "the mapping names a table twice"))
    }

    /// Tables in public, where ORMs make theirs: the layout's plan moves them later.
    static func made(
        byOthers names: ImportNames, _ target: Connection?, _ own: Set<String>
    ) async throws -> [ExistingTable] {
        let elsewhere = names.tables.filter { $0.schema != "public" }
        return try await existing(elsewhere.flatMap { [($0.schema, $0.name), ("public", $0.name)] }, target, own)
    }

    static func existing(
        _ names: [(schema: String, name: String)], _ target: Connection?, _ own: Set<String>
    ) async throws -> [ExistingTable] {
        guard let target else { return [] }
        return try await ExistingTable.read(names, on: target).filter { !own.contains($0.sql) }
    }

    /// Tables of an earlier import: those that it has made, or those that were there before.
    static func tables(
        of earlier: ImportJournal.Earlier?, _ target: Connection?, made: Bool
    ) async throws -> Set<String> {
        guard let earlier, let target else { return [] }
        return try await ImportJournal(earlier.id, on: target).tables(made: made)
    }
}

extension Optional where Wrapped: Sendable {
    func asyncFlatMap<T>(_ transform: (Wrapped) async throws -> T?) async rethrows -> T? {
        guard let self else { return nil }
        return try await transform(self)
    }
}
