extension LayoutReader {
    /// A list of objects: names, or mappings such as `{ table: settings, from: legacy }`.
    mutating func objects(
        _ node: LayoutNode, _ kind: NameKind, _ table: LayoutKeys, _ key: String
    ) -> [ObjectEntry] {
        var entries: [ObjectEntry] = []
        var seen: [String: [Int]] = [:]
        for item in list(node, "`\(key)`", "a list of names") {
            guard let entry = object(item, kind, table, key) else { continue }
            if let first = seen[entry.name, default: []].lazy.map({ entries[$0] }).first(where: { $0.overlaps(entry) })
            {
                duplicateEntry("\(kind.rawValue) \(entry.name)", key, item.place, first: first.place)
                continue
            }
            seen[entry.name, default: []].append(entries.count)
            entries.append(entry)
        }
        return entries
    }

    private mutating func object(
        _ node: LayoutNode, _ kind: NameKind, _ table: LayoutKeys, _ key: String
    ) -> ObjectEntry? {
        switch node.content {
        case .map:
            guard let fields = fields(of: node, as: table) else { return nil }
            guard let nameNode = fields[kind.rawValue] else {
                missing(kind.rawValue, in: table, node.place, "\(kind.rawValue): name")
                return nil
            }
            guard var entry = named(nameNode, kind, kind.rawValue) else { return nil }
            if let fromNode = fields["from"] {
                guard let from = name(fromNode, .schema, "from") else { return nil }
                entry.from = from
            }
            return entry
        case .list:
            wrongType(node, "`\(key)`", "a name", "write the names in one list, without brackets round each")
            return nil
        default: return named(node, kind, key)
        }
    }

    private mutating func named(_ node: LayoutNode, _ kind: NameKind, _ key: String) -> ObjectEntry? {
        if kind == .function { return function(node, key) }
        return name(node, kind, key).map { ObjectEntry(name: $0, place: node.place) }
    }

    /// `order_total` for every overload, `order_total(int, text)` for one.
    private mutating func function(_ node: LayoutNode, _ key: String) -> ObjectEntry? {
        guard case .text(let raw, plain: let plain) = node.content, let open = raw.firstIndex(of: "(") else {
            return name(node, .function, key).map { ObjectEntry(name: $0, place: node.place) }
        }
        let arguments = raw[raw.index(after: open)...].dropLast()
        guard raw.hasSuffix(")"), arguments.isBalanced else {
            let message = "the argument list of \(LayoutReader.shown(raw)) is not closed"
            error("bad-function", message, node.place, "write name, or name(type, type), in quotes")
            return nil
        }
        let name = LayoutNode(content: .text(String(raw[..<open]).trimmed, plain: plain), place: node.place)
        return self.name(name, .function, key).map {
            ObjectEntry(name: $0, arguments: String(arguments).spacedOnce, place: node.place)
        }
    }
}

extension ObjectEntry {
    /// Whether both can mean the same object of one schema: a function without an argument list means all overloads.
    func overlaps(_ other: ObjectEntry) -> Bool {
        guard name == other.name else { return false }
        guard let arguments, let others = other.arguments else { return true }
        return arguments == others
    }
}

extension StringProtocol {
    fileprivate var isBalanced: Bool {
        var depth = 0
        for character in self {
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            if depth < 0 { return false }
        }
        return depth == 0
    }
}

extension String {
    var trimmed: String {
        let front = drop(while: \.isWhitespace)
        return String(front.prefix(front.count - front.reversed().prefix(while: \.isWhitespace).count))
    }

    /// Argument types with one space after each comma and between words, so that spacing does not matter.
    fileprivate var spacedOnce: String {
        split(separator: ",", omittingEmptySubsequences: false)
            .map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
            .joined(separator: ", ")
    }
}
