import SQLSyntax

/// On which database of the layout each schema is to be, once every split is done. Pure.
struct SchemaCut: Sendable, Equatable {
    /// As an index of the layout's databases; schemas that are not in it stay in the main one.
    let owners: [String: Int]
    /// Tables that other databases have a copy of; see `CopyPlaces`.
    var copies: CopyPlaces.Places = [:]

    /// The database of a schema as one bit; 0 for what every database has. Databases from the 64th on share one.
    func bit(ofSchema schema: String) -> UInt64 {
        Placement.isEverywhere(schema) ? 0 : Self.bit(of: owners[schema] ?? 0)
    }

    /// The databases that have the table or a copy of it; 0 for those without copies.
    func bits(ofCopied table: QualifiedName) -> UInt64 {
        (copies[table] ?? []).reduce(0) { $0 | Self.bit(of: $1) }
    }

    private static func bit(of database: Int) -> UInt64 { 1 << UInt64(min(database, 63)) }
}
