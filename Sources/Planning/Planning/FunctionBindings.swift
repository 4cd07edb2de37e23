internal import OrderedCollections
internal import SQLSyntax

/// What the bodies of functions bind by name: PostgreSQL keeps bodies as text, so a move breaks them, or leaves them
/// leaning on a shim. Where only the search_path is at fault a step sets it on the function; the rest are hazards.
struct FunctionBindings {
    let context: PlanningContext
    private var catalog: Catalog { context.catalog }
    var lookup: CatalogLookup { context.lookup }

    /// What one function needs.
    struct Finding {
        var function: Function
        /// The schemas of its new search_path, if it is to be set.
        var path: [String]?
        var oldPath: [String] = []
        var hazards: [Hazard] = []
        var notes: [Diagnostic] = []
    }

    func findings() -> [Finding] {
        guard !context.movedWords.isEmpty else { return [] }
        // Those of the event store name nothing outside of it.
        let closed = context.layout.eventStoreHere.flatMap { lookup.schema(named: $0)?.oid }
        let suspects = catalog.functions.values.filter { function in
            function.schema != closed && !function.bindsByOID && function.language != "internal"
                && function.language != "c"
                && catalog.extensionMembers[ObjectReference(.function, function.oid)] == nil
                && !lookup.isShim(.function, function.oid) && needsReading(function)
        }
        return suspects.sorted {
            (lookup.schemaName($0.schema), $0.name, $0.identityArguments) < (
                lookup.schemaName($1.schema), $1.name, $1.identityArguments
            )
        }
        .compactMap(finding)
    }

    /// Dynamic SQL may name a table in pieces, so every EXECUTE is read too.
    private func needsReading(_ function: Function) -> Bool {
        context.mentionsMoved(function.source)
            || Words.anyWord(of: function.source) {
                let word = $0.lowercased()
                return word == "execute" || word == "constraints" || word.hasPrefix("tg_table")
                    || word == "table_schema"
            }
    }

    func name(of function: Function) -> String {
        "\(display(lookup.schemaName(function.schema), function.name))(\(function.identityArguments))"
    }

    // MARK: One function

    private func finding(for function: Function) -> Finding? {
        let analysis = FunctionBody.analyse(
            language: function.language, definition: function.definition, source: function.source)
        var finding = Finding(function: function)
        switch analysis.status {
        case .bindsByOID: return nil
        case .unanalysable(let language):
            if context.mentionsMoved(function.source) {
                finding.hazards.append(unreadable(function, why: "it is written in \(language)"))
            }
            finding.hazards += schemaNameHazards(inText: function)
            return finding.hazards.isEmpty ? nil : finding
        case .analysed:
            for fragment in analysis.unparsed where context.mentionsMoved(fragment.text) {
                finding.hazards.append(
                    unreadable(function, why: "line \(fragment.line) cannot be parsed (\(fragment.message))"))
            }
        }
        let path = lookup.path(of: function)
        let names = NameBinder(context: context).bind(analysis.references, path: path)
        let hits = names.filter { $0.move != nil }
        decide(&finding, hits: hits, names: names, path: path, analysis: analysis)
        finding.hazards += dynamicHazards(function, analysis)
        finding.hazards += schemaNameHazards(function, analysis)
        finding.hazards += constraintHazards(
            function, analysis, path: path, afterwards: finding.path ?? later(path, function))
        return finding.hazards.isEmpty && finding.notes.isEmpty && finding.path == nil ? nil : finding
    }

    private func unreadable(_ function: Function, why: String) -> Hazard {
        Hazard(
            .untrackableDependencies, object: name(of: function),
            message: "it mentions objects that move, and \(why), so Strata cannot tell how it uses them",
            remedy: "read it, and name the objects with their new schema or set its search_path: "
                + "ALTER ROUTINE \(name(of: function)) SET search_path = …")
    }

    // MARK: The search_path, or a hazard

    private func decide(
        _ finding: inout Finding, hits: [BoundName], names: [BoundName], path: [String], analysis: FunctionAnalysis
    ) {
        let unqualified = hits.filter { $0.schema == nil }
        let qualified = hits.filter { $0.schema != nil }
        var fixed = false
        if !unqualified.isEmpty, !analysis.references.setsSearchPath, !controlsTransactions(finding.function),
            let newPath = repairedPath(for: unqualified, names: names, path: path),
            !hidesStaying(analysis.references, path: path, newPath: newPath)
        {
            finding.path = newPath
            finding.oldPath = path
            fixed = true
        }
        var leaning: [String: (move: Move, lines: [Int])] = [:]
        let rest = (fixed ? [] : unqualified) + qualified
        for hit in rest {
            guard let move = hit.move else { continue }
            if carriedByShim(hit, move: move) {
                // The same place may be both a plain use and one that a view cannot carry.
                guard !rest.contains(where: { $0.feature != nil && $0.line == hit.line && $0.written == hit.written })
                else { continue }
                leaning[hit.written, default: (move, [])].lines.append(hit.line)
            } else {
                finding.hazards.append(broken(finding.function, hit: hit, move: move, analysis: analysis))
            }
        }
        finding.notes = leaning.sorted { $0.key < $1.key }.map {
            self.leaning(finding.function, name: $0.key, lines: $0.value.lines.uniqued(), move: $0.value.move)
        }
        finding.hazards = finding.hazards.uniqued()
        if fixed, losesInlining(finding.function) { finding.notes.append(notInlined(finding.function)) }
    }

    /// PostgreSQL puts simple SQL functions into the calling query, but not those with a SET clause.
    private func losesInlining(_ function: Function) -> Bool {
        function.language == "sql" && function.configuration.isEmpty && !function.isSecurityDefiner
            && function.volatility != .volatile
    }

    private func notInlined(_ function: Function) -> Diagnostic {
        Diagnostic(
            .note, "not-inlined",
            "with a search_path of its own it is called instead of being put into the query, which may be slower",
            object: name(of: function),
            nextStep: "if it matters, qualify the names in its body and RESET its search_path after the move")
    }

    /// Whether some role's own search_path, or a schema named like it, makes one of the names stand for something else:
    /// then the function is meant to follow its caller, and a fixed path would read the wrong rows.
    private func dependsOnCaller(_ function: Function, _ names: [BoundName], path: [String]) -> Bool {
        guard function.searchPathSetting == nil, !function.isSecurityDefiner else { return false }
        let resolution = NameResolution(catalog: catalog, lookup: lookup)
        return callersPaths.contains { other in
            names.contains { name in
                guard let found = resolution.schema(of: name.name, in: name.space, path: other) else { return false }
                return found != resolution.schema(of: name.name, in: name.space, path: path)
            }
        }
    }

    /// The paths of roles that have one of their own, and of roles that have a schema of their name.
    private var callersPaths: [[String]] {
        let configured = Set(catalog.settings.filter { $0.name == "search_path" && $0.role != 0 }.map(\.role))
        let named = catalog.roles.values.filter { lookup.schema(named: $0.name) != nil }.map(\.oid)
        return configured.union(named).sorted().map { role in
            lookup.searchPath(ofRole: role).compactMap { $0 == "$user" ? catalog.roles[role]?.name : $0 }
        }.uniqued()
    }

    /// A procedure that has a SET clause may not COMMIT or ROLL BACK.
    private func controlsTransactions(_ function: Function) -> Bool {
        function.kind == .procedure
            && Words.anyWord(of: function.source) { ["commit", "rollback"].contains($0.lowercased()) }
    }

    private func carriedByShim(_ hit: BoundName, move: Move) -> Bool {
        guard context.layout.compatibility == .views, hit.feature == nil, !hit.isSequence else { return false }
        // A cast to the old type gives the domain, and a comparison of it with the type fails.
        if move.isPartlyShimmedType { return false }
        return ShimSQL(context: context).step(for: move) != nil
    }

    /// The new schemas before the old path; nil where that would change what any other name in the body stands for.
    private func repairedPath(for unqualified: [BoundName], names: [BoundName], path: [String]) -> [String]? {
        var targets: [String] = []
        for hit in unqualified {
            if let to = hit.move?.to, !targets.contains(to) { targets.append(to) }
        }
        let newPath = targets + path.filter { !targets.contains($0) }
        let resolution = NameResolution(catalog: catalog, lookup: lookup)
        for name in names where name.schema == nil {
            if let move = name.move {
                // What still has the name there would be found before the move.
                if context.names.replaces(move) { return nil }
                // Before it moves, no schema put in front may have the name; afterwards its own must come first.
                let index = newPath.firstIndex(of: move.to) ?? 0
                let inFront = newPath.prefix(index)
                if inFront.contains(where: { occupied(name, schema: $0) }) { return nil }
                if !path.contains(move.from) { return nil }
            } else if let now = resolution.schema(of: name.name, in: name.space, path: path) {
                let after = newPath.first { $0 == now || occupied(name, schema: $0) }
                if after != now { return nil }
            } else if targets.contains(where: { occupied(name, schema: $0) }) {
                return nil
            }
        }
        return newPath
    }

    /// Whether a schema put in front has a collation or text search object that the body means another one by.
    private func hidesStaying(_ references: StatementReferences, path: [String], newPath: [String]) -> Bool {
        let staying = StayingObjects(catalog: catalog, lookup: lookup)
        func changes(_ kinds: [String], _ name: String) -> Bool {
            path.first { staying.has(kinds, name, in: $0) } != newPath.first { staying.has(kinds, name, in: $0) }
        }
        return references.collations.contains { $0.schema == nil && changes(["collation"], $0.name) }
            || references.textSearchLiterals.contains {
                $0.schema == nil && changes(StayingObjects.textSearch, $0.name)
            }
    }

    /// The path of a function that has none of its own, once the plan is done.
    private func later(_ path: [String], _ function: Function) -> [String] {
        guard context.layout.compatibility == .searchPath, function.searchPathSetting == nil else { return path }
        return path + context.targetSchemas.filter { !path.contains($0) }
    }

    /// Whether the schema has, or will have, something of that name.
    private func occupied(_ name: BoundName, schema: String) -> Bool {
        if NameResolution(catalog: catalog, lookup: lookup).has(name.name, in: name.space, schema: schema) {
            return true
        }
        return (context.movesByName[name.name] ?? []).contains { $0.to == schema && $0.oid != name.move?.oid }
    }

    private func broken(_ function: Function, hit: BoundName, move: Move, analysis: FunctionAnalysis) -> Hazard {
        var message = "line \(hit.line) names \(hit.written), which moves to \(move.to)"
        if let feature = hit.feature {
            message += ": \(feature.explanation.dropLast())"
        } else if hit.isSequence {
            message += "; a sequence can have no compatibility view"
        } else if move.isPartlyShimmedType, context.layout.compatibility == .views {
            message += "; through the domain left under the old name assignments work and comparisons fail"
        } else if context.layout.compatibility != .views {
            message += "; without compatibility views it will fail"
        }
        return Hazard(
            hit.feature == nil ? .bindsByName : .shimInsufficient, object: name(of: function), message: message,
            remedy: "write \(display(move.to, hit.name)) there right after the move"
                + (hit.schema == nil
                    ? ", or \(function.searchPathSetting == nil ? "set" : "change") its search_path" : ""),
            line: hit.line, excerpt: analysis.text(ofLine: hit.line))
    }

    private func leaning(_ function: Function, name written: String, lines: [Int], move: Move) -> Diagnostic {
        let places = lines.sorted().map(String.init).joined(separator: ", ")
        return Diagnostic(
            .note, "leans-on-shim",
            "line\(lines.count == 1 ? "" : "s") \(places) name\(lines.count == 1 ? "s" : "") \(written): it goes on working through the compatibility view",
            object: name(of: function), nextStep: "write \(move.newName) there before strata contract")
    }

    // MARK: What cannot be known

    private func dynamicHazards(_ function: Function, _ analysis: FunctionAnalysis) -> [Hazard] {
        let unknown = analysis.dynamic.filter { $0.unknown == .names }
        guard let first = unknown.first else { return [] }
        let lines = unknown.map { String($0.line) }.joined(separator: ", ")
        return [
            Hazard(
                .untrackableDependencies, object: name(of: function),
                message: "it executes statements made at run time (line \(lines)) that may name objects that move",
                remedy: "check what it executes; pass names as regclass, or qualify them with the new schema",
                line: first.line, excerpt: analysis.text(ofLine: first.line))
        ]
    }

    // MARK: Steps

    /// Set before the moves: the new schemas come first in the path, and until a table arrives its name is still found
    /// where it was.
    func step(for finding: Finding) -> Step? {
        guard let path = finding.path else { return nil }
        let function = finding.function
        let object = name(of: function)
        let before = function.searchPathSetting
        // pg_proc.proconfig holds the list already quoted, as SET takes it.
        let undo = before.map { "SET search_path = \($0.isEmpty ? "''" : $0)" } ?? "RESET search_path"
        return Step(
            kind: .setSearchPath, object: object,
            statements: ["ALTER ROUTINE \(object) SET search_path = \(SearchPath(schemas: path).rendered)"],
            undo: ["ALTER ROUTINE \(object) \(undo)"],
            reason: "its body names moved objects without their schema",
            expects: [
                ObjectPin(.function, oid: function.oid, schema: lookup.schemaName(function.schema), name: function.name)
            ])
    }
}

extension Array where Element: Hashable {
    /// Each element once, in the order of first appearance.
    func uniqued() -> [Element] { Array(OrderedSet(self)) }
}
