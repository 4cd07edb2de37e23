import Testing

@testable import Planning

@Suite("Layout: diagnostics as text")
struct LayoutDiagnosticTextTests {
    private let diagnostic = Diagnostic(
        .error, "unlisted-table", "schema auth lists no table \"sesions\"",
        place: SourcePlace(file: "strata.yaml", line: 12, column: 14), nextStep: "did you mean auth.sessions?")

    @Test("message, place and next step, each on a line of its own")
    func plain() {
        #expect(
            DiagnosticText().render(diagnostic) == """
                error: schema auth lists no table "sesions"
                 --> strata.yaml:12:14
                    try: did you mean auth.sessions?

                """)
    }

    @Test("without place and next step; with an object")
    func bare() {
        #expect(
            DiagnosticText().render(Diagnostic(.warning, "x", "moves", object: "table a.t"))
                == "warning: table a.t: moves\n")
        #expect(
            DiagnosticText().render(Diagnostic(.note, "x", "table a.t moves", object: "a.t"))
                == "note: table a.t moves\n")
    }

    @Test("several are parted by an empty line")
    func several() {
        let note = Diagnostic(.note, "x", "one")
        #expect(DiagnosticText().render([note, note]) == "note: one\n\nnote: one\n")
        #expect(DiagnosticText().render([]) == "")
    }

    @Test("lines break at the width, long words stay whole", arguments: [20, 40, 80])
    func width(width: Int) {
        let words = [String](repeating: "word", count: 40).joined(separator: " ")
        let long = String(repeating: "x", count: 100)
        let text = DiagnosticText(width: width).render(Diagnostic(.error, "x", words, nextStep: "a\n\(words) \(long)"))
        let lines = text.split(separator: "\n")
        #expect(lines.allSatisfy { $0.count <= width || $0.contains(long) })
        #expect(lines.count { $0.contains(long) } == 1)
        #expect(lines.filter { $0.hasPrefix("    ") }.count == lines.count - 1)
        #expect(text.split { $0 == " " || $0 == "\n" }.count { $0 == "word" } == 80)
        #expect(lines.contains("    try: a"))
    }

    @Test("colour only where it is asked for, and with the same letters")
    func colour() {
        let coloured = DiagnosticText(colour: true).render(diagnostic)
        #expect(coloured.contains("\u{1B}[1;31merror:\u{1B}[0m schema"))
        #expect(coloured.replacing(#/\u{1B}\[[0-9;]*m/#, with: "") == DiagnosticText().render(diagnostic))
        #expect(!DiagnosticText().render(diagnostic).contains("\u{1B}"))
    }

    @Test("a name cannot steer the terminal")
    func control() {
        let text = DiagnosticText().render(Diagnostic(.error, "x", "table \u{1B}[2Ja\rb\tc", nextStep: "\u{7}"))
        #expect(text == "error: table <U+1B>[2Ja<U+D>b c\n    try: <U+7>\n")
    }
}
