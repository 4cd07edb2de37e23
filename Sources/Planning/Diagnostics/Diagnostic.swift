/// Something Strata has to tell about the user's input or database: a value, never only a printed line.
///
/// Rendered as `error: …`, the place, and `try: …` on a line of its own. Messages never contain secrets.
package struct Diagnostic: Error, Sendable, Hashable, Codable {
    package enum Severity: String, Sendable, Codable, Comparable {
        case note, warning, error

        package static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }
        private var rank: Int { self == .note ? 0 : self == .warning ? 1 : 2 }
    }

    /// A stable name for the kind of complaint, in kebab-case, for example `unknown-key`.
    package var code: String
    package var severity: Severity
    /// Where in the user's file, if it is about a file.
    package var place: SourcePlace?
    /// What it is about, for example `table public.animals`; empty where the place says it all.
    package var object: String
    package var message: String
    /// What to do next, as a sentence or a statement to run.
    package var nextStep: String?

    package init(
        _ severity: Severity, _ code: String, _ message: String, object: String = "", place: SourcePlace? = nil,
        nextStep: String? = nil
    ) {
        self.code = code
        self.severity = severity
        self.place = place
        self.object = object
        self.message = message
        self.nextStep = nextStep
    }
}

/// A position in a text file; line and column count from 1, columns in Unicode scalars.
package struct SourcePlace: Sendable, Hashable, Codable, Comparable {
    package var file: String
    package var line: Int
    package var column: Int

    package init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    package static func < (left: SourcePlace, right: SourcePlace) -> Bool {
        (left.file, left.line, left.column) < (right.file, right.line, right.column)
    }
}

/// Thrown where nothing further can be done: at least one of the diagnostics is an error.
package struct DiagnosticsError: Error, Sendable {
    package var diagnostics: [Diagnostic]

    package init(_ diagnostics: [Diagnostic]) { self.diagnostics = diagnostics }
    package init(_ diagnostic: Diagnostic) { self.diagnostics = [diagnostic] }
}

extension Sequence where Element == Diagnostic {
    package var hasErrors: Bool { contains { $0.severity == .error } }
}
