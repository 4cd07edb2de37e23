import Foundation
import JSONSchemas
import Planning
import PostgresDriver
import SQLiteImport
import TestSupport

/// A whole import, as the command makes it, in the test's own process.
struct ImportFixture {
    let database: TestDatabase
    let path: String
    var options = ImportOptions()
    var orm: ORMProfile?
    var mapping: String?
    var layout: Layout?
    /// Where the rows go, if not straight to the database.
    var target: ConnectionSettings?

    init(_ file: SQLiteFile, into database: TestDatabase, mostRejects: Int? = nil) {
        (self.database, path) = (database, file.path)
        options.jobs = 2
        options.mostRejects = mostRejects
    }

    struct Done {
        var site: ImportSite
        var outcome: ImportRun.Outcome
        var verified: [ImportVerification.Table]
        var objects: [String]
        /// As the lines of the file of rejects, decoded.
        var rejects: [[String: JSONValue]]

        var isEqual: Bool { verified.allSatisfy(\.isEqual) && objects.isEmpty }
    }

    private var request: ImportRequest {
        var request = ImportRequest(path)
        request.options = options
        request.orm = orm
        request.layout = layout
        request.mapping = mapping.map { ($0, "mapping.yaml") }
        return request
    }

    /// Without a target.
    func review() async throws -> ImportReview {
        try await ImportSite.open(request, target: nil) { _ in }.review
    }

    /// Throws `ImportFailure` where the command would end with its exit code.
    func run(listener: @escaping @Sendable (ImportEvent) -> Void = { _ in }) async throws -> Done {
        try await database.with { connection in
            try await ImportTarget.check(connection)
            let site = try await ImportSite.open(request, target: connection, listener: listener)
            guard site.complaints.isEmpty else { throw ImportFailure(.incompatible, site.complaints) }
            try await ImportJournal.prepare(connection)
            let journal = try await site.begin(on: connection)
            let tables = site.plan.tables
            let outcome = try await ImportRun(
                site.snapshot, target: target ?? database.settings, tables: tables, options: options, listener: listener
            ).run(journal)
            let verified = try await ImportVerification(
                site.snapshot, target: database.settings, tables: tables, jobs: options.jobs
            ).run(refused: journal.refused())
            let objects = try await ImportTarget.differences(tables, site.schema.sequences, journal)
            if objects.isEmpty { try await journal.set(state: "done") }
            let lines = try await journal.rejects(after: 0, limit: 100_000)
            return Done(
                site: site, outcome: outcome, verified: verified, objects: objects,
                rejects: try lines.map { try Self.object($0.line) })
        }
    }

    /// Only the journal: as far as a call comes that is killed before its first step. Gives the import's number.
    @discardableResult
    func begin() async throws -> Int {
        try await database.with { connection in
            let site = try await ImportSite.open(request, target: connection) { _ in }
            try await ImportJournal.prepare(connection)
            return try await site.begin(on: connection).id
        }
    }

    func restart() async throws {
        try await database.with { connection in
            guard let earlier = try await ImportJournal.last(path, on: connection) else { return }
            try await ImportRestart.run(ImportJournal(earlier.id, on: connection), on: connection)
        }
    }

    private static func object(_ line: String) throws -> [String: JSONValue] {
        guard case .object(let object) = try JSONParser.parse(line) else { return [:] }
        return Dictionary(uniqueKeysWithValues: object.members.map { ($0.key, $0.value) })
    }
}
