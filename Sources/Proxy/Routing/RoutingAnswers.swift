internal import PostgresDriver

/// What one snapshot says to all `RoutingQueries`.
struct RoutingAnswers: Sendable {
    enum Question: CaseIterable {
        case token, splitTables, schemas, guardedSchemas, incoming, leaving, copied, relations, shims, inheritance,
            foreignKeys
        case aggregates, functions, triggers, eventTriggers, types, operators, castFunctions, rules, defaults, policies
        case serverSearchPath, searchPaths
    }

    private let rows: [Rows]

    /// One to each question, in their order.
    private init(_ rows: [Rows]) { self.rows = rows }

    subscript(question: Question) -> Rows { rows[Self.places[question, default: 0]] }

    private static let places = Dictionary(
        uniqueKeysWithValues: Question.allCases.enumerated().map { ($0.element, $0.offset) })

    /// All in one message: the snapshot is gone when the last answer is made, however long it takes us to look at them.
    ///
    /// Throws `PostgresError`, among them `.undefinedTable` where a table of splits has gone meanwhile.
    static func read(_ connection: Connection) async throws -> RoutingAnswers {
        let splits = try await splitTables(connection)
        let questions = Question.allCases.map { sql($0, splits, hasTrees: connection.serverVersion >= 140_000) }
        let rows = try await connection.queryAll(preparations + questions)
        let answers = RoutingAnswers(Array(rows.dropFirst(preparations.count)))
        // One that came since has not been asked. It says so as one that went does.
        guard try Set(answers[.splitTables].map { try $0.string("relname") }) == splits else {
            throw PostgresError(.server, "a table of splits was made meanwhile", sqlState: .undefinedTable)
        }
        return answers
    }

    /// Of this transaction alone, which the statements of one message are.
    private static let preparations = [
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", "SET LOCAL search_path = pg_catalog",
        "SET LOCAL statement_timeout = '60s'",
    ]

    private static func splitTables(_ connection: Connection) async throws -> Set<String> {
        Set(try await connection.query(RoutingQueries.splitTables).map { try $0.string("relname") })
    }

    private static func sql(_ question: Question, _ splits: Set<String>, hasTrees: Bool) -> String {
        switch question {
        case .token: RoutingCatalog.tokenQuery
        case .splitTables: RoutingQueries.splitTables
        case .schemas: RoutingQueries.schemas
        case .guardedSchemas: RoutingQueries.guardedSchemas
        case .incoming: splits.contains("incoming") ? RoutingQueries.incoming : RoutingQueries.nothing
        case .leaving: splits.contains("splits") ? RoutingQueries.leaving : RoutingQueries.nothing
        case .copied: splits.contains("copied") ? RoutingQueries.copied : RoutingQueries.nothing
        case .relations: RoutingQueries.relations
        case .shims: RoutingQueries.shims
        case .inheritance: RoutingQueries.inheritance
        case .foreignKeys: RoutingQueries.foreignKeys
        case .aggregates: RoutingQueries.aggregates
        case .functions: RoutingQueries.functions(hasTrees: hasTrees)
        case .triggers: RoutingQueries.triggers
        case .eventTriggers: RoutingQueries.eventTriggers
        case .types: RoutingQueries.types
        case .operators: RoutingQueries.operators
        case .castFunctions: RoutingQueries.castFunctions
        case .rules: RoutingQueries.rules
        case .defaults: RoutingQueries.defaults
        case .policies: RoutingQueries.policies
        case .serverSearchPath: RoutingQueries.serverSearchPath
        case .searchPaths: RoutingQueries.searchPaths
        }
    }
}
