extension PLpgSQLAnalyser {
    /// The name that stands for what is not known; no reference to it is kept.
    private static let placeholder = "strata_unknown"

    /// EXECUTE: rebuilds the statement from the constants of its expression and parses it.
    mutating func analyseDynamic(_ fragment: PLpgSQLFragment) {
        guard let value = value(of: fragment.range) else {
            return addDynamic(fragment, nil, unknown: .names)
        }
        if let variable = plainVariable(value), !content.filled.contains(variable), !parameters.contains(variable) {
            guard let assigned = content.assignments[variable] else {
                return addDynamic(fragment, nil, unknown: .names)
            }
            for assignment in assigned where executedAssignments.insert(assignment.range.lowerBound).inserted {
                let part = PLpgSQLFragment(
                    kind: .execute, range: assignment.range, statementOffset: assignment.statementOffset
                )
                guard let value = self.value(of: part.range) else { continue }
                analyse(DynamicText(value), part)
            }
            return
        }
        analyse(DynamicText(value), fragment)
    }

    private func value(of range: Range<Int>) -> SyntaxNode? {
        let statement = try? SQLParser.parse("SELECT " + source.text(range)).first
        return statement?.node["targetList"]?.children.first?["ResTarget"]?["val"]
    }

    private func plainVariable(_ value: SyntaxNode) -> String? {
        guard let names = value["ColumnRef"]?["fields"]?.strings, names.count == 1 else { return nil }
        return names[0]
    }

    private mutating func analyse(_ text: DynamicText, _ fragment: PLpgSQLFragment) {
        for choice in Self.choices(for: text) {
            let rebuilt = Rebuilt(text, choice)
            guard let statements = try? SQLParser.parse(rebuilt.text), !statements.isEmpty else { continue }
            var found = StatementReferences()
            for statement in statements {
                found.append(StatementReferences.collect(in: statement)) { [source] place in
                    rebuilt.place(of: place, fragment: fragment, in: source)
                }
            }
            let namesUnknown = found.removeAll(named: Self.placeholder)
            analysis.references.append(found) { $0 }
            if namesUnknown || text.hasUnknownText {
                addDynamic(fragment, text, unknown: namesUnknown ? .names : .values, rebuilt: rebuilt.text)
            }
            return
        }
        addDynamic(fragment, text, unknown: .names)
    }

    private mutating func addDynamic(
        _ fragment: PLpgSQLFragment,
        _ text: DynamicText?,
        unknown: DynamicStatement.Unknown,
        rebuilt: String? = nil
    ) {
        analysis.dynamic.append(
            DynamicStatement(
                line: source.line(of: fragment.range.lowerBound),
                expression: source.text(fragment.range),
                knownPrefix: text?.knownPrefix ?? "",
                unknown: unknown,
                reconstructed: rebuilt
            )
        )
    }

    /// What the unknown texts may stand for: a name, a value, nothing, or a list in parentheses; the same for all, or
    /// every mixture for up to three unknown texts.
    private static func choices(for text: DynamicText) -> [[String]] {
        let count = text.pieces.count { if case .anything = $0 { true } else { false } }
        let fillers = [placeholder, "NULL", "", "(\(placeholder))"]
        guard count > 0 else { return [[]] }
        guard count <= 3 else { return fillers.map { Array(repeating: $0, count: count) } }
        var mixtures: [[String]] = [[]]
        for _ in 0..<count { mixtures = mixtures.flatMap { mixture in fillers.map { mixture + [$0] } } }
        return mixtures
    }

    /// A statement rebuilt from pieces, and where its parts come from.
    private struct Rebuilt {
        var text = ""
        private var origins: [Origin] = []

        private struct Origin {
            let start: Int
            let offset: Int
            let skipped: Int
            let text: String
        }

        init(_ pieces: DynamicText, _ choice: [String]) {
            var remaining = choice[...]
            for piece in pieces.pieces {
                let start = text.utf8.count
                switch piece {
                case .constant(let part, let offset, let skipped):
                    text += part
                    guard offset >= 0, !part.isEmpty else { continue }
                    origins.append(Origin(start: start, offset: offset, skipped: skipped, text: part))
                case .name: text += PLpgSQLAnalyser.placeholder
                // A string fits wherever a value does, also after DATE or INTERVAL.
                case .value: text += "'0'"
                case .anything: text += remaining.popFirst() ?? ""
                }
            }
        }

        /// The place in the body, found again inside the constant that the text comes from.
        func place(of place: TextPlace, fragment: PLpgSQLFragment, in source: SourceText) -> TextPlace {
            var result = source.place(fragment.range.lowerBound, fragment: fragment)
            result.isDynamic = true
            guard let origin = origins.last(where: { $0.start <= place.offset }) else { return result }
            // The expression was parsed with "SELECT " before it.
            let constant = max(origin.offset - 7 + fragment.range.lowerBound, fragment.range.lowerBound)
            let inside = min(place.offset - origin.start, origin.text.utf8.count)
            result.offset = StringConstant.offset(ofValueByte: origin.skipped + inside, at: constant, in: source.bytes)
            result.line = source.line(of: result.offset)
            return result
        }
    }
}

extension StatementReferences {
    /// Removes all references with a name that the text is part of; true when there were any.
    fileprivate mutating func removeAll(named part: String) -> Bool {
        func isPart(_ names: String?...) -> Bool { names.contains { $0?.contains(part) ?? false } }
        let before = nameCount
        relations.removeAll { isPart($0.name, $0.schema, $0.catalog) }
        functions.removeAll { isPart($0.name, $0.schema) }
        types.removeAll { isPart($0.name, $0.schema) }
        regclassLiterals.removeAll { isPart($0.name, $0.schema) }
        constraints.removeAll { isPart($0.name, $0.schema) }
        textSearchLiterals.removeAll { isPart($0.name, $0.schema) }
        features.removeAll { isPart($0.relation?.name, $0.relation?.schema) }
        return nameCount != before
    }

    private var nameCount: Int {
        relations.count + functions.count + types.count + regclassLiterals.count + constraints.count
    }
}
