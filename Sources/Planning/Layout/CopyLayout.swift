/// One entry of `copies:`: a small table of the main database that other databases get to read.
package struct CopyLayout: Sendable {
    package var schema: String
    package var table: String
    /// That get a copy; at least one, and never the table's own.
    package var databases: [String]
    package var place: SourcePlace

    package init(schema: String, table: String, databases: [String], place: SourcePlace) {
        self.schema = schema
        self.table = table
        self.databases = databases
        self.place = place
    }
}
