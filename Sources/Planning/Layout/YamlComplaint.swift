import Yams

/// What the YAML parser throws, as a diagnostic with a place.
enum YamlComplaint {
    static func diagnostic(for error: YamlError, file: String) -> Diagnostic {
        func place(_ mark: Mark) -> SourcePlace { SourcePlace(file: file, line: mark.line, column: mark.column) }
        let start = SourcePlace(file: file, line: 1, column: 1)
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _):
            return syntax(problem, context?.text, place(mark))
        case .composer(_, let problem, let mark, _) where problem.contains("another document"):
            return Diagnostic(
                .error, "several-documents", "a second document begins here", place: place(mark),
                nextStep:
                    "keep one layout in the file: remove the `---` line and what follows, or give it a file of its own")
        case .composer(_, let problem, let mark, _) where problem.contains("undefined alias"):
            return Diagnostic(
                .error, "unknown-alias", "the alias names no anchor above it", place: place(mark),
                nextStep: "put a text that begins with `*` in quotes, or define the anchor with `&name` first")
        case .composer(_, let problem, let mark, _): return syntax(problem, nil, place(mark))
        case .reader(_, let offset, let value, let text):
            let scalar = offset.map { position(of: $0, in: text, file: file) }
            let what = value > 0 ? "the control character \(value)" : "a byte that is no text"
            return Diagnostic(
                .error, "bad-character", "the file contains \(what)", place: scalar ?? start,
                nextStep: "save the file as plain UTF-8 text")
        case .duplicatedKeysInMapping(let keys, let context):
            let names = keys.sorted().map { LayoutReader.shown($0) }.joined(separator: ", ")
            return Diagnostic(
                .error, "duplicate-key", "a key is given twice: \(names)", place: place(context.mark),
                nextStep: "join the two, or remove one: YAML would keep only one of them")
        default:
            return Diagnostic(.error, "bad-yaml", "the file could not be read as YAML", place: start)
        }
    }

    private static func syntax(_ problem: String, _ context: String?, _ place: SourcePlace) -> Diagnostic {
        let step =
            steps.first { problem.contains($0.problem) }?.step
            ?? "compare the line and the one before it with the example in docs/layout-file.md"
        let suffix = context.map { " \($0)" } ?? ""
        return Diagnostic(.error, "bad-yaml", "not valid YAML: \(problem)\(suffix)", place: place, nextStep: step)
    }

    private static let steps: [(problem: String, step: String)] = [
        ("mapping values are not allowed", "put a text with a colon in quotes, and check the indentation"),
        (
            "did not find expected ',' or",
            "close the bracket, put commas between values, and quotes round a ${NAME} inside of brackets"
        ),
        ("did not find expected key", "indent the keys of one mapping alike, and close every bracket"),
        ("could not find expected ':'", "write `key: value`, with a space after the colon"),
        ("did not find expected '-'", "indent the entries of one list alike"),
        ("did not find expected node content", "write a value here, or remove the comma"),
        ("cannot start any token", "put a text that begins with a special sign (@ ` %) in quotes"),
        ("block sequence entries are not allowed", "put the list on lines of its own, or in brackets: [a, b]"),
    ]

    private static func position(of offset: Int, in text: String, file: String) -> SourcePlace {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: text.prefix(offset).unicodeScalars)
        let lines = LayoutTextCheck.lines(of: String(view))
        return SourcePlace(file: file, line: lines.count, column: (lines.last?.count ?? 0) + 1)
    }
}
