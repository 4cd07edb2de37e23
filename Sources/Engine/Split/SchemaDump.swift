import Foundation
import Planning
import PostgresDriver
import SQLSyntax
import SystemPackage

/// The definitions of a schema in a file of `pg_dump`, and parts of it on another database by `pg_restore`: they know
/// every kind of object of every version, and what depends on what.
struct SchemaDump: Sendable {
    /// Of the folder that only this user can read; it holds definitions and no rows.
    private let folder: String
    private let installation: PostgresInstallation
    private let environment: [String: String]
    private var file: String { "\(folder)/schema.dump" }
    /// A server that waits for a lock longer than this is not worth waiting for.
    private static let lockTimeout = "30s"
    private static let timeout = Duration.seconds(3600)

    static func take(
        of schema: String, _ source: ConnectionSettings, version: Int, environment: [String: String]
    ) async throws -> SchemaDump {
        let installation = try await PostgresInstallation.find(environment: environment)
        let programs = installation.programs.string
        guard Files.isExecutable("\(programs)/pg_dump"), Files.isExecutable("\(programs)/pg_restore") else {
            throw EngineFailure(
                .failed,
                Diagnostic(
                    .error, "no-pg-dump", "\(programs) has no pg_dump and pg_restore",
                    nextStep: "install PostgreSQL's client programs (Debian: apt-get install postgresql-client)"))
        }
        guard installation.version.major >= version / 10_000 else {
            throw EngineFailure(
                .failed,
                Diagnostic(
                    .error, "old-pg-dump",
                    "pg_dump \(installation.version) cannot read a server of version \(version / 10_000)",
                    nextStep: "install that version's client programs, or set STRATA_PG_BINDIR to their folder"))
        }
        let folder = NSTemporaryDirectory() + "strata-split-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let dump = SchemaDump(folder: folder, installation: installation, environment: environment)
        do {
            _ = try await dump.call(
                "pg_dump",
                [
                    "--format=custom", "--schema-only", "--no-publications", "--no-subscriptions",
                    "--lock-wait-timeout=\(lockTimeout)", "--schema=\(Self.pattern(schema))", "--file=\(dump.file)",
                ], source)
        } catch {
            dump.remove()
            throw error
        }
        return dump
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    func list(_ section: String) async throws -> [DumpEntry] {
        DumpEntry.entries(try await call("pg_restore", ["--list", "--section=\(section)", file], nil).output)
    }

    /// All of them or, where one fails, none.
    func restore(_ entries: [DumpEntry], to target: ConnectionSettings) async throws {
        guard !entries.isEmpty else { return }
        _ = try await call(
            "pg_restore", ["--single-transaction", "--exit-on-error"] + arguments(try list(entries), target), target)
    }

    /// Several at once, each for itself. What is there already, from an attempt before, stays.
    /// - Returns: what `pg_restore` complains of.
    func restoreEach(_ entries: [DumpEntry], to target: ConnectionSettings, jobs: Int) async throws -> String {
        guard !entries.isEmpty else { return "" }
        let list = try list(entries)
        let outcome = try await run("pg_restore", ["--jobs=\(jobs)"] + arguments(list, target), target)
        return outcome.succeeded ? "" : outcome.errors
    }

    private func list(_ entries: [DumpEntry]) throws -> String {
        let path = "\(folder)/\(UUID().uuidString).list"
        try Data((entries.map(\.line).joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    private func arguments(_ list: String, _ target: ConnectionSettings) -> [String] {
        ["--use-list=\(list)", "--dbname=\(target.keywordText(withPassword: false))", file]
    }

    /// Names in patterns are as psql's: quoted, for exactly this one.
    private static func pattern(_ schema: String) -> String {
        "\"" + schema.replacing("\"", with: "\"\"") + "\""
    }

    @discardableResult
    private func call(
        _ program: String, _ arguments: [String], _ settings: ConnectionSettings?
    ) async throws -> ChildProcess.Outcome {
        let outcome = try await run(program, arguments, settings)
        guard outcome.succeeded else {
            throw EngineFailure(
                .failed,
                Diagnostic(
                    .error, "dump-failed", "\(program) failed: \(Self.shortened(outcome.errors))",
                    nextStep: "mend what it names, then call strata split again"))
        }
        return outcome
    }

    private func run(
        _ program: String, _ arguments: [String], _ settings: ConnectionSettings?
    ) async throws -> ChildProcess.Outcome {
        var extra: [String: String] = [:]
        var arguments = arguments
        if let settings {
            if let password = settings.password() { extra["PGPASSWORD"] = password }
            if program == "pg_dump" { arguments.append("--dbname=\(settings.keywordText(withPassword: false))") }
            // Nothing on the target waits for a lock for ever, and our own guards let these statements through.
            extra["PGOPTIONS"] = "-c strata.split=\(program) -c statement_timeout=0"
        }
        return try await ChildProcess.run(
            "\(installation.programs)/\(program)", arguments, environment: environment, extra: extra,
            timeout: Self.timeout)
    }

    static func shortened(_ text: String) -> String {
        let lines = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("pg_restore: while ") }
        let shown = lines.prefix(6).joined(separator: "\n")
        return lines.count > 6 ? shown + "\n… and \(lines.count - 6) lines more" : shown
    }
}
