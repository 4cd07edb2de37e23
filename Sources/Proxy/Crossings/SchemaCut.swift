/// On which database of the layout each schema is to be, once every split is done. Pure.
struct SchemaCut: Sendable, Equatable {
    /// As an index of the layout's databases; schemas that are not in it stay in the main one.
    let owners: [String: Int]

    /// The database of a schema as one bit; 0 for what every database has. Databases from the 64th on share one.
    func bit(ofSchema schema: String) -> UInt64 {
        Placement.isEverywhere(schema) ? 0 : 1 << UInt64(min(owners[schema] ?? 0, 63))
    }
}
