/// One entry of `foreign_tables:`: a schema of the main database that reads the tables of one that lives elsewhere.
package struct ForeignTablesLayout: Sendable {
    /// Made for them, and for nothing else.
    package var schema: String
    /// Whose tables they are.
    package var source: String
    /// Where that lives.
    package var database: String
    /// Those that are read; empty for all.
    package var tables: [String] = []
    package var place: SourcePlace

    package init(schema: String, of source: String, in database: String, place: SourcePlace) {
        self.schema = schema
        self.source = source
        self.database = database
        self.place = place
    }
}
