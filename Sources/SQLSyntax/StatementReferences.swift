/// Where in a text a name stands.
package struct TextPlace: Sendable, Hashable {
    /// Byte offset from the start of the text. For dynamic SQL the place inside the constant that it comes from.
    package var offset: Int
    /// Line of the text, from 1.
    package var line: Int
    /// The line PostgreSQL's error context names: where the statement around the name starts.
    package var statementLine: Int
    /// Whether the name stands inside a text that is executed as SQL.
    package var isDynamic = false
}

/// What a statement does with a relation it names.
package enum RelationAccess: String, Sendable, CaseIterable {
    case read, insert, update, delete, merge, lock, truncate, copy, ddl
}

/// A table, view or sequence that a statement names.
package struct RelationReference: Sendable, Hashable {
    /// The database name in `database.schema.name`.
    package var catalog: String?
    package var schema: String?
    package var name: String
    package var access: RelationAccess
    package var place: TextPlace

    package var line: Int { place.line }
    package var offset: Int { place.offset }
    package var qualifiedName: QualifiedName { QualifiedName(schema: schema, name: name) }
}

/// A function or procedure that a statement calls or names. The syntax that PostgreSQL turns into calls
/// (`EXTRACT`, `AT TIME ZONE` …) appears with the schema `pg_catalog`.
package struct FunctionReference: Sendable, Hashable {
    package var schema: String?
    package var name: String
    package var argumentCount: Int
    package var place: TextPlace

    package var line: Int { place.line }
}

/// A type that a statement names and that is not one of PostgreSQL's own.
package struct TypeReference: Sendable, Hashable {
    package enum Form: Sendable, Hashable {
        /// A type, which may be a table's row type.
        case named
        /// `name%ROWTYPE`
        case rowType
        /// `name.column%TYPE`
        case columnType(column: String)
    }

    package var schema: String?
    package var name: String
    package var form: Form
    package var place: TextPlace

    package var line: Int { place.line }
}

/// A string constant that PostgreSQL will look up as a relation's name, as in `nextval('s')` or `'t'::regclass`.
package struct NameLiteral: Sendable, Hashable {
    package var schema: String?
    package var name: String
    /// The function it is given to, in lower case, or `regclass` for a cast.
    package var usage: String
    package var place: TextPlace

    package var line: Int { place.line }
    package var isSequence: Bool { ["nextval", "currval", "setval"].contains(usage) }
}

/// A collation that a statement names.
package struct CollationReference: Sendable, Hashable {
    package var schema: String?
    package var name: String
    package var place: TextPlace
}

/// A constraint that SET CONSTRAINTS names: found in the schemas of the search_path, like a table.
package struct ConstraintReference: Sendable, Hashable {
    package var schema: String?
    package var name: String
    package var place: TextPlace

    package var line: Int { place.line }
}

/// A string constant that PostgreSQL will look up as a text search configuration or dictionary.
package struct TextSearchLiteral: Sendable, Hashable {
    package var schema: String?
    package var name: String
    package var place: TextPlace

    package var line: Int { place.line }
}

/// A use of something that a compatibility view cannot carry.
package struct ShimFeatureUse: Sendable, Hashable {
    package var feature: ShimFeature
    /// The relation as the statement names it; nil where the syntax alone does not tell.
    package var relation: QualifiedName?
    package var place: TextPlace

    package var line: Int { place.line }
}

/// All that a statement, or a function's body, binds by name.
///
/// Common table expressions, aliases and columns are not in it. Names are as PostgreSQL stores them.
package struct StatementReferences: Sendable, Equatable {
    package var relations: [RelationReference] = []
    package var functions: [FunctionReference] = []
    package var types: [TypeReference] = []
    package var regclassLiterals: [NameLiteral] = []
    package var collations: [CollationReference] = []
    package var constraints: [ConstraintReference] = []
    package var textSearchLiterals: [TextSearchLiteral] = []
    package var features: [ShimFeatureUse] = []
    /// Whether `search_path` is set, by SET or `set_config`.
    package var setsSearchPath = false
    /// Whether any statement is other than SELECT, INSERT, UPDATE, DELETE and MERGE.
    package var isUtility = false
    /// Whether anything is written as far as the syntax tells: data, definitions, sequences. What called functions
    /// do is not known.
    package var writes = false
    /// Whether rows are locked, as by SELECT … FOR UPDATE.
    package var locksRows = false

    package init() {}

    /// The sequences named by `nextval`, `currval` and `setval`.
    package var sequences: [NameLiteral] { regclassLiterals.filter(\.isSequence) }

    /// What one statement binds. Linear in the size of the statement, whatever its nesting.
    package static func collect(in statement: ParsedStatement) -> StatementReferences {
        var collector = ReferenceCollector(statement)
        return collector.run()
    }

    /// Adds the references of another text, with their places changed.
    mutating func append(_ other: StatementReferences, at place: (TextPlace) -> TextPlace) {
        relations += other.relations.map { with($0) { $0.place = place($0.place) } }
        functions += other.functions.map { with($0) { $0.place = place($0.place) } }
        types += other.types.map { with($0) { $0.place = place($0.place) } }
        regclassLiterals += other.regclassLiterals.map { with($0) { $0.place = place($0.place) } }
        collations += other.collations.map { with($0) { $0.place = place($0.place) } }
        constraints += other.constraints.map { with($0) { $0.place = place($0.place) } }
        textSearchLiterals += other.textSearchLiterals.map { with($0) { $0.place = place($0.place) } }
        features += other.features.map { with($0) { $0.place = place($0.place) } }
        setsSearchPath = setsSearchPath || other.setsSearchPath
        isUtility = isUtility || other.isUtility
        writes = writes || other.writes
        locksRows = locksRows || other.locksRows
    }
}

private func with<Value>(_ value: Value, _ change: (inout Value) -> Void) -> Value {
    var copy = value
    change(&copy)
    return copy
}
