/// Whether values of one version of a schema are values of another.
///
/// Conservative: no finding means that it was shown; a finding says what was not. docs/json-schemas.md lists what can be
/// shown.
package enum SchemaCompatibility {
    package enum Rule: String, Sendable, CaseIterable {
        case none
        /// What is valid under the old schema is valid under the new one: new readers read old events.
        case backward
        /// What is valid under the new schema is valid under the old one: old readers read new events.
        case forward
        case full
    }

    /// Something that was not shown to be compatible.
    package struct Finding: Sendable, Hashable, CustomStringConvertible {
        /// `backward` or `forward`.
        package var direction: Rule
        /// Where in the values; `*` stands for any key or index.
        package var instance: JSONPointer
        /// The keyword that stands against it, of the new schema (backward) or the old one (forward).
        package var keyword: String
        package var message: String

        package var description: String {
            "\(direction.rawValue): \(instance.tokens.isEmpty ? "(the whole)" : instance.description): \(message)"
        }
    }

    /// What stands against a rule; at most `limit` findings in each direction.
    package static func check(old: JSONSchema, new: JSONSchema, rule: Rule, limit: Int = 100) -> [Finding] {
        var findings: [Finding] = []
        if rule == .backward || rule == .full { findings += check(from: old, to: new, .backward).prefix(limit) }
        if rule == .forward || rule == .full { findings += check(from: new, to: old, .forward).prefix(limit) }
        return findings
    }

    private static func check(from source: JSONSchema, to target: JSONSchema, _ direction: Rule) -> [Finding] {
        if isSame(source, target) { return [] }
        let names = direction == .backward ? ("the old schema", "the new schema") : ("the new schema", "the old schema")
        let inclusion = SchemaInclusion(
            source: source.program, target: target.program, sourceName: names.0, targetName: names.1)
        var seen: Set<Finding> = []
        return inclusion.problems().compactMap { problem in
            let finding = Finding(
                direction: direction, instance: problem.instance, keyword: problem.keyword, message: problem.message)
            return seen.insert(finding).inserted ? finding : nil
        }
    }

    /// Read from the same text by the same rules.
    private static func isSame(_ left: JSONSchema, _ right: JSONSchema) -> Bool {
        left.dialect == right.dialect && left.program.formats == right.program.formats
            && left.program.uri == right.program.uri && left.program.source == right.program.source
            && left.program.documents == right.program.documents
    }
}
