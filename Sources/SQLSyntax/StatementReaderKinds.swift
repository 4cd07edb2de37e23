/// What kind of statement it is, from its top node and from what the walk found below it.
struct StatementKinds {
    let statement: ParsedStatement
    var walk: StatementWalk
    var tokens: LazyTokens

    mutating func shape() throws(SQLSyntaxError) -> StatementShape {
        var kind = try kind(of: statement.node)
        if walk.createsTemporary {
            switch kind {
            case .write, .select, .definition: kind = .createTemporary
            default: break
            }
        }
        if kind == .explain { forgetEffects() }
        walk.shape.kind = kind
        return walk.shape
    }

    /// Nothing is executed, though what would be written has to be there.
    private mutating func forgetEffects() {
        walk.shape.reads = StatementWalk.unique(walk.shape.reads + walk.shape.writes)
        walk.shape.writes = []
        walk.shape.locksRows = false
        walk.shape.configuredSettings = []
        walk.shape.configuresUnknownSetting = false
        walk.shape.definesRelation = false
        walk.createsTemporary = false
    }

    private mutating func kind(of node: SyntaxNode) throws(SQLSyntaxError) -> StatementShape.Kind {
        let type = node.key
        switch type {
        case "SelectStmt": return walk.shape.writes.isEmpty ? .select : .write
        case "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "TruncateStmt": return .write
        case "TransactionStmt": return transaction(node)
        case "VariableSetStmt": return setting(node)
        case "PrepareStmt", "ExecuteStmt", "DeallocateStmt": return try prepared(node, type)
        case "ExplainStmt": return try explained(node)
        case "CreateTableAsStmt":
            if let name = node["query"]?["ExecuteStmt"]?["name"]?.string {
                let place = try StatementPlaces(statement, &tokens).execute(afterAS: true)
                walk.shape.executes = StatementShape.PreparedName(name: name, place: place)
            }
            return .definition
        case "DeclareCursorStmt": return .declareCursor(isHeld: (node["options"]?.int ?? 0) & Self.holdOption != 0)
        case "CopyStmt":
            let isFile = node["is_program"]?.bool ?? (node["filename"] != nil)
            return node["is_from"]?.bool ?? false ? .copyFrom : .copyTo(isProgram: isFile)
        default: return session(node, type) ?? definition(node, type)
        }
    }

    /// `CURSOR_OPT_HOLD`
    private static let holdOption = 0x20

    private func session(_ node: SyntaxNode, _ type: String) -> StatementShape.Kind? {
        switch type {
        case "VariableShowStmt": .show
        case "ConstraintsSetStmt": .setConstraints
        case "DiscardStmt": discard(node)
        case "ListenStmt": .listen
        case "UnlistenStmt": .unlisten(all: node["conditionname"] == nil)
        case "NotifyStmt": .notify
        case "FetchStmt": .fetch
        case "ClosePortalStmt": .closeCursor(name: node["portalname"]?.string)
        case "LockStmt": .lockTable
        case "CallStmt": .call
        case "DoStmt": .doBlock
        case "LoadStmt": .load
        case "VacuumStmt", "ClusterStmt", "ReindexStmt", "CheckPointStmt": .maintenance
        default: nil
        }
    }

    private func discard(_ node: SyntaxNode) -> StatementShape.Kind {
        switch node["target"]?.string {
        case "DISCARD_PLANS": .discardPlans
        case "DISCARD_SEQUENCES": .discardSequences
        case "DISCARD_TEMP": .discardTemporary
        default: .discardAll
        }
    }

    /// The parser knows no other statements than these, so what it may learn is a definition, the most careful kind.
    private mutating func definition(_ node: SyntaxNode, _ type: String) -> StatementShape.Kind {
        guard type != "AlterSystemStmt" else { return .other }
        walk.shape.claimedDatabase = Self.claimedDatabase(node, type)
        var names = DefinedNames(node)
        names.run()
        walk.shape.writes = StatementWalk.unique(walk.shape.writes + names.relations)
        walk.shape.schemas = names.schemas.filter { !StatementWalk.isTemporary(schema: $0) }
        // A function, type or domain of pg_temp; dropping one makes nothing.
        let isNew = type.hasPrefix("Create") || type == "DefineStmt"
        if isNew, names.schemas.contains(where: StatementWalk.isTemporary) { return .createTemporary }
        return .definition
    }

    private static func claimedDatabase(_ node: SyntaxNode, _ type: String) -> String? {
        func option(_ name: String) -> SyntaxNode? {
            let options = (node["options"]?.children ?? []).compactMap { $0["DefElem"] }
            return options.first { $0["defname"]?.string == name }
        }
        switch type {
        case "DropdbStmt": return node["dbname"]?.string
        case "AlterDatabaseStmt": return option("tablespace") == nil ? nil : node["dbname"]?.string
        case "RenameStmt": return node["renameType"]?.string == "OBJECT_DATABASE" ? node["subname"]?.string : nil
        case "CreatedbStmt": return option("template")?["arg"]?["String"]?["sval"]?.string
        default: return nil
        }
    }

    private mutating func explained(_ node: SyntaxNode) throws(SQLSyntaxError) -> StatementShape.Kind {
        guard let inner = node["query"]?.inner else { return .explain }
        let isExecuted = Self.isAnalyze(node["options"]?.children ?? [])
        switch inner.key {
        case "ExecuteStmt": return try prepared(inner, "ExecuteStmt")
        case "SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "CreateTableAsStmt":
            let kind = try kind(of: inner)
            guard inner.isKey("CreateTableAsStmt"), walk.createsTemporary else { return isExecuted ? kind : .explain }
            return isExecuted ? .createTemporary : .explain
        case "DeclareCursorStmt":
            guard isExecuted, let query = inner["query"]?.inner else { return .explain }
            return try kind(of: query)
        // PostgreSQL executes no other statement below EXPLAIN, whatever the options.
        default: return .explain
        }
    }

    /// The last of several counts, as for PostgreSQL; a value that it would refuse is taken for true.
    private static func isAnalyze(_ options: [SyntaxNode]) -> Bool {
        var result = false
        for option in options {
            guard let option = option["DefElem"], option["defname"]?.string == "analyze" else { continue }
            if let word = option["arg"]?["String"]?["sval"]?.string?.lowercased() {
                result = word != "false" && word != "off"
            } else if let number = option["arg"]?["Integer"] {
                result = (number["ival"]?.int ?? 0) != 0
            } else {
                result = true
            }
        }
        return result
    }
}
