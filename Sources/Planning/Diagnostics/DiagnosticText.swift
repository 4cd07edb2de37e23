/// Diagnostics as a person reads them. Pure: colour and width are given, nothing is asked of the terminal.
///
/// ```
/// error: schema auth lists no table "sesions"
///  --> strata.yaml:12:14
///     try: did you mean auth.sessions?
/// ```
package struct DiagnosticText: Sendable {
    /// Whether to use ANSI colours.
    package var colour: Bool
    /// Columns of the terminal; lines break at spaces before it. At least 20; longer words stay whole.
    package var width: Int

    package init(colour: Bool = false, width: Int = 80) {
        self.colour = colour
        self.width = max(20, width)
    }

    /// Each diagnostic followed by an empty line, except the last.
    package func render(_ diagnostics: [Diagnostic]) -> String {
        diagnostics.map(render).joined(separator: "\n")
    }

    /// Ends with a line break.
    package func render(_ diagnostic: Diagnostic) -> String {
        let label = diagnostic.severity.rawValue
        var message = diagnostic.message
        if !diagnostic.object.isEmpty, !message.contains(diagnostic.object) {
            message = "\(diagnostic.object): \(message)"
        }
        var lines = wrap(message, first: "\(label): ", indentation: "    ")
        lines[0] = paint(label + ":", colourCode(diagnostic.severity)) + lines[0].dropFirst(label.count + 1)
        if let place = diagnostic.place {
            let text = " --> \(DiagnosticText.printable(place.file)):\(place.line):\(place.column)"
            lines.append(paint(text, "2"))
        }
        if let step = diagnostic.nextStep, !step.isEmpty {
            var stepLines = wrap(step, first: "    try: ", indentation: "         ")
            stepLines[0] = "    " + paint("try:", "1") + stepLines[0].dropFirst("    try:".count)
            lines += stepLines
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func colourCode(_ severity: Diagnostic.Severity) -> String {
        switch severity {
        case .error: "1;31"
        case .warning: "1;33"
        case .note: "1;36"
        }
    }

    private func paint(_ text: String, _ code: String) -> String {
        colour ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }

    /// Breaks at spaces; line breaks of the text stay. There is always at least one line.
    private func wrap(_ text: String, first: String, indentation: String) -> [String] {
        var lines: [String] = []
        for paragraph in text.split(separator: "\n", omittingEmptySubsequences: false) {
            var line = lines.isEmpty ? first : indentation
            var empty = true
            for word in DiagnosticText.printable(String(paragraph)).split(
                separator: " ", omittingEmptySubsequences: false)
            {
                if !empty, line.count + 1 + word.count > width {
                    lines.append(line)
                    line = indentation
                    empty = true
                }
                line += empty ? String(word) : " \(word)"
                empty = false
            }
            lines.append(line)
        }
        return lines
    }

    /// Names from a database or a file must not steer the terminal: control characters are written as U+XXXX.
    package static func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { return text }
        return text.unicodeScalars.map { scalar in
            guard scalar.properties.generalCategory == .control else { return String(scalar) }
            return scalar == "\t" ? " " : "<U+\(String(scalar.value, radix: 16, uppercase: true))>"
        }.joined()
    }
}
