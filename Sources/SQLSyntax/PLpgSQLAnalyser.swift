/// Parses the pieces of a PL/pgSQL body and gathers what they bind, with places in the body.
struct PLpgSQLAnalyser {
    /// The name given to a cursor's arguments so that they parse; no reference to it is kept.
    private static let argumentsCall = "strata_arguments"

    let tokens: SQLTokens
    let content: PLpgSQLContent
    /// All variables; inner blocks may hide outer names, which does not matter here.
    let variables: Set<String>
    let parameters: Set<String>
    var analysis: FunctionAnalysis
    /// Assigned expressions that were already analysed as statements to execute.
    var executedAssignments: Set<Int> = []

    init(tokens: SQLTokens, content: PLpgSQLContent, parameters: Set<String>) {
        self.tokens = tokens
        self.content = content
        self.parameters = parameters
        variables = content.variables.union(parameters).union(["new", "old", "found", "sqlerrm", "sqlstate"])
        analysis = FunctionAnalysis(status: .analysed, source: tokens.source)
    }

    mutating func run() -> FunctionAnalysis {
        for fragment in content.fragments { analyse(fragment) }
        findTriggerVariables()
        for problem in content.problems {
            let line = source.line(of: problem.offset)
            let text = source.text(ofLine: line) ?? ""
            analysis.unparsed.append(UnparsedFragment(message: problem.message, line: line, text: text))
        }
        removeVariables()
        return analysis
    }

    var source: SourceText { tokens.source }

    private mutating func analyse(_ fragment: PLpgSQLFragment) {
        switch fragment.kind {
        case .statement(let hidden):
            collect(source.text(fragment.range, hiding: hidden), prefix: "", fragment)
        case .expression:
            collect(source.text(fragment.range), prefix: "SELECT ", fragment)
        case .arguments:
            collect(source.text(fragment.range), prefix: "SELECT \(Self.argumentsCall)", fragment)
        case .execute:
            collect(source.text(fragment.range), prefix: "SELECT ", fragment)
            analyseDynamic(fragment)
        case .type:
            analyseType(fragment)
        }
    }

    /// Parses a text made of a prefix and bytes of the body.
    private mutating func collect(_ text: String, prefix: String, _ fragment: PLpgSQLFragment) {
        do {
            for statement in try SQLParser.parse(prefix + text) {
                let found = StatementReferences.collect(in: statement)
                let base = fragment.range.lowerBound - prefix.utf8.count
                analysis.references.append(found) { [source] in
                    source.place($0.offset + base, fragment: fragment)
                }
            }
        } catch {
            let offset = (error.offset ?? prefix.utf8.count) - prefix.utf8.count + fragment.range.lowerBound
            let line = source.line(of: max(offset, fragment.range.lowerBound))
            analysis.addUnparsed(error, text: text, line: line)
        }
    }

    /// Declared types: `t.c%TYPE` and `t%ROWTYPE` are PL/pgSQL's, the rest is SQL's syntax.
    private mutating func analyseType(_ fragment: PLpgSQLFragment) {
        let part = tokens.tokens.filter { $0.kind != .comment && fragment.range.contains($0.range.lowerBound) }
        guard let percent = part.firstIndex(where: { tokens.text($0) == "%" }), percent + 1 < part.count else {
            return collect(source.text(fragment.range), prefix: "SELECT NULL::", fragment)
        }
        var names = part[..<percent].filter { $0.kind != .symbol }.map(tokens.name)
        let isRow = tokens.name(part[percent + 1]) == "rowtype"
        var form = TypeReference.Form.rowType
        if !isRow {
            guard names.count > 1 else { return }
            form = .columnType(column: names.removeLast())
        }
        guard let name = names.last, names.count > 1 || !variables.contains(name) else { return }
        let schema = names.count > 1 ? names[names.count - 2] : nil
        let place = source.place(fragment.range.lowerBound, fragment: fragment)
        analysis.references.types.append(TypeReference(schema: schema, name: name, form: form, place: place))
        if isRow {
            let relation = QualifiedName(schema: schema, name: name)
            analysis.references.features.append(
                ShimFeatureUse(feature: .rowType, relation: relation, place: place)
            )
        }
    }

    private mutating func findTriggerVariables() {
        for token in tokens.tokens where token.kind == .identifier {
            guard let variable = TriggerVariableUse.Variable(rawValue: tokens.name(token)) else { continue }
            analysis.triggerVariables.append(
                TriggerVariableUse(variable: variable, line: source.line(of: token.range.lowerBound))
            )
        }
    }

    private mutating func removeVariables() {
        analysis.references.functions.removeAll { $0.name == Self.argumentsCall }
        let variables = variables
        analysis.references.features.removeAll { use in
            // `r.xmin` of a record, where no relation is called r.
            guard use.feature == .systemColumn, let name = use.relation, name.schema == nil else { return false }
            return variables.contains(name.name)
        }
    }
}

extension SourceText {
    /// The text of a range with a part of it blanked, so that places stay as they are.
    func text(_ range: Range<Int>, hiding hidden: Range<Int>?) -> String {
        guard let hidden else { return text(range) }
        var part = Array(bytes[range])
        for offset in hidden where range.contains(offset) && bytes[offset] != 0x0A {
            part[offset - range.lowerBound] = 0x20
        }
        return String(decoding: part, as: UTF8.self)
    }

    func place(_ offset: Int, fragment: PLpgSQLFragment) -> TextPlace {
        let offset = max(offset, fragment.range.lowerBound)
        return TextPlace(
            offset: offset, line: line(of: offset), statementLine: line(of: fragment.statementOffset)
        )
    }
}
