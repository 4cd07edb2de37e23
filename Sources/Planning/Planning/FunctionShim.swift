internal import SQLSyntax

/// A routine of the same signature that calls the moved one, for callers who know the old name only.
///
/// A function's body is bound by OID where PostgreSQL can (from 14 on, see `isBoundByOID`), so that callers need no USAGE
/// of the new schema; the others look the new name up with their caller's rights. The original runs as before: with its
/// owner's rights where it is SECURITY DEFINER, and only for those who may execute it.
struct FunctionShim {
    let context: PlanningContext

    /// nil where no such routine can be made: aggregates, window functions, and what only PostgreSQL itself calls.
    func step(for move: Move) -> Step? {
        guard let function = context.catalog.functions[move.oid], Self.isPossible(function) else { return nil }
        let signature = "\(move.oldName)(\(function.identityArguments))"
        let word = Self.keyword(function)
        var statements = [
            function.kind == .procedure
                ? procedure(function, old: move.oldName, new: move.newName)
                : self.function(function, old: move.oldName, new: move.newName)
        ]
        if function.owner != context.catalog.server.userOID {
            statements.append("ALTER \(word) \(signature) OWNER TO \(context.grantee(function.owner))")
        }
        statements.append("COMMENT ON \(word) \(signature) IS \(SQL.literal(ShimSQL.commentPrefix + move.newName))")
        statements += ShimSQL(context: context).withdrawDefaults(
            "f", from: signature, kind: "\(word) ", owner: function.owner)
        statements += executeGrants(function, on: "\(word) \(signature)")
        return Step(
            kind: .createShim, object: move.oldName, statements: statements,
            undo: ShimSQL.drop(
                word, signature, lookup: "to_regprocedure", catalog: "pg_proc",
                // regprocedure takes the types of inputs only, without names.
                found: "\(move.oldName)(\(function.inputTypes.joined(separator: ", ")))"),
            reason: "calls by the old name go on working")
    }

    static func keyword(_ function: Function) -> String { function.kind == .procedure ? "PROCEDURE" : "FUNCTION" }

    static func isPossible(_ function: Function) -> Bool {
        let types = Set(function.inputTypes + [function.result ?? ""])
        guard !function.returnsTrigger, types.isDisjoint(with: unwritable) else { return false }
        switch function.kind {
        case .procedure: return true
        // Without columns the caller says what comes back, and the shim cannot know it.
        case .function: return function.result != nil && !(returnsUnknownRows(function))
        case .aggregate, .window: return false
        }
    }

    /// Types that no function in SQL may take or return.
    private static let unwritable: Set<String> = [
        "\"any\"", "cstring", "event_trigger", "fdw_handler", "index_am_handler", "internal", "language_handler",
        "pg_ddl_command", "table_am_handler", "trigger", "tsm_handler",
    ]

    private static func returnsUnknownRows(_ function: Function) -> Bool {
        function.result == "SETOF record" && !function.hasOutArguments
    }

    /// Whether callers of the shim look the new name up themselves, and so need USAGE of its schema.
    func isLookedUpByCallers(_ function: Function) -> Bool {
        Self.isPossible(function) && !isBoundByOID(function)
    }

    /// A SQL-standard body can neither CALL nor have polymorphic arguments; and where only some arguments have a name,
    /// pg_dump writes it down wrongly.
    private func isBoundByOID(_ function: Function) -> Bool {
        let inputs = zip(function.argumentNames, modes(of: function)).filter { "ibv".contains($0.1) }.map(\.0)
        return context.version >= 140_000 && function.kind == .function && !function.isPolymorphic
            && (inputs.allSatisfy(\.isEmpty) || !inputs.contains(""))
    }

    private func modes(of function: Function) -> [Character] {
        function.argumentModes.isEmpty ? function.argumentNames.map { _ in "i" } : Array(function.argumentModes)
    }

    // MARK: Functions

    private func function(_ function: Function, old: String, new: String) -> String {
        let call = "\(new)(\(arguments(function.inputTypes.count, isVariadic: function.isVariadic)))"
        // The columns of a table's rows may change later: those stay one value.
        let query = function.returnsSet && !returnsTableRows(function) ? "SELECT * FROM \(call)" : "SELECT \(call)"
        let body = isBoundByOID(function) ? "BEGIN ATOMIC \(query); END" : "AS \(SQL.dollarQuoted(query))"
        return "CREATE FUNCTION \(old)(\(function.arguments)) RETURNS \(function.result ?? "void") LANGUAGE sql "
            + (properties(of: function) + [body]).joined(separator: " ")
    }

    private func returnsTableRows(_ function: Function) -> Bool {
        guard let result = function.result, result.hasPrefix("SETOF "),
            let name = QualifiedName.parse(String(result.dropFirst("SETOF ".count))), let schema = name.schema
        else { return false }
        return context.lookup.relation(schema: schema, name: name.name) != nil
    }

    /// What the planner and the executor go by, as the original has it. Costs only where they are not a SQL function's own.
    private func properties(of function: Function) -> [String] {
        var words: [String]
        switch function.volatility {
        case .immutable: words = ["IMMUTABLE"]
        case .stable: words = ["STABLE"]
        case .volatile: words = ["VOLATILE"]
        }
        if function.isStrict { words.append("STRICT") }
        // Only a superuser may say so; without it the planner is more careful, and answers are the same.
        if function.isLeakproof, context.catalog.server.isSuperuser { words.append("LEAKPROOF") }
        words.append(
            "PARALLEL " + (function.parallel == "s" ? "SAFE" : function.parallel == "r" ? "RESTRICTED" : "UNSAFE"))
        if function.cost != 100 { words.append("COST \(Self.number(function.cost))") }
        if function.returnsSet, function.rows > 0, function.rows != 1000 {
            words.append("ROWS \(Self.number(function.rows))")
        }
        return words
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
    }

    // MARK: Procedures

    /// In PL/pgSQL, because a procedure in SQL may not call one with output arguments, nor one that commits.
    private func procedure(_ procedure: Function, old: String, new: String) -> String {
        // PL/pgSQL numbers all arguments, and CALL wants all of them.
        let count = max(procedure.argumentModes.count, procedure.inputTypes.count)
        let body = "BEGIN CALL \(new)(\(arguments(count, isVariadic: procedure.isVariadic, modes(of: procedure)))); END"
        return "CREATE PROCEDURE \(old)(\(procedure.arguments)) LANGUAGE plpgsql AS \(SQL.dollarQuoted(body))"
    }

    /// `$1, $2, VARIADIC $3`. The variadic argument is the last of the inputs.
    private func arguments(_ count: Int, isVariadic: Bool, _ modes: [Character] = []) -> String {
        let variadic = isVariadic ? (modes.lastIndex(of: "v").map { $0 + 1 } ?? count) : 0
        return (1...max(count, 1)).prefix(count).map { $0 == variadic ? "VARIADIC $\($0)" : "$\($0)" }
            .joined(separator: ", ")
    }

    // MARK: Rights

    private func executeGrants(_ function: Function, on object: String) -> [String] {
        let grantees = function.grants.filter { $0.privilege == "EXECUTE" && $0.grantee != function.owner }
        var statements = grantees.contains { $0.grantee == 0 } ? [] : ["REVOKE ALL ON \(object) FROM PUBLIC"]
        for grant in grantees.sorted() {
            let option = grant.grantable ? " WITH GRANT OPTION" : ""
            statements.append("GRANT EXECUTE ON \(object) TO \(context.grantee(grant.grantee))\(option)")
        }
        return statements.uniqued()
    }
}
