extension RouteReason {
    /// In words, for people: `function app.next_number() is volatile`.
    package var text: String {
        switch self {
        case .readOnly: "it only reads"
        case .hint(let hint): "the comment \(hint) says so"
        case .rule(let index): "rule \(index + 1) of routing.routes says so"
        case .writes(let tables): tables.isEmpty ? "it writes" : "it writes \(tables)"
        case .locksRows: "it locks rows or tables, and replicas have no locks"
        case .volatileFunction(let name): Self.functionText(name) ?? "function \(name) is volatile"
        case .unknownFunction(let name): "\(name) is not known, and may do anything"
        case .unknownRelation(let name): "\(name) is not known in this database"
        case .temporaryTable(let name): "\(name) is temporary, and replicas have no temporary tables"
        case .unloggedTable(let name): "\(name) is unlogged, and replicas do not have its rows"
        case .systemState(let name): Self.functionText(name) ?? Self.stateText(name)
        case .session(let command): "\(command) concerns the session or the server it runs on"
        case .transactionControl: "it is about the transaction or the session, not about tables"
        case .definition: "it defines or maintains objects"
        case .notParsed(let message): "it could not be read (\(message))"
        case .tooLong: "it is too long to be read"
        case .catalogUnknown: "the database's catalog has not been read yet"
        case .elsewhere(let database): "what it names lives in database \(database)"
        case .severalDatabases: "it needs several databases at once, which is refused"
        case .empty: "it is empty"
        }
    }

    private static func functionText(_ name: String) -> String? {
        guard name.hasSuffix("()"), let group = BuiltInFunctions.group(named: String(name.dropLast(2))) else {
            return nil
        }
        return "function \(name) \(group.reason)"
    }

    private static func stateText(_ name: String) -> String {
        "\(name) is the state of one server, and the primary's is the one that counts"
    }
}
