/// Which names a place in a statement's tree sees: common table expressions, and the relations of FROM.
///
/// Visibility is a matter of ranges in the flat tree, so nothing here recurses.
struct TreeScopes {
    struct Relation {
        /// nil for what is no relation: a common table expression, a subquery, a function.
        let name: QualifiedName?
    }

    /// One SELECT, one side of a UNION, or one modifying statement.
    private struct Query {
        var relations: [String: Relation] = [:]
        var first: QualifiedName?
        var count = 0
    }

    private struct CommonTable {
        let visible: Range<Int>
        /// The WITH clause up to the end of the query itself, unless it is recursive.
        let hidden: Range<Int>
    }

    private let tree: SyntaxTree
    private let start: Int
    /// For each entry of the statement the entry of the query around it, -1 for none.
    private let queryAt: [Int32]
    private var commonTables: [String: [CommonTable]] = [:]
    private var queries: [Int: Query] = [:]

    init(_ statement: SyntaxNode) {
        tree = statement.tree
        start = statement.index
        queryAt = Self.queries(in: statement)
        for index in statement.range where tree.key(index, is: "withClause") {
            addCommonTables(SyntaxNode(tree: tree, index: index))
        }
        for index in statement.range {
            if tree.key(index, is: "relname") {
                addRelation(SyntaxNode(tree: tree, index: index))
            } else if tree.key(index, is: "RangeSubselect") || tree.key(index, is: "RangeFunction") {
                let label = SyntaxNode(tree: tree, index: index)["alias"]?["aliasname"]?.string
                if let label { add(nil, labelled: label, at: index) }
            }
        }
    }

    /// Whether an unqualified name in FROM means a common table expression there.
    func isCommonTable(_ name: String, at index: Int) -> Bool {
        commonTables[name]?.contains { $0.visible.contains(index) && !$0.hidden.contains(index) } ?? false
    }

    /// The first relation of the query around a place: the target of a modifying statement.
    func firstRelation(at index: Int) -> QualifiedName? {
        queries[query(at: index)]?.first
    }

    /// How many relations the query around a place has in FROM.
    func relationCount(at index: Int) -> Int {
        queries[query(at: index)]?.count ?? 0
    }

    /// The relation of a query that has only one.
    func soleRelation(at index: Int) -> QualifiedName? {
        relationCount(at: index) == 1 ? firstRelation(at: index) : nil
    }

    /// What a qualifier such as `u` in `u.id` means at a place: nil for nothing known.
    func relation(labelled label: String, at index: Int) -> Relation? {
        var level = query(at: index)
        // Nobody nests deeper; the bound keeps hostile statements from taking quadratic time.
        for _ in 0..<256 where level >= 0 {
            if let found = queries[level]?.relations[label] { return found }
            level = query(at: Int(tree.entries[level].parent))
        }
        return nil
    }

    private func query(at index: Int) -> Int {
        index < start ? -1 : Int(queryAt[index - start])
    }

    private static func queries(in statement: SyntaxNode) -> [Int32] {
        let tree = statement.tree
        var result = [Int32](repeating: -1, count: statement.range.count)
        for index in statement.range {
            let parent = Int(tree.entries[index].parent) - statement.index
            let isQuery = isQuery(index, in: tree)
            result[index - statement.index] = isQuery ? Int32(index) : (parent >= 0 ? result[parent] : -1)
        }
        return result
    }

    private static func isQuery(_ index: Int, in tree: SyntaxTree) -> Bool {
        if tree.isTyped(index) {
            return tree.key(index, is: "SelectStmt") || tree.key(index, is: "UpdateStmt")
                || tree.key(index, is: "DeleteStmt") || tree.key(index, is: "InsertStmt")
                || tree.key(index, is: "MergeStmt")
        }
        // The sides of UNION are fields of a query; the sides of a JOIN are not queries.
        guard tree.key(index, is: "larg") || tree.key(index, is: "rarg") else { return false }
        let parent = Int(tree.entries[index].parent)
        return parent >= 0 && !tree.key(parent, is: "JoinExpr")
    }

    private mutating func addCommonTables(_ clause: SyntaxNode) {
        guard let statement = clause.parent else { return }
        let isRecursive = clause["recursive"]?.bool ?? false
        for element in clause["ctes"]?.children ?? [] {
            guard let table = element["CommonTableExpr"], let name = table["ctename"]?.string else { continue }
            let hidden = isRecursive ? 0..<0 : clause.index..<table.range.upperBound
            commonTables[name, default: []].append(CommonTable(visible: statement.range, hidden: hidden))
        }
    }

    private mutating func addRelation(_ field: SyntaxNode) {
        guard let node = field.parent, let name = field.string else { return }
        let schema = node["schemaname"]?.string
        let isCommon = schema == nil && isCommonTable(name, at: node.index)
        let label = node["alias"]?["aliasname"]?.string ?? name
        add(isCommon ? nil : QualifiedName(schema: schema, name: name), labelled: label, at: node.index)
    }

    private mutating func add(_ name: QualifiedName?, labelled label: String, at index: Int) {
        let level = query(at: index)
        guard level >= 0 else { return }
        var query = queries[level] ?? Query()
        if query.relations[label] == nil { query.relations[label] = Relation(name: name) }
        if let name {
            query.first = query.first ?? name
            query.count += 1
        }
        queries[level] = query
    }
}
