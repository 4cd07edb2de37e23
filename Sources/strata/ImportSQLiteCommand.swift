import ArgumentParser
import Engine
import Foundation
import Planning
import PostgresDriver
import SQLiteImport

/// `strata import sqlite FILE`: review, load, verify.
struct ImportSQLiteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sqlite",
        abstract: "Loads a SQLite file into PostgreSQL, with nothing lost in silence.",
        discussion: """
            The file is only read, as it is at one moment. Tables that are in the
            target already, made by an ORM's migrations, are loaded as they are; all
            others are made, in the schemas that the layout gives them. A call that was
            cut off goes on where it stopped.

            Examples:
              strata import sqlite app.db --review
              strata import sqlite app.db --review --write-mapping map.yaml
              strata import sqlite app.db --into postgresql:///app --mapping map.yaml
              strata import sqlite app.db --into postgresql:///app --verify

            Exit codes: 0 done, 1 failed, 3 something has to be decided first, 4 the
            target differs from the file, 5 stopped but resumable, 6 more rows rejected
            than allowed, 64 usage.
            """)

    @OptionGroup var global: GlobalOptions

    @Argument(help: ArgumentHelp("The SQLite file.", valueName: "file"))
    var file: String

    @Option(help: ArgumentHelp("The database to load; the same as --url.", valueName: "url"))
    var into: String?

    @Flag(help: "Only say what would be done; changes nothing, and needs no target.")
    var review = false

    @Flag(help: "Only compare the target with the file.")
    var verify = false

    @Flag(name: .customLong("no-verify"), help: "Do not compare at the end; --verify does so later.")
    var skipsVerification = false

    @Flag(help: "Take back what an earlier import of this file made, and begin anew.")
    var restart = false

    @Option(help: ArgumentHelp("A mapping that --write-mapping wrote, perhaps edited.", valueName: "file"))
    var mapping: String?

    @Option(help: ArgumentHelp("Write the mapping there, and else only review.", valueName: "file"))
    var writeMapping: String?

    @Option(help: ArgumentHelp("Write the review there as Markdown.", valueName: "file"))
    var report: String?

    @Option(help: "Who made the file: prisma, django, rails, drizzle, sqlalchemy.")
    var orm: ORMArgument?

    @Option(help: ArgumentHelp("Connections that load at once, 1 to 16.", valueName: "number"))
    var jobs = min(4, max(2, ProcessInfo.processInfo.activeProcessorCount))

    @Option(help: ArgumentHelp("Rows that may be rejected: a number, or all.", valueName: "number"))
    var maxRejects = RejectLimit(rows: 0)

    @Option(
        help: ArgumentHelp(
            "Where rejects are written, as JSON Lines (default: FILE.rejects.jsonl in the working folder).",
            valueName: "file"))
    var rejects: String?

    @Flag(help: "No progress on stderr.")
    var quiet = false

    struct ORMArgument: ExpressibleByArgument {
        var profile: ORMProfile
        init?(argument: String) {
            guard let profile = ORMProfile(rawValue: argument) else { return nil }
            self.profile = profile
        }
        static var allValueStrings: [String] { ORMProfile.allCases.map(\.rawValue) }
    }

    /// Nil: any number.
    struct RejectLimit: ExpressibleByArgument {
        var rows: Int?
        init(rows: Int?) { self.rows = rows }
        init?(argument: String) {
            if argument == "all" {
                rows = nil
            } else if let number = Int(argument), number >= 0 {
                rows = number
            } else {
                return nil
            }
        }
        var defaultValueDescription: String { rows.map(String.init) ?? "all" }
    }

    func validate() throws {
        guard 1...16 ~= jobs else { throw ValidationError("--jobs must be from 1 to 16") }
        guard !(review && verify), !(restart && (review || verify)) else {
            throw ValidationError("--review, --verify and --restart exclude each other")
        }
        guard into == nil || global.url == nil else { throw ValidationError("--into and --url are the same: name one") }
    }

    func run() async throws {
        var options = global
        if let into { options.url = into }
        let workplace = Workplace(options)
        let work = try ImportWork(self, workplace)
        do {
            if review || writeMapping != nil {
                try await work.review()
            } else if verify {
                try await work.verify()
            } else {
                try await work.load()
            }
        } catch {
            work.progress.end()
            throw ImportExit.describe(error, workplace.console)
        }
    }
}

extension ExitCode {
    static let tooManyRejects = ExitCode(6)
}

/// From an error to its exit code; what has been said is not said again.
enum ImportExit {
    static func describe(_ error: any Error, _ console: Console) -> any Error {
        switch error {
        case let failure as ImportFailure:
            console.report(failure.diagnostics)
            return code(failure.kind)
        case let error as SourceError:
            console.report([error.diagnostic])
            return ExitCode.failure
        case is CancellationError:
            console.report([
                Diagnostic(
                    .error, "interrupted", "interrupted; what was committed is kept",
                    nextStep: "the same command goes on")
            ])
            return ExitCode.stoppedResumable
        case let error as PostgresError where error.isConnectionLost:
            console.report([
                Diagnostic(
                    .error, "connection-lost", error.message,
                    nextStep: "check that the server runs; the same command goes on")
            ])
            return ExitCode.stoppedResumable
        default: return error
        }
    }

    private static func code(_ kind: ImportFailure.Kind) -> ExitCode {
        switch kind {
        case .failed: .failure
        case .incompatible: .hazardsNotAccepted
        case .rejects: .tooManyRejects
        case .resumable: .stoppedResumable
        }
    }
}
