import SQLSyntax

/// What makes the file's definitions in PostgreSQL: statements in the order in which they are run, and all that they leave out.
///
/// Pure: nothing is asked of a server. Decisions:
/// - Indexes get PostgreSQL's own order of NULLs, which is the other way round than SQLite's: an ORDER BY of the application says
///   no NULLS FIRST either, so that only such an index serves it.
/// - A unique key by NOCASE becomes a unique index on `lower(column COLLATE "C")`, which folds ASCII's letters only, as SQLite
///   does; citext would fold others, too, and refuse rows that SQLite took. Other indexes by NOCASE are there for speed: by the
///   column's own collation they become plain ones, because `=` and ORDER BY of the application are plain in PostgreSQL.
/// - A partial unique index stays partial or is left out; it never becomes a full one.
package struct TargetDefinition: Sendable, Hashable {
    package var statements: [TargetStatement] = []
    package var leftOut: [LeftOut] = []
    package var notes: [TargetNote] = []
    /// Not empty: nothing of it is to be run.
    package var problems: [TargetProblem] = []
    /// Columns that PostgreSQL makes itself, by table; all others are loaded, whatever the mapping says of them.
    package var generated: [String: Set<String>] = [:]

    package init() {}

    package func statements(of stage: TargetStage) -> [TargetStatement] { statements.filter { $0.stage == stage } }

    /// - Parameters:
    ///   - keysWithNull: tables whose primary key holds NULL in some row, which SQLite allows; theirs become unique.
    ///   - existing: names of tables, indexes and sequences that the target's schemas have already.
    ///   - tables: those of the target that the rows of their table go to: nothing of them is made, and keys may refer to them.
    package init(
        _ source: SourceSchema, _ mapping: ImportMapping, keysWithNull: Set<String> = [],
        existing: [String: Set<String>] = [:], tables: [ExistingTable] = []
    ) {
        var builder = TargetBuilder(source, mapping, keysWithNull, existing, tables)
        builder.build()
        self = builder.target
    }
}

/// Puts a definition together, stage by stage.
struct TargetBuilder {
    let source: SourceSchema
    let mapping: ImportMapping
    let keysWithNull: Set<String>
    let existing: [ExistingTable]
    var names: NameBook
    var target = TargetDefinition()
    /// Tables that are made.
    var pairs: [TablePair] = []
    /// Tables that are there, to which keys may refer.
    var parents: [TablePair] = []
    /// Sets of columns by which PostgreSQL will know a row of a table: what a foreign key may refer to.
    var keys: [String: Set<Set<String>>] = [:]

    struct TablePair {
        var source: SourceTable
        var mapping: TableMapping

        var name: String { SQL.qualified(mapping.schema, mapping.name) }
        /// Where names of constraints count.
        var place: [String] { [mapping.schema, "table", mapping.name] }
        var schema: [String] { [mapping.schema] }
    }

    init(
        _ source: SourceSchema, _ mapping: ImportMapping, _ keysWithNull: Set<String>, _ names: [String: Set<String>],
        _ existing: [ExistingTable]
    ) {
        (self.source, self.mapping, self.keysWithNull, self.existing) = (source, mapping, keysWithNull, existing)
        self.names = NameBook(existing: names)
    }

    mutating func build() {
        choose()
        schemas()
        for pair in pairs { table(pair) }
        for pair in pairs { keys(of: pair) }
        for pair in pairs { indexes(of: pair) }
        for pair in pairs { foreignKeys(of: pair) }
        target.statements = TargetStage.allCases.flatMap { stage in target.statements.filter { $0.stage == stage } }
        others()
    }

    mutating func add(
        _ stage: TargetStage, _ object: TargetObject, _ pair: TablePair?, _ sql: String, undo: String?,
        reason: String = ""
    ) {
        target.statements.append(
            TargetStatement(
                stage: stage, object: object, table: pair?.source.name, sql: sql, undo: undo, reason: reason))
    }

    mutating func leave(
        _ kind: TargetObject.Kind, _ name: String, of table: String?, _ reason: String, sql: String, nextStep: String
    ) {
        target.leftOut.append(
            LeftOut(object: TargetObject(kind, name), table: table, reason: reason, sql: sql, nextStep: nextStep))
    }

    mutating func note(_ kind: TargetObject.Kind, _ name: String, of table: String?, _ message: String) {
        target.notes.append(TargetNote(object: TargetObject(kind, name), table: table, message: message))
    }

    mutating func problem(_ table: String, _ message: String, nextStep: String) {
        target.problems.append(TargetProblem(table, message, nextStep: nextStep))
    }

    private mutating func schemas() {
        var seen: Set<String> = ["public"]
        for pair in pairs where seen.insert(pair.mapping.schema).inserted {
            let name = SQL.identifier(pair.mapping.schema)
            add(
                .tables, TargetObject(.schema, name), nil, "CREATE SCHEMA IF NOT EXISTS \(name)",
                undo: "DROP SCHEMA \(name)")
        }
    }
}
