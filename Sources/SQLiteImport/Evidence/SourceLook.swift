/// All that an import knows of the file before it looks at the target: read once, in one pass over every value.
struct SourceLook: Sendable {
    let snapshot: SourceSnapshot
    let schema: SourceSchema
    let evidence: [String: TableEvidence]
    /// Rows whose parent is missing.
    let orphans: [ImportReview.Orphans]
    /// Foreign keys that SQLite itself cannot check.
    let problems: [String]

    init(_ snapshot: SourceSnapshot, _ listener: @escaping @Sendable (ImportEvent) -> Void) async throws {
        self.snapshot = snapshot
        schema = try await snapshot.readers[0].run { try SchemaReader.read($0) }
        evidence = try await EvidencePass(snapshot) { listener(.looked(table: $0, rows: $1)) }.run(
            schema.tables.filter(\.isReadableAtOnce))
        (orphans, problems) = try await OrphanCheck.run(schema.tables, snapshot.readers[0])
    }

    /// Tables whose primary key holds NULL somewhere: SQLite allows it but in a rowid alias and WITHOUT ROWID.
    var keysWithNull: Set<String> {
        Set(
            schema.tables.filter { table in
                table.primaryKey.contains { (evidence[table.name]?.columns[$0]?[.null] ?? 0) > 0 }
            }.map(\.name))
    }
}
