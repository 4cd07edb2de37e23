import Testing

@testable import Planning

/// A text, and the one complaint that it must get.
struct LayoutComplaint: CustomTestStringConvertible, Sendable {
    var name: String
    var text: String
    var code: String
    var line: Int
    var column: Int
    /// Parts of the message and of the next step.
    var says: [String]
    var environment: [String: String] = [:]

    init(
        _ name: String, _ text: String, _ code: String, _ line: Int, _ column: Int, _ says: String...,
        environment: [String: String] = [:]
    ) {
        (self.name, self.text, self.code) = (name, text, code)
        (self.line, self.column, self.says, self.environment) = (line, column, says, environment)
    }

    var testDescription: String { name }

    /// Checks severity, code, place and words; other complaints about the same text are not allowed.
    func check(_ severity: Diagnostic.Severity, sourceLocation: SourceLocation = #_sourceLocation) {
        let (layout, diagnostics) = decode(text, environment)
        #expect(diagnostics.map(\.code) == [code], "\(diagnostics)", sourceLocation: sourceLocation)
        #expect((layout == nil) == (severity == .error), sourceLocation: sourceLocation)
        guard let found = diagnostics.first(where: { $0.code == code }) else { return }
        #expect(found.severity == severity, sourceLocation: sourceLocation)
        #expect(
            found.place == SourcePlace(file: "strata.yaml", line: line, column: column), sourceLocation: sourceLocation)
        #expect(found.nextStep?.isEmpty == false, sourceLocation: sourceLocation)
        let words = "\(found.message) | \(found.nextStep ?? "")"
        for part in says { #expect(words.contains(part), "\(words)", sourceLocation: sourceLocation) }
    }
}

func decode(
    _ text: String, _ environment: [String: String] = [:]
) -> (layout: Layout?, diagnostics: [Diagnostic]) {
    LayoutDecoder.decode(text, file: "strata.yaml", environment: environment)
}

/// The layout of a text that nothing is wrong with.
func layout(_ text: String, _ environment: [String: String] = [:]) throws -> Layout {
    let (layout, diagnostics) = decode(text, environment)
    #expect(diagnostics.isEmpty, "\(diagnostics)")
    return try #require(layout)
}
