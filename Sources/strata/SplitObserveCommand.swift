import ArgumentParser
import Engine
import Foundation
import Planning
import PostgresDriver

/// `strata split observe`: what the proxies have seen that would cross the cut.
struct SplitObserveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "observe",
        abstract: "Shows which statements and transactions of live traffic would cross the cut of a split.",
        discussion: """
            While the layout places a schema on another database and the main database still has it, strata proxy counts
            what uses both sides, without any data. Each crossing is fixed, or exempt for a while by `exemptions` of the
            layout; new exemptions have to be accepted.

            Examples:
              strata split observe
              strata split observe billing --format json
              strata split observe --accept-exemptions
              strata split observe billing --reset    # after a fix: count anew

            Exit code 0 when nothing crosses that is not exempt, 1 where nobody has looked yet, 3 with exemptions that
            nobody has accepted, 4 with crossings that no exemption covers.
            """)

    @OptionGroup var global: GlobalOptions

    @Argument(help: ArgumentHelp("This schema alone.", valueName: "schema"))
    var schema: String?

    @Flag(help: "Forget what was counted, and count anew.")
    var reset = false

    @Flag(help: "Accept the exemptions that the layout has now.")
    var acceptExemptions = false

    @Flag(help: "Show all of each example, not only its beginning.")
    var all = false

    func validate() throws {
        if reset, acceptExemptions {
            throw ValidationError("--reset and --accept-exemptions are two things: give one of them")
        }
    }

    func run() async throws {
        let workplace = Workplace(global)
        let layout = try workplace.layout()
        let schemas = try leaving(layout)
        let connection = try await workplace.connect(layout, command: "split observe")
        let result: Result<CrossingReport?, any Error>
        do { result = .success(try await work(layout, schemas, CrossingStore(connection), workplace)) } catch {
            result = .failure(error)
        }
        await connection.close()
        guard let report = try result.get() else { return }
        switch global.format {
        case .json: workplace.console.output(try CrossingJSON.encode(report))
        case .text:
            workplace.console.output(
                CrossingText(style: workplace.console.outputStyle, showsAll: all).render(report))
        }
        if !report.exemptions.additions.isEmpty { throw ExitCode.hazardsNotAccepted }
        if report.uncovered > 0 { throw ExitCode.verificationDiffers }
        if !report.unobserved.isEmpty { throw ExitCode.failure }
    }

    /// - Returns: nil where there is nothing to report.
    private func work(
        _ layout: Layout, _ schemas: [String], _ store: CrossingStore, _ workplace: Workplace
    ) async throws -> CrossingReport? {
        if reset {
            let count = try await store.reset(schemas)
            switch global.format {
            case .json: workplace.console.output("{\"forgotten\":\(count)}\n")
            case .text:
                workplace.console.output(
                    "Forgot \(counted(count, "crossing")) of \(schemas.joined(separator: ", ")); they are counted anew.\n"
                )
            }
            return nil
        }
        if acceptExemptions { try await store.accept(layout.exemptions, by: .current) }
        let record = try await store.read()
        let review = ExemptionReview(layout.exemptions, record: record)
        if review.hasShrunk { try await shrink(layout, store) }
        return CrossingReport(layout, record: record, exemptions: review, only: schema)
    }

    /// Who only reads the counts may look all the same.
    private func shrink(_ layout: Layout, _ store: CrossingStore) async throws {
        do { try await store.shrink(to: layout.exemptions) } catch let error as PostgresError
            where error.sqlState == .insufficientPrivilege
        {
            Console.shared.report([
                Diagnostic(
                    .warning, "exemptions-not-kept",
                    "the layout has fewer exemptions than were accepted, and this role may not write that down",
                    object: "strata.exemptions",
                    nextStep: "run strata split observe once as the role that owns schema strata")
            ])
        }
    }

    private func leaving(_ layout: Layout) throws -> [String] {
        let all = CrossingReport.leaving(layout).map(\.schema)
        guard !all.isEmpty else {
            throw DiagnosticsError(
                Diagnostic(
                    .error, "nothing-to-split", "the layout places no schema on another database than the main one",
                    nextStep: "give a schema `database:` in the layout"))
        }
        guard let schema else { return all }
        guard all.contains(schema) else {
            throw DiagnosticsError(
                Diagnostic(
                    .error, "no-such-split", "the layout does not place schema \(schema) on another database",
                    nextStep: "it does so with: \(all.joined(separator: ", "))"))
        }
        return [schema]
    }
}

/// The report for machines; see docs/split.md.
enum CrossingJSON {
    static func encode(_ report: CrossingReport) throws -> String {
        try JSONOutput.text(Document(report))
    }

    private struct Document: Encodable {
        var schemas: [SchemaDocument]
        var exemptions: ExemptionsDocument
        var uncovered: Int
        var dropped: Int

        init(_ report: CrossingReport) {
            schemas = report.schemas.map(SchemaDocument.init)
            exemptions = ExemptionsDocument(report.exemptions)
            uncovered = report.uncovered
            dropped = report.dropped
        }
    }

    private struct SchemaDocument: Encodable {
        var schema: String
        var database: String
        var observedSince: String?
        var heardLast: String?
        var observers: Int
        var uncovered: Int
        var crossings: [CrossingDocument]

        init(_ schema: CrossingReport.Schema) {
            self.schema = schema.schema
            database = schema.database
            observedSince = schema.observedSince.map(CrossingJSON.time)
            heardLast = schema.heardLast.map(CrossingJSON.time)
            observers = schema.observers
            uncovered = schema.uncovered
            crossings = schema.entries.map(CrossingDocument.init)
        }
    }

    private struct CrossingDocument: Encodable {
        var fingerprint: String
        var kind: String
        var count: Int
        var firstSeen: String
        var lastSeen: String
        var example: String
        var schemas: [String]
        var databases: [String]
        var application: String
        var statements: [Crossing.Statement]
        var exemption: ExemptionDocument?
        var remedy: String

        init(_ entry: CrossingReport.Entry) {
            let crossing = entry.crossing
            fingerprint = crossing.fingerprint
            kind = crossing.kind.rawValue
            count = crossing.count
            firstSeen = CrossingJSON.time(crossing.firstSeen)
            lastSeen = CrossingJSON.time(crossing.lastSeen)
            example = crossing.example
            schemas = crossing.schemas
            databases = entry.databases
            application = crossing.application
            statements = crossing.statements
            exemption = entry.exemption.map { ExemptionDocument($0) }
            remedy = crossing.kind.remedy
        }
    }

    private struct ExemptionDocument: Encodable {
        var fingerprint: String
        var reason: String
        var until: String
        var acceptedUntil: String?

        init(_ exemption: Exemption, acceptedUntil: CalendarDate? = nil) {
            fingerprint = exemption.fingerprint
            reason = exemption.reason
            until = exemption.until.description
            self.acceptedUntil = acceptedUntil?.description
        }
    }

    private struct ExemptionsDocument: Encodable {
        var notAccepted: [ExemptionDocument]
        var expired: [ExemptionDocument]
        var removable: [ExemptionDocument]

        init(_ review: ExemptionReview) {
            notAccepted = review.additions.map { ExemptionDocument($0.exemption, acceptedUntil: $0.acceptedUntil) }
            expired = review.expired.map { ExemptionDocument($0) }
            removable = review.removable.map { ExemptionDocument($0) }
        }
    }

    private static func time(_ seconds: Int) -> String { CalendarDate.utc(seconds).replacing(" ", with: "T") }
}
