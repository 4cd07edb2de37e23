internal import SQLSyntax

/// Which differences of a catalog the steps of a run have made themselves. Objects are named as in canonical lines, with
/// the old names of what has moved.
struct StepDeeds {
    private var added: Set<String> = []
    private var shims: Set<String> = []
    /// Old names of shims that were left and are not there.
    private(set) var missingShims: [String] = []
    /// Names of shims that `contract` has dropped, and so what hung on them.
    private var dropped: [String] = []
    /// What steps of a kind write about.
    private var names: [Step.Kind: Set<String>] = [:]
    private var statements: [Step.Kind: [String]] = [:]

    init(_ steps: [Step], catalog: Catalog, lookup: CatalogLookup, names moved: MovedNames) {
        let shims = Dictionary(grouping: lookup.shims, by: \.display)
        for step in steps {
            let text = moved.replaced(MovedNames.escaped(step.statements.joined(separator: " ")))
            statements[step.kind, default: []].append(text)
            names[step.kind, default: []].formUnion(MovedNames.qualifiedNames(in: text))
            switch step.kind {
            case .createSchema: added.insert(MovedNames.escaped(step.object))
            case .dropShim: dropped.append(MovedNames.escaped(step.object))
            case .createShim: addShims(step.object, shims[step.object] ?? [], catalog)
            default: break
            }
        }
        let built = steps.filter { $0.kind == .buildIndex || $0.kind == .attachIndex }.map(\.object)
        if !built.isEmpty { addIndexes(Set(built), catalog, lookup, moved) }
    }

    private mutating func addShims(_ name: String, _ found: [Shim], _ catalog: Catalog) {
        if found.isEmpty { missingShims.append(name) }
        let name = MovedNames.escaped(name)
        for shim in found {
            switch shim.reference.kind {
            case .type: shims.formUnion(["type \(name)", "comment on type \(name)"])
            case .function:
                let arguments = MovedNames.escaped(catalog.functions[shim.reference.oid]?.identityArguments ?? "")
                shims.formUnion(["function \(name)(\(arguments))", "comment on function \(name)(\(arguments))"])
            default: shims.formUnion(["view \(name)", "comment on relation \(name)"])
            }
        }
    }

    /// With those that PostgreSQL makes on sub-partitions itself.
    private mutating func addIndexes(
        _ built: Set<String>, _ catalog: Catalog, _ lookup: CatalogLookup, _ moved: MovedNames
    ) {
        for index in catalog.indexes.values {
            var ancestor: Index? = index
            while let current = ancestor {
                if built.contains(display(lookup.schemaName(current.schema), current.name)) {
                    added.insert(
                        "index "
                            + moved.replaced(MovedNames.escaped(display(lookup.schemaName(index.schema), index.name))))
                    break
                }
                ancestor = current.parent == 0 ? nil : catalog.indexes[current.parent]
            }
        }
    }

    /// Whether a line is that of a shim, or of the comment that marks it.
    func isShim(_ line: String) -> Bool {
        let parts = line.split(separator: "\t", omittingEmptySubsequences: false)
        guard let object = parts.first, shims.contains(String(object)) else { return false }
        return object.hasPrefix("comment ")
            ? parts.contains { $0.hasPrefix("text=\(CatalogLookup.shimPrefix)") }
            : !parts.contains { $0.hasPrefix("oid=") }
    }

    func explainAddition(of object: String) -> Bool {
        if added.contains(object) || isSetting(object) || isDefaultPrivilege(object) { return true }
        guard names[.appendOnly] != nil, object.hasPrefix("trigger ") else { return false }
        return object.hasSuffix(".\(AppendOnlySteps.rowTrigger)")
            || object.hasSuffix(".\(AppendOnlySteps.truncateTrigger)")
    }

    func explainRemoval(of object: String) -> Bool {
        if isSetting(object) || isDefaultPrivilege(object) { return true }
        return dropped.contains { name in
            guard let range = object.firstRange(of: " \(name)") else { return false }
            let rest = object[range.upperBound...]
            return rest.isEmpty || rest.hasPrefix(".") || rest.hasPrefix("(")
        }
    }

    /// `attribute` is `key: old → new`.
    func explainChange(of object: String, _ attribute: String) -> Bool {
        if isSetting(object) || isDefaultPrivilege(object) { return true }
        let key = attribute.prefix { $0 != ":" }
        switch key {
        case "acl", "column_acl":
            return isNamed(object, by: .grant) || isNamed(object, by: .appendOnly)
        case "settings", "definition": return object.hasPrefix("function ") && isNamed(object, by: .setSearchPath)
        case "foreign_options": return isNamed(object, by: .setForeignOptions)
        case "parent": return added.contains(object)
        // A build that was cut off leaves an index that is not valid.
        case "invalid", "not_ready": return added.contains(object)
        default: return false
        }
    }

    private func isNamed(_ object: String, by kind: Step.Kind) -> Bool {
        guard let names = names[kind] else { return false }
        if object.hasPrefix("schema ") {
            return statements[kind]?.contains { "\($0) ".contains(" SCHEMA \(object.dropFirst("schema ".count)) ") }
                ?? false
        }
        return MovedNames.qualifiedNames(in: object).contains { names.contains($0) }
    }

    /// `setting search_path of app in this database`.
    private func isSetting(_ object: String) -> Bool {
        guard object.hasPrefix("setting search_path of ") else { return false }
        return statements[.setSearchPath]?.contains { $0.hasPrefix("ALTER DATABASE") || $0.hasPrefix("ALTER ROLE ") }
            ?? false
    }

    /// `default privileges of app in sales for r`.
    private func isDefaultPrivilege(_ object: String) -> Bool {
        guard object.hasPrefix("default privileges of ") else { return false }
        return statements[.defaultPrivileges]?.contains { text in
            guard let role = text.firstRange(of: " FOR ROLE "), let schema = text.firstRange(of: " IN SCHEMA "),
                let end = text.firstRange(of: " GRANT ")
            else { return false }
            let (maker, place) = (text[role.upperBound..<schema.lowerBound], text[schema.upperBound..<end.lowerBound])
            return object.hasPrefix("default privileges of \(maker) in \(place) for ")
        } ?? false
    }
}
