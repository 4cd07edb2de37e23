/// The desired state, as the layout file says it; see docs/layout-file.md for every key.
///
/// Values are as written, with `${NAME}` already replaced; each named thing keeps its place in the file so that later
/// stages can point at it.
package struct Layout: Sendable {
    /// A value with the place where it stands.
    package struct Placed<Value: Sendable>: Sendable {
        package var value: Value
        package var place: SourcePlace

        package init(_ value: Value, _ place: SourcePlace) {
            self.value = value
            self.place = place
        }
    }

    package enum Compatibility: String, Sendable, CaseIterable, Codable { case views, searchPath = "search_path", none }

    /// Name of the file, for messages.
    package var file: String
    /// SHA-256 or other stable hash is not taken of the text: comments and white space do not matter to what it means.
    package var databases: [Database] = []
    package var schemas: [SchemaLayout] = []
    package var compatibility: Compatibility = .views
    package var roles: [RoleLayout] = []
    package var indexes: [IndexLayout] = []
    package var looseKeys: [LooseKeyLayout] = []
    package var copies: [CopyLayout] = []
    package var foreignTables: [ForeignTablesLayout] = []
    package var routing: Routing?
    package var retention: [Retention] = []
    package var thresholds: [Placed<Thresholds>] = []
    package var backup: [Placed<Backup>] = []
    package var exemptions: [Exemption] = []
    package var events: EventsLayout?
    package var projections: [ProjectionLayout] = []

    package init(file: String) { self.file = file }

    /// The database that commands work on unless told otherwise: the first one listed, `main` if none is.
    package var mainDatabase: String { databases.first?.name ?? "main" }
}

/// One entry of `schemas:`.
package struct SchemaLayout: Sendable {
    package var name: String
    package var place: SourcePlace
    /// `database`: where the schema lives (default: the main database).
    package var database: String?
    package var tables: [ObjectEntry] = []
    package var views: [ObjectEntry] = []
    /// Functions and procedures, by name; all overloads move unless the entry has an argument list `name(int, text)`.
    package var functions: [ObjectEntry] = []
    package var types: [ObjectEntry] = []
    /// Sequences that no column owns; owned ones always follow their table.
    package var sequences: [ObjectEntry] = []
    /// Tables (by name) that may only be inserted into.
    package var appendOnly: [Layout.Placed<String>] = []
    /// Objects that stay as they are and are not reported as unplaced.
    package var ignore: [Layout.Placed<String>] = []
    /// The contents can be made again from elsewhere.
    package var rebuildable = false
    package var partitions: [PartitionLayout] = []
    /// What becomes of DDL on the schema while it is being split off.
    package var definitions = Definitions.refuse

    /// `definitions`.
    package enum Definitions: String, Sendable, CaseIterable {
        case refuse
        /// What can be done on the other database in the same order as the rows is done there, too.
        case carry
    }

    package init(name: String, place: SourcePlace) {
        self.name = name
        self.place = place
    }
}

/// One listed object: a name as PostgreSQL stores it (case kept), and where it is taken from.
package struct ObjectEntry: Sendable, Hashable {
    package var name: String
    /// Argument types for one overload of a function, as written; nil means every overload.
    package var arguments: String?
    /// `from`: the schema it is taken from, needed when several schemas have one of that name.
    package var from: String?
    package var place: SourcePlace

    package init(name: String, arguments: String? = nil, from: String? = nil, place: SourcePlace) {
        self.name = name
        self.arguments = arguments
        self.from = from
        self.place = place
    }
}

/// `partitions: { visits: { by: created_at, every: month, ahead: 3 } }`
package struct PartitionLayout: Sendable {
    package enum Every: String, Sendable, CaseIterable { case day, week, month, year }
    package var table: String
    package var column: String
    package var every: Every
    /// How many partitions exist beyond the current one; 1 to 1,000.
    package var ahead: Int
    package var place: SourcePlace

    package init(table: String, column: String, every: Every, ahead: Int, place: SourcePlace) {
        self.table = table
        self.column = column
        self.every = every
        self.ahead = ahead
        self.place = place
    }
}

/// `roles: { kct_app: { write: [tenant_shared], read: [analytics] } }`
package struct RoleLayout: Sendable {
    package var name: String
    package var read: [Layout.Placed<String>] = []
    package var write: [Layout.Placed<String>] = []
    package var place: SourcePlace

    package init(name: String, place: SourcePlace) {
        self.name = name
        self.place = place
    }
}

/// One entry of `indexes:`.
package struct IndexLayout: Sendable {
    package struct Column: Sendable, Hashable {
        package var name: String
        package var descending: Bool

        package init(name: String, descending: Bool = false) {
            self.name = name
            self.descending = descending
        }
    }

    /// `table`: `schema.table` or a table name that only one schema lists.
    package var schema: String?
    package var table: String
    package var columns: [Column]
    package var unique = false
    /// Access method (default `btree`).
    package var method = "btree"
    /// `where`: predicate of a partial index, SQL.
    package var predicate: String?
    /// Columns carried but not searched.
    package var include: [String] = []
    /// Name of the index (default: made from table and columns as PostgreSQL does).
    package var name: String?
    package var place: SourcePlace

    package init(schema: String?, table: String, columns: [Column], place: SourcePlace) {
        self.schema = schema
        self.table = table
        self.columns = columns
        self.place = place
    }
}
