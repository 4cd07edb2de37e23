/// Bounded contexts proposed for the tables that lie in one pile; made by `ContextSuggester`, the same for the same
/// catalog. Nothing in it is applied by itself: it becomes a layout, which people read and change first.
package struct ContextSuggestion: Sendable, Equatable, Encodable {
    /// An object where it is now.
    package struct Object: Sendable, Hashable, Encodable {
        package var oid: OID
        package var schema: String
        package var name: String

        package init(oid: OID, schema: String, name: String) {
            self.oid = oid
            self.schema = schema
            self.name = name
        }
    }

    /// Foreign keys between a group and one other place.
    package struct Crossing: Sendable, Equatable, Encodable {
        /// Name of a proposed group or of a schema.
        package var other: String
        package var keys: Int
    }

    /// One proposed schema. Lists are sorted by name.
    package struct Group: Sendable, Equatable, Encodable {
        /// Lower-case letters, digits and `_`; unique, no key word, no role's name, not the name of a schema that exists.
        package var name: String
        /// Inheritance children are listed with their parents; partitions follow by themselves and are not listed.
        package var tables: [Object]
        package var views: [Object] = []
        package var functions: [Object] = []
        package var types: [Object] = []
        /// Sequences that no column owns.
        package var sequences: [Object] = []
        /// Sentences without full stops, with figures; at least one.
        package var reasons: [String]
        /// Foreign keys between two tables of the group; a table's keys to itself are counted nowhere.
        package var keysInside: Int
        /// Where the other foreign keys of the group's tables lead to or come from, most first.
        package var crossings: [Crossing]
        /// Tables that look as if rows were only added to them.
        package var appendOnlyCandidates: [Object] = []

        package var keysCrossing: Int { crossings.reduce(0) { $0 + $1.keys } }
    }

    /// A table that is left where it is.
    package struct Staying: Sendable, Equatable, Encodable {
        package var table: Object
        package var reason: String
    }

    /// Largest first, then by name.
    package var groups: [Group] = []
    /// Tables of the pile for which no group was found, sorted by schema and name.
    package var staying: [Staying] = []
    /// Schemas whose tables were looked at, sorted.
    package var pile: [String] = []
    /// Foreign keys between different tables of the pile, and how many of them would lead from one schema to another.
    package var foreignKeys = 0
    package var crossingKeys = 0
    /// Whether statements from pg_stat_statements were looked at.
    package var usesStatements = false
    /// What a reader should know beside the groups.
    package var notes: [String] = []

    package init() {}
}
