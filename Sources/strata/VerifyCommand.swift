import ArgumentParser
import Engine
import Foundation
import Planning
import PostgresDriver

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract:
            "Proves that nothing was lost: compares the database with the layout and with what the runs found before.",
        discussion: """
            Each compatibility object is tried with a real SELECT, INSERT, UPDATE and DELETE, which are rolled back.

            Examples:
              strata verify
              strata verify --exact          # counts every row, in one snapshot
              strata verify --format json | jq '.checks[] | select(.outcome == "difference")'

            Exit code 4 on any difference.
            """)

    @OptionGroup var global: GlobalOptions

    @Flag(help: "Count all rows, of the tables and through their old names.")
    var exact = false

    @Flag(help: "List every check and every unplaced object, not only what needs attention.")
    var all = false

    func run() async throws {
        let workplace = Workplace(global)
        let layout = try workplace.layout()
        let connection = try await workplace.connect(layout, command: "verify")
        let ledger = Ledger(connection)
        let open = try await ledger.openRun()
        let (runs, undone) = try await comparedRuns(ledger)
        let catalog = try await CatalogReader.read(connection)
        let progress = VerifyProgress(console: workplace.console, quiet: global.format == .json)
        let verification = try await Verifier(
            connection, options: VerifyOptions(exactRows: exact), progress: progress.handle
        )
        .verify(
            layout: undone == nil ? layout : nil, catalog: catalog, runs: runs,
            components: undone == nil ? EventComponent.here(layout, catalog) : [])
        await connection.close()
        progress.end()
        if let open { opening(open, workplace) }
        switch global.format {
        case .json:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            workplace.console.output(String(decoding: try encoder.encode(verification), as: UTF8.self) + "\n")
        case .text:
            workplace.console.output(text(verification, style: workplace.console.outputStyle))
        }
        if let undone, global.format == .text {
            workplace.console.output(conclusion(undone, catalog: catalog, style: workplace.console.outputStyle))
        }
        if !verification.isClean { throw ExitCode.verificationDiffers }
    }
}

extension VerifyCommand {
    /// The runs that stand; where the newest one was undone and none stands, that one, to see that all is back.
    private func comparedRuns(_ ledger: Ledger) async throws -> (runs: [Run], undone: Run?) {
        guard try await ledger.exists() else { return ([], nil) }
        let standing: [Run]
        do {
            let found = try await ledger.standing()
            Console.shared.report(found.unreadable)
            standing = found.runs
            if !found.unreadable.isEmpty { return (standing, nil) }
        } catch let error as PostgresError where error.sqlState == .insufficientPrivilege {
            Console.shared.report([
                Diagnostic(
                    .warning, "ledger-not-readable",
                    "this role may not read the ledger (schema strata): nothing to compare with",
                    nextStep: "verify as the role that applied the runs, to have the time before them compared too")
            ])
            return ([], nil)
        }
        guard standing.isEmpty else { return (standing, nil) }
        do {
            guard let newest = try await ledger.newest(), newest.state == .undone else { return ([], nil) }
            return ([newest], newest)
        } catch let failure as EngineFailure {
            Console.shared.report(
                failure.diagnostics.map { Diagnostic(.warning, $0.code, $0.message, object: $0.object) })
            return ([], nil)
        }
    }

    /// What stands half-way says less than what is whole: that comes first.
    private func opening(_ run: RunSummary, _ workplace: Workplace) {
        guard global.format == .text else { return workplace.console.report([run.warning]) }
        let style = workplace.console.outputStyle
        let message = run.warning.message
        workplace.console.output(
            style.yellow(
                style.wrap(message.prefix(1).uppercased() + message.dropFirst() + ".", indentation: 2, first: 0))
                + "\n" + (run.warning.nextStep.map { style.wrap("try: \($0)", indentation: 5, first: 0) + "\n" } ?? "")
                + "\n")
    }

    /// With `--all` also every object that no schema lists, a line each.
    private func text(_ verification: Verification, style: TextStyle) -> String {
        let renderer = VerificationText(style: style, showsPassed: all)
        guard all, !verification.unplaced.isEmpty else { return renderer.render(verification) }
        var rest = verification
        rest.unplaced = []
        return renderer.render(rest) + "\nUnplaced (no schema lists them; they stay):\n"
            + verification.unplaced.map { "  \($0)\n" }.joined()
    }

    private func conclusion(_ run: Run, catalog: Catalog, style: TextStyle) -> String {
        let same = catalog.fingerprint == run.fingerprintBefore
        let text =
            "Run \(run.id) was undone; this compares with the time before it. The catalog "
            + (same ? "is exactly as it was." : "has been changed by others since.")
        return "\n" + style.wrap(text, indentation: 2, first: 0) + "\n"
    }
}

/// One line that changes, on a terminal only.
struct VerifyProgress: Sendable {
    let console: Console
    let quiet: Bool

    func handle(_ event: VerifyEvent) {
        guard !quiet, console.errorIsTerminal else { return }
        switch event {
        case .catalogChecked(let shims, let tables):
            draw("catalog compared; \(counted(shims, "old name")) and \(counted(tables, "table")) to try")
        case .shim(let name, let position, let total): draw("old name \(position) of \(total): \(name)")
        case .counting(let table, let position, let total, let rows, let expected, let remaining):
            let left = remaining.map { ", about \($0.seconds) s left" } ?? ""
            draw(
                "counting \(position) of \(total): \(table), \(grouped(rows)) of about \(grouped(expected)) rows\(left)"
            )
        case .finished: break
        }
    }

    func end() {
        if !quiet, console.errorIsTerminal { console.error("\r\u{1B}[K") }
    }

    private func draw(_ text: String) {
        console.error("\r\u{1B}[K" + text.prefix(console.errorStyle.width - 1))
    }
}
