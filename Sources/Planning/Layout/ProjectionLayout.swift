/// One entry of `projections:`: a read model made of a stream of events, by SQL for each type of event.
package struct ProjectionLayout: Sendable {
    package enum OnError: String, Sendable, CaseIterable { case stop, deadLetter = "dead_letter" }

    /// A column of one of its tables.
    package struct Column: Sendable, Hashable {
        package var table: String
        package var name: String

        package init(_ table: String, _ name: String) { (self.table, self.name) = (table, name) }
    }

    package struct StatementFile: Sendable {
        /// Of the events.
        package var type: String
        /// Relative to the folder of the layout, unless it begins with a slash.
        package var path: String
        package var place: SourcePlace
    }

    package static let mostProjections = 64
    package static let mostTables = 64
    package static let mostStatements = 1_000
    /// Bytes; what is put before it, and PostgreSQL's 63, leave room for so many.
    package static let longestName = 40

    package var name: String
    /// By name or id.
    package var stream: String
    /// `organization`, by name or id; nil: the only one.
    package var organization: String?
    /// `store`: the schema of the event store.
    package var store = "events"
    /// Where the tables are.
    package var schema: String
    package var tables: [Layout.Placed<String>]
    package var onError = OnError.stop
    /// `not_compared`: columns that no event decides.
    package var notCompared: [Layout.Placed<Column>] = []
    package var statements: [StatementFile] = []
    package var place: SourcePlace

    package init(
        name: String, stream: String, schema: String, tables: [Layout.Placed<String>], place: SourcePlace
    ) {
        (self.name, self.stream, self.schema, self.tables, self.place) = (name, stream, schema, tables, place)
    }
}
