/// What leaves the main database when a schema is split off: its tables, what crosses the cut, what the other database
/// needs, and what stands in the way. Of the catalog as the plan leaves it. Data only.
package struct SplitReport: Sendable, Equatable, Codable {
    package var schema: String
    /// The database of the layout that it goes to.
    package var database: String
    package var tables: [Table] = []
    package var crossings: [Crossing] = []
    package var needs: [Need] = []
    /// What the servers lack; nil where they were not looked at.
    package var requirements: [Requirement]?

    package init(schema: String, database: String) {
        self.schema = schema
        self.database = database
    }

    /// How much has to be changed before the split can begin.
    package var obstacles: Int {
        crossings.count(where: \.isBlocking) + (requirements ?? []).count(where: \.isBlocking)
    }
    package var bytes: Int64 { tables.reduce(0) { $0 + $1.bytes } }

    package struct Table: Sendable, Equatable, Codable {
        /// `schema.name`, as it will be called.
        package var name: String
        /// The planner's estimate; nil where the table was never analysed.
        package var rows: Int64?
        /// With its TOAST and indexes, as far as the catalog knows.
        package var bytes: Int64
        /// What tells its rows apart on the other side: `primary key`, `index NAME`, `whole rows`; nil: nothing does.
        package var identity: String?

        package init(name: String, rows: Int64?, bytes: Int64, identity: String?) {
            (self.name, self.rows, self.bytes, self.identity) = (name, rows, bytes, identity)
        }
    }

    /// Something with one end on each side.
    package struct Crossing: Sendable, Hashable, Codable {
        package enum Kind: String, Sendable, Codable, CaseIterable {
            case foreignKey = "foreign_key"
            case inheritance
            case view
            case shim
            case function
            case trigger
            case sequence
            case policy
            case rule
            case type
            case publication
            case subscription
            /// Not an end on each side, but something that replication leaves behind: rows without a key, unlogged
            /// tables, large objects, foreign tables.
            case replication
        }

        package var kind: Kind
        /// `constraint orders_customer_id_fkey of sales.orders`.
        package var object: String
        /// What crosses, as a sentence.
        package var message: String
        /// What takes its place.
        package var replacement: String?
        /// The split is refused as long as it is so.
        package var isBlocking: Bool
        package var nextStep: String?
        /// Of a foreign key of a table that leaves; nil for everything else.
        package var key: Key?

        /// Names as PostgreSQL stores them, of a table of the schema and its key.
        package struct Key: Sendable, Hashable, Codable {
            package var table: String
            package var name: String
        }

        package init(
            _ kind: Kind, _ object: String, _ message: String, replacement: String? = nil, isBlocking: Bool = false,
            nextStep: String? = nil
        ) {
            self.kind = kind
            self.object = object
            self.message = message
            self.replacement = replacement
            self.isBlocking = isBlocking
            self.nextStep = nextStep
        }
    }

    /// Something that a server lacks, or that has to be known of it.
    package struct Requirement: Sendable, Hashable, Codable {
        /// As the layout names it.
        package var database: String
        package var message: String
        package var isBlocking: Bool
        package var nextStep: String?

        package init(_ database: String, _ message: String, isBlocking: Bool, nextStep: String? = nil) {
            self.database = database
            self.message = message
            self.isBlocking = isBlocking
            self.nextStep = nextStep
        }
    }

    /// Something that has to be on the other database as well.
    package struct Need: Sendable, Hashable, Codable {
        package enum Kind: String, Sendable, Codable, CaseIterable {
            case role, `extension`, type, function
        }

        package var kind: Kind
        package var name: String

        package init(_ kind: Kind, _ name: String) {
            self.kind = kind
            self.name = name
        }
    }
}

extension CaseIterable where Self: Equatable {
    /// Its place among the cases, for lists in their order.
    var rank: Int { Self.allCases.enumerated().first { $0.element == self }?.offset ?? 0 }
}
