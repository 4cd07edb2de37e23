internal import SQLSyntax

/// Whether the bodies of functions still find what they name. A name that a run took away is a difference; one that was
/// never known (a table that the function expects its caller to make, say) is a warning.
struct FunctionChecks {
    let context: VerificationContext
    private var catalog: Catalog { context.catalog }
    private var lookup: CatalogLookup { context.lookup }

    func add(to verification: inout Verification) {
        var hasDifference = false
        let functions = catalog.functions.values.filter(isRead).sorted { $0.oid < $1.oid }
        for function in functions {
            let found = check(function, figures: &verification.figures)
            hasDifference = hasDifference || found.contains { $0.outcome == .difference }
            for check in found { verification.add(check) }
        }
        guard !hasDifference else { return }
        verification.add(
            .init(
                .passed, .functions, "resolved", SQL.identifier(catalog.server.database),
                "\(counted(verification.figures.functions, "function body", "function bodies")) read; no name that a run changed is missing"
            ))
    }

    private func isRead(_ function: Function) -> Bool {
        !function.bindsByOID && !["internal", "c"].contains(function.language) && function.kind != .aggregate
            && catalog.extensionMembers[ObjectReference(.function, function.oid)] == nil
    }

    // MARK: One function

    private func check(_ function: Function, figures: inout Verification.Figures) -> [Verification.Check] {
        let analysis = FunctionBody.analyse(
            language: function.language, definition: function.definition, source: function.source)
        switch analysis.status {
        case .bindsByOID: return []
        case .unanalysable(let language):
            figures.functionsUnread += 1
            return [skipped(function, "its body is written in \(language), which Strata does not read")]
        case .analysed: break
        }
        var found = missing(analysis, in: function)
        if let fragment = analysis.unparsed.first {
            figures.functionsUnread += 1
            found.append(skipped(function, "line \(fragment.line) of its body cannot be parsed (\(fragment.message))"))
        } else {
            figures.functions += 1
        }
        return found
    }

    private func skipped(_ function: Function, _ why: String) -> Verification.Check {
        .init(.skipped, .functions, "function-unread", context.name(of: function), why)
    }

    private func missing(_ analysis: FunctionAnalysis, in function: Function) -> [Verification.Check] {
        let paths = self.paths(of: function)
        let created = createdNames(analysis, function)
        var seen: Set<QualifiedName> = []
        return names(analysis.references).compactMap { use in
            guard seen.insert(use.name).inserted, !isSilent(use, created: created) else { return nil }
            if use.name.schema == nil, analysis.references.setsSearchPath { return nil }
            guard !resolves(use, paths: paths) else { return nil }
            if let entry = formerOwner(of: use.name, paths: paths) { return lost(use, entry, function, analysis) }
            // to_regclass is there to ask whether something exists.
            return use.isQuestion ? nil : unknown(use, function)
        }
    }

    private struct Use {
        var space: NameResolution.Space
        var name: QualifiedName
        var line: Int
        var isQuestion = false
    }

    private func names(_ references: StatementReferences) -> [Use] {
        references.relations.filter { $0.catalog == nil || $0.catalog == catalog.server.database }.map {
            Use(space: .relation, name: $0.qualifiedName, line: $0.line)
        }
            + references.regclassLiterals.map {
                Use(
                    space: .relation, name: QualifiedName(schema: $0.schema, name: $0.name), line: $0.line,
                    isQuestion: $0.usage == "to_regclass")
            }
            + references.types.map {
                Use(space: .type, name: QualifiedName(schema: $0.schema, name: $0.name), line: $0.line)
            }
    }

    // MARK: Resolution

    /// The function's own path, or those of new sessions: the default one, and those that roles have set.
    private func paths(of function: Function) -> [[String]] {
        let own = context.lookup.path(of: function)
        guard function.searchPathSetting == nil, !function.isSecurityDefiner else { return [own] }
        let others = lookup.searchPaths.keys.map(\.role).filter { $0 != 0 }.map { role in
            lookup.searchPath(ofRole: role).map { $0 == "$user" ? context.roleName(role) : $0 }
        }
        return [own] + others
    }

    private func resolves(_ use: Use, paths: [[String]]) -> Bool {
        let resolution = NameResolution(catalog: catalog, lookup: lookup)
        func has(_ schema: String) -> Bool {
            resolution.has(use.name.name, in: use.space, schema: schema)
                || (use.space == .relation && lookup.index(schema: schema, name: use.name.name) != nil)
        }
        if let schema = use.name.schema { return has(schema) }
        return paths.contains { $0.contains(where: has) }
    }

    /// System schemas, temporary tables, what the body itself makes, and parts of names that are known at run time only.
    private func isSilent(_ use: Use, created: Set<String>) -> Bool {
        if use.name.name.hasPrefix("strata_unknown") { return true }
        guard let schema = use.name.schema else {
            return use.name.name.hasPrefix("pg_") || created.contains(use.name.name)
        }
        return schema.hasPrefix("pg_") || schema == "information_schema" || schema == Catalog.ledgerSchema
            || schema == "strata_unknown" || created.contains(use.name.name)
            || catalog.extensions.values.contains { lookup.schemaName($0.schema) == schema && schema != "public" }
    }

    /// Tables that the body creates, and transition tables of the triggers that call it.
    private func createdNames(_ analysis: FunctionAnalysis, _ function: Function) -> Set<String> {
        var names = Set(analysis.references.relations.filter { $0.access == .ddl }.map(\.name))
        for trigger in lookup.triggers(calling: function.oid) {
            guard let clause = trigger.definition.firstRange(of: " REFERENCING ") else { continue }
            let words = String(trigger.definition[clause.upperBound...])
            _ = Words.anyWord(of: words) { word in
                if word == "FOR" { return true }
                names.insert(word)
                return false
            }
        }
        return names
    }

    /// What bore the name until a run moved it.
    private func formerOwner(of name: QualifiedName, paths: [[String]]) -> BaselineEntry? {
        if name.schema != nil { return context.oldNames[name] }
        for schema in paths.joined() {
            if let entry = context.oldNames[QualifiedName(schema: schema, name: name.name)] { return entry }
        }
        return nil
    }

    // MARK: Findings

    private func lost(
        _ use: Use, _ entry: BaselineEntry, _ function: Function, _ analysis: FunctionAnalysis
    ) -> Verification.Check {
        let name = context.name(of: function)
        let path = SearchPath(
            schemas: [entry.newSchema] + context.lookup.path(of: function).filter { $0 != entry.newSchema })
        let fix =
            use.name.schema == nil
            ? "ALTER ROUTINE \(name) SET search_path = \(path.rendered)"
            : "write \(SQL.qualified(entry.newSchema, use.name.name)) there"
        let line = analysis.text(ofLine: use.line).map { " (\($0.prefix(80)))" } ?? ""
        return .init(
            .difference, .functions, "name-lost", name,
            "line \(use.line)\(line) names \(use.name), which moved to \(SQL.identifier(entry.newSchema)) and is not found any more",
            nextStep: fix)
    }

    private func unknown(_ use: Use, _ function: Function) -> Verification.Check {
        .init(
            .warning, .functions, "name-unknown", context.name(of: function),
            "line \(use.line) names \(use.name), which is not there; no run of Strata moved it",
            nextStep: "fine if it is made at run time; else the function has been failing before")
    }
}
