/// Walks one statement's tree in document order and writes down what it binds by name.
struct ReferenceCollector {
    let statement: ParsedStatement
    let tree: SyntaxTree
    let scopes: TreeScopes
    var result = StatementReferences()
    /// String constants that a function has already claimed as names.
    var claimedLiterals: Set<Int> = []

    init(_ statement: ParsedStatement) {
        self.statement = statement
        tree = statement.node.tree
        scopes = TreeScopes(statement.node)
    }

    mutating func run() -> StatementReferences {
        classify()
        for index in statement.node.range where tree.entries[index].keyLength > 0 {
            visit(index)
        }
        return result
    }

    func node(_ index: Int) -> SyntaxNode { SyntaxNode(tree: tree, index: index) }

    func place(_ offset: Int) -> TextPlace {
        let source = statement.source
        // Names in lists, as in DROP TABLE, have no place of their own: offset 0 then means the statement.
        let offset = max(offset, statement.range.lowerBound)
        return TextPlace(offset: offset, line: source.line(of: offset), statementLine: statement.line)
    }

    mutating func use(_ feature: ShimFeature, _ relation: QualifiedName?, at offset: Int) {
        result.features.append(ShimFeatureUse(feature: feature, relation: relation, place: place(offset)))
    }

    private mutating func classify() {
        switch statement.kind {
        case "SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt": result.isUtility = false
        default: result.isUtility = true
        }
        switch statement.kind {
        case "CopyStmt": result.writes = statement.node["is_from"]?.bool ?? false
        case "ExplainStmt", "PrepareStmt", "DeclareCursorStmt", "VariableSetStmt", "VariableShowStmt", "LockStmt",
            "TransactionStmt", "FetchStmt", "ClosePortalStmt", "ListenStmt", "UnlistenStmt", "DiscardStmt",
            "DeallocateStmt", "ExecuteStmt", "CallStmt", "DoStmt", "CheckPointStmt", "ConstraintsSetStmt", "LoadStmt",
            "SelectStmt":
            break
        default: result.writes = true
        }
    }

    private mutating func visit(_ index: Int) {
        if tree.isTyped(index) {
            visitNode(index)
        } else if tree.key(index, is: "relname") {
            addRelation(index)
        } else if tree.key(index, is: "typemod") {
            addType(index)
        } else if tree.key(index, is: "funcname") {
            addFunction(index)
        } else if tree.key(index, is: "collname") {
            addCollation(index)
        } else if tree.key(index, is: "lockingClause") {
            result.locksRows = true
        } else if tree.key(index, is: "intoClause") {
            result.writes = true
        } else if tree.key(index, is: "conname") {
            checkConflictTarget(index)
        } else if tree.key(index, is: "groupClause") {
            checkGrouping(index)
        }
    }

    private mutating func visitNode(_ index: Int) {
        if tree.key(index, is: "ColumnRef") {
            checkColumn(index)
        } else if tree.key(index, is: "TypeCast") {
            checkCast(index)
        } else if tree.key(index, is: "CurrentOfExpr") {
            use(.whereCurrentOf, scopes.firstRelation(at: index), at: statement.range.lowerBound)
        } else if tree.key(index, is: "InsertStmt") || tree.key(index, is: "UpdateStmt")
            || tree.key(index, is: "DeleteStmt") || tree.key(index, is: "MergeStmt")
        {
            result.writes = true
        } else if tree.key(index, is: "VariableSetStmt") {
            if node(index)["name"]?.string == "search_path" { result.setsSearchPath = true }
        } else if tree.key(index, is: "DropStmt") || tree.key(index, is: "CommentStmt") {
            addNamedObjects(node(index))
        }
    }
}
