import SQLSyntax

/// Finds what a function's body touches, by name, for everybody who may call it: the same whatever the caller's
/// search_path is, because a name without a schema stands for everything of that name.
struct FunctionTouches {
    private let names: NameIndex

    init(_ names: NameIndex) { self.names = names }

    /// What there is to know of one function.
    struct Source {
        var volatility: RoutingFunction.Volatility
        var language: String
        /// CREATE FUNCTION …, for parameters and settings.
        var definition: String
        var body: String
        /// The tree of a BEGIN ATOMIC body.
        var tree: String?
        /// The functions of an aggregate.
        var supports: [UInt32]
        var isAggregate: Bool
        /// Tables that exist only inside a trigger (REFERENCING NEW TABLE AS …).
        var transitionTables: Set<String>
    }

    func touches(of source: Source) -> Touches {
        var touches = written(source)
        guard source.volatility != .volatile else { return touches }
        // PostgreSQL refuses writes and utility statements in functions that are not volatile.
        touches.writes = []
        touches.writesAnything = false
        touches.effects = []
        return touches
    }

    private func written(_ source: Source) -> Touches {
        if source.isAggregate { return Touches(calls: source.supports) }
        if let tree = source.tree { return NodeTree([tree]).touches() }
        switch source.language {
        case "sql", "plpgsql":
            let analysis = FunctionBody.analyse(
                language: source.language, definition: source.definition, source: source.body)
            return touches(of: analysis, body: source.body, ignoring: source.transitionTables)
        default: return source.volatility == .immutable ? Touches() : .anything
        }
    }

    /// For the bodies of functions and of DO blocks.
    func touches(of analysis: FunctionAnalysis, body: String, ignoring transitions: Set<String> = []) -> Touches {
        guard analysis.status == .analysed, analysis.unparsed.isEmpty else { return .anything }
        var touches = Touches(locksRows: analysis.references.locksRows)
        let path = analysis.searchPath
        for relation in analysis.references.relations where !isTransition(relation, transitions) {
            add(relation, path, to: &touches)
        }
        for function in analysis.references.functions {
            let found = names.functions(QualifiedName(schema: function.schema, name: function.name), in: path)
            if found.isEmpty { touches.add(.anything) }
            touches.calls += found
        }
        if analysis.references.isUtility { touches.add(Self.utilities(in: body)) }
        for statement in analysis.dynamic where statement.unknown == .names {
            touches.add(DynamicVerb.touches(of: statement))
        }
        return touches
    }

    private func isTransition(_ relation: RelationReference, _ names: Set<String>) -> Bool {
        relation.schema == nil && names.contains(relation.name)
    }

    private func add(_ relation: RelationReference, _ path: SearchPath?, to touches: inout Touches) {
        switch relation.access {
        case .ddl: return
        case .lock:
            touches.locksRows = true
            return
        default: break
        }
        let found = names.relations(relation.qualifiedName, in: path)
        // A table that is not there yet may be a temporary one.
        guard !found.isEmpty else { return touches.add(Touches(readsAnything: true, writesAnything: true)) }
        touches.reads += found
        if relation.access != .read { touches.writes += found }
    }

    private static func utilities(in body: String) -> Touches {
        let effects = SessionWords.effects(in: body).intersection([
            .settings, .temporary, .listen, .heldCursor, .advisoryLock, .keepsServer, .catalog, .primaryOnly,
        ])
        let defines = effects.contains(.catalog)
        return Touches(effects: effects, readsAnything: defines, writesAnything: defines)
    }
}

/// What an EXECUTE may do whose names are not known, by the words it starts with.
enum DynamicVerb {
    static func touches(of statement: DynamicStatement) -> Touches {
        let text = (statement.reconstructed ?? statement.knownPrefix).lowercased()
        let words = text.split { !$0.isLetter && $0 != "_" }
        var touches = Touches(readsAnything: true, writesAnything: true)
        switch words.first {
        case "insert", "update", "delete", "merge", "truncate", "lock", "copy": break
        case "select", "with", "values", "table", "perform": touches.effects = .settings
        case "notify": touches.effects = .primaryOnly
        case "set", "reset": touches.effects = .settings
        case "alter", "drop", "grant", "revoke", "comment", "refresh", "analyze", "vacuum", "reindex", "cluster":
            touches.effects = .catalog
        case "create":
            let isPlain = words.count > 1 && plainObjects.contains(String(words[1]))
            touches.effects = isPlain ? .catalog : [.catalog, .temporary]
        default:
            touches.effects = Touches.unknownEffects
        }
        return touches
    }

    private static let plainObjects: Set<String> = [
        "table", "index", "unique", "view", "function", "schema", "sequence", "trigger", "policy", "role", "user",
        "materialized", "extension", "type", "domain", "rule", "statistics", "publication", "unlogged", "foreign",
    ]
}
