/// The state of one decoding: what has been complained about so far, and the readers for single values that the sections share.
struct LayoutReader {
    static let maximumDiagnostics = 200

    let file: String
    let environment: [String: String]
    /// The declared databases, `main` where none is.
    var databaseNames = ["main"]
    /// The tables and views that the layout lists; known once `schemas` is decoded.
    var listed = ListedTables()
    /// The schema of the event store, where the layout has one.
    var eventStore: String?
    /// Where `continuous: true` stands, by schema; `Backup` has no place for it.
    var continuousBackups: [String: SourcePlace] = [:]
    private var diagnostics: [Diagnostic] = []
    private var known: Set<Diagnostic> = []
    private var leftOut: (count: Int, severity: Diagnostic.Severity) = (0, .note)

    init(file: String, environment: [String: String]) {
        self.file = file
        self.environment = environment
    }

    /// An alias leads to the same complaint several times; it is kept once.
    mutating func add(_ diagnostic: Diagnostic) {
        guard known.count < LayoutReader.maximumDiagnostics else {
            leftOut = (leftOut.count + 1, max(leftOut.severity, diagnostic.severity))
            return
        }
        if known.insert(diagnostic).inserted { diagnostics.append(diagnostic) }
    }

    mutating func error(_ code: String, _ message: String, _ place: SourcePlace, _ nextStep: String) {
        add(Diagnostic(.error, code, message, place: place, nextStep: nextStep))
    }

    mutating func warning(_ code: String, _ message: String, _ place: SourcePlace, _ nextStep: String) {
        add(Diagnostic(.warning, code, message, place: place, nextStep: nextStep))
    }

    /// All complaints in the order of the file.
    func finished() -> [Diagnostic] {
        let start = SourcePlace(file: file, line: 1, column: 1)
        var sorted = diagnostics.enumerated().sorted {
            ($0.element.place ?? start, $0.offset) < ($1.element.place ?? start, $1.offset)
        }.map(\.element)
        if leftOut.count > 0 {
            let message = "\(leftOut.count) more complaints are not shown"
            sorted.append(
                Diagnostic(
                    leftOut.severity, "more-complaints", message, nextStep: "correct these first, then look again"))
        }
        return sorted
    }

    // MARK: Mappings and lists

    /// The values of a mapping with fixed keys; unknown keys are reported with the nearest valid one.
    mutating func fields(of node: LayoutNode, as table: LayoutKeys) -> LayoutFields? {
        guard let entries = entries(of: node, table.title, "keys with values (\(table.keys.joined(separator: ", ")))")
        else { return nil }
        var values: [String: LayoutNode] = [:]
        for entry in entries {
            if table.keys.contains(entry.key) {
                values[entry.key] = entry.value
            } else {
                let step =
                    nearestName(to: entry.key, among: table.keys).map { "did you mean `\($0)`?" }
                    ?? "\(table.title) has the keys \(table.keys.joined(separator: ", "))"
                let message = "\(table.title) has no key \(LayoutReader.shown(entry.key))"
                error("unknown-key", message, entry.keyPlace, step)
            }
        }
        return LayoutFields(place: node.place, values: values)
    }

    /// The entries of a mapping with free keys. Nothing (`roles:` and no more) counts as empty.
    mutating func entries(of node: LayoutNode, _ context: String, _ expected: String) -> [LayoutField]? {
        switch node.content {
        case .map(let fields): return fields
        case .nothing: return []
        default:
            wrongType(node, context, expected, "write `key: value` on lines of its own, or { key: value }")
            return nil
        }
    }

    mutating func list(_ node: LayoutNode, _ context: String, _ expected: String) -> [LayoutNode] {
        switch node.content {
        case .list(let items): return items
        case .nothing: return []
        default:
            wrongType(node, context, expected, "put it in brackets: [a, b]")
            return []
        }
    }

    mutating func wrongType(_ node: LayoutNode, _ context: String, _ expected: String, _ nextStep: String) {
        error("wrong-type", "\(context): expected \(expected), found \(node.kind)", node.place, nextStep)
    }

    /// A key that must be there.
    mutating func missing(_ key: String, in table: LayoutKeys, _ place: SourcePlace, _ example: String) {
        error("missing-key", "\(table.title) needs `\(key)`", place, "add it, for example `\(example)`")
    }
}

/// The values of one mapping by key; which keys there can be has been checked.
struct LayoutFields {
    let place: SourcePlace
    let values: [String: LayoutNode]

    subscript(key: String) -> LayoutNode? { values[key] }
}
