import Foundation
package import Planning

/// A plan as text: what `--out` writes, what the ledger keeps, and what `--format json` prints.
package enum PlanFile {
    package static func encode(_ plan: Plan, pretty: Bool = false) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting =
            pretty ? [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(plan), as: UTF8.self)
    }

    /// Throws a diagnostic for a text that is no plan, or one of another format.
    package static func decode(_ text: String) throws -> Plan {
        struct Header: Decodable { var format: Int }
        let data = Data(text.utf8)
        guard let header = try? JSONDecoder().decode(Header.self, from: data) else {
            throw notAPlan("it is not a plan that strata wrote")
        }
        guard header.format == Plan.currentFormat else {
            throw notAPlan("its format is \(header.format); this Strata reads format \(Plan.currentFormat)")
        }
        do { return try JSONDecoder().decode(Plan.self, from: data) } catch {
            throw notAPlan("it is incomplete or was changed")
        }
    }

    private static func notAPlan(_ why: String) -> EngineFailure {
        EngineFailure(
            .failed,
            Diagnostic(
                .error, "not-a-plan", "the saved plan cannot be used: \(why)",
                nextStep: "make it again: strata plan --out FILE"))
    }
}
