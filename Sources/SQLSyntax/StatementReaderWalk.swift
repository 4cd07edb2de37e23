/// One pass over a statement's tree that writes down the names the proxy asks for.
///
/// `StatementReferences` finds more, with lines and scopes, and takes several times as long: a miss of the proxy's cache has
/// to be read while a client waits.
struct StatementWalk {
    let tree: SyntaxTree
    let range: Range<Int>
    var shape = StatementShape(.other)
    /// What FROM names, which a common table expression may turn out to be.
    var candidates: [(index: Int, name: QualifiedName)] = []
    var commonTables: [String: [CommonTable]] = [:]
    /// Something temporary is made.
    var createsTemporary = false

    struct CommonTable {
        let visible: Range<Int>
        /// The WITH clause up to the end of the query itself, unless it is recursive.
        let hidden: Range<Int>
    }

    init(_ statement: SyntaxNode) {
        tree = statement.tree
        range = statement.range
    }

    mutating func run() {
        for index in range { visit(index) }
        let found = candidates.filter { !isCommonTable($0.name, at: $0.index) }
        shape.reads = Self.unique(found.map(\.name))
        shape.writes = Self.unique(shape.writes)
        shape.functions = Self.unique(shape.functions)
        shape.operators = Self.unique(shape.operators)
        shape.types = Self.unique(shape.types)
        if shape.writes.contains(where: { $0.name == "pg_settings" && $0.schema ?? "pg_catalog" == "pg_catalog" }) {
            // A rule of PostgreSQL's own turns UPDATE pg_settings into set_config.
            shape.configuresUnknownSetting = true
        }
    }

    func node(_ index: Int) -> SyntaxNode { SyntaxNode(tree: tree, index: index) }

    /// The length of the key first: it tells most entries apart from all that matter.
    private mutating func visit(_ index: Int) {
        switch tree.entries[index].keyLength {
        case 5 where tree.key(index, is: "useOp"): addOperator(index)
        case 6 where tree.key(index, is: "A_Expr"):
            if let name = node(index)["name"] { addOperator(name.index) }
        case 7:
            if tree.key(index, is: "relname") {
                addRelation(index)
            } else if tree.key(index, is: "typemod") {
                addType(index)
            }
        case 8:
            if tree.key(index, is: "funcname") {
                addFunction(index)
            } else if tree.key(index, is: "TypeCast") {
                addCastConstant(index)
            } else if tree.key(index, is: "operName") {
                addOperator(index)
            }
        case 10 where tree.key(index, is: "withClause"): addCommonTables(node(index))
        case 13 where tree.key(index, is: "lockingClause"): shape.locksRows = true
        case 16 where tree.key(index, is: "RangeTableSample"):
            if let method = node(index)["method"], let name = tree.qualifiedName(method.index) {
                shape.functions.append(name)
            }
        default: break
        }
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

    private func isCommonTable(_ name: QualifiedName, at index: Int) -> Bool {
        guard !commonTables.isEmpty, name.schema == nil, let tables = commonTables[name.name] else { return false }
        // Nobody writes so many; unbounded, hostile texts would take quadratic time. One read more does no harm.
        guard tables.count <= 256 else { return false }
        return tables.contains { $0.visible.contains(index) && !$0.hidden.contains(index) }
    }

    /// Each name once, in order.
    static func unique<Name: Hashable>(_ names: [Name]) -> [Name] {
        guard names.count > 1 else { return names }
        var result: [Name] = []
        if names.count <= 16 {
            for name in names where !result.contains(name) { result.append(name) }
            return result
        }
        var seen: Set<Name> = []
        for name in names where seen.insert(name).inserted { result.append(name) }
        return result
    }
}

extension SyntaxTree {
    /// Whether a string entry has this text, which must need no escapes in JSON.
    func value(_ index: Int, is text: StaticString) -> Bool {
        let entry = entries[index]
        guard entry.kind == .string, Int(entry.valueEnd - entry.valueStart) == text.utf8CodeUnitCount else {
            return false
        }
        let start = Int(entry.valueStart)
        let other = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        return json.withUnsafeBufferPointer { bytes in
            for position in 0..<other.count where bytes[start + position] != other[position] { return false }
            return true
        }
    }

    /// The entry of the text in a list's last element, and in the one before it; the elements are `String` nodes.
    /// nil where an element is none, or empty.
    func lastNames(_ list: Int) -> (schema: Int?, name: Int?) {
        var (previous, last) = (-1, -1)
        var position = list + 1
        let end = Int(entries[list].next)
        while position < end {
            (previous, last) = (last, position)
            position = Int(entries[position].next)
        }
        return (text(ofElement: previous), text(ofElement: last))
    }

    /// The name that a list of `String` nodes spells, with the schema before it.
    func qualifiedName(_ list: Int) -> QualifiedName? {
        let (schema, name) = lastNames(list)
        guard let name, let text = SyntaxNode(tree: self, index: name).string else { return nil }
        return QualifiedName(schema: schema.flatMap { SyntaxNode(tree: self, index: $0).string }, name: text)
    }

    /// `{"String":{"sval":"…"}}`: the object, the node and the value are three entries in a row.
    private func text(ofElement index: Int) -> Int? {
        guard index >= 0, Int(entries[index].next) > index + 2, key(index + 1, is: "String"),
            key(index + 2, is: "sval")
        else { return nil }
        return index + 2
    }
}
