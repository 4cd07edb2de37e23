import Foundation
import JSONSchemas
import Testing

@Suite("JSON Schema's own test suite")
struct SchemaSuiteTests {
    private struct Outcome {
        var item: SuiteFiles.Case
        /// Nil where the case came out as it has to.
        var failure: String?

        var name: String { "\(item.file) | \(item.group) | \(item.name)" }
        var isRequired: Bool { !item.file.hasPrefix("optional/") }
    }

    private func run(_ draft: String, _ dialect: SchemaDialect) throws -> [Outcome] {
        let suite = try SuiteFiles()
        let remotes = try suite.remotes()
        var compiled: [String: Result<JSONSchema, SchemaErrors>] = [:]
        return try suite.cases(draft).map { item in
            let key = "\(item.file) | \(item.group)"
            let isFormat = item.file.hasPrefix("optional/format/")
            let schema =
                compiled[key]
                ?? Result { () throws(SchemaErrors) in
                    try JSONSchema.compile(
                        item.schema, dialect: dialect, documents: remotes, formats: isFormat ? .assert : .annotate)
                }
            compiled[key] = schema
            return Outcome(item: item, failure: failure(schema, item))
        }
    }

    private func failure(_ schema: Result<JSONSchema, SchemaErrors>, _ item: SuiteFiles.Case) -> String? {
        switch schema {
        case .failure(let errors): return "refused: \(errors.description)"
        case .success(let schema):
            let violations = schema.validate(item.data)
            if violations.isEmpty != schema.isValid(item.data) { return "validate and isValid differ: \(violations)" }
            return violations.isEmpty == item.isValid ? nil : "\(item.isValid ? "\(violations)" : "valid")"
        }
    }

    @Test("every required case, and the optional ones but those known", arguments: SuiteDraft.all)
    func suite(_ draft: SuiteDraft) throws {
        let outcomes = try run(draft.folder, draft.dialect)
        let required = outcomes.filter(\.isRequired)
        let optional = outcomes.filter { !$0.isRequired }
        #expect(required.count == draft.requiredCount)
        for outcome in required {
            if let failure = outcome.failure { Issue.record("\(outcome.name): \(failure)") }
        }
        var expected = draft.knownFailures
        for outcome in optional {
            if draft.refusedFiles[outcome.item.file] != nil {
                #expect(outcome.failure?.hasPrefix("refused:") == true, "\(outcome.name)")
            } else if let failure = outcome.failure, expected.removeValue(forKey: outcome.name) == nil {
                Issue.record("\(outcome.name): \(failure)")
            }
        }
        for name in expected.keys.sorted() { Issue.record("known to fail, but passes or is not there: \(name)") }
        report(draft, required, optional)
    }

    private func report(_ draft: SuiteDraft, _ required: [Outcome], _ optional: [Outcome]) {
        func passed(_ outcomes: [Outcome]) -> String {
            "\(outcomes.filter { $0.failure == nil }.count) of \(outcomes.count)"
        }
        let files = Dictionary(grouping: optional, by: \.item.file).sorted { $0.key < $1.key }
        print("\(draft.name): \(passed(required)) required, \(passed(optional)) optional")
        for (file, outcomes) in files { print("  \(file): \(passed(outcomes))") }
    }
}
