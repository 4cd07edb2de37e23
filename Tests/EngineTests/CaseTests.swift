import Engine
import Foundation
import Planning
import PostgresDriver
import TestSupport
import Testing

/// One folder of `Cases/` for each thing that PostgreSQL does to a moved object: before.sql → plan.txt → apply →
/// after.sql → plan again is empty → back → as before → forward again. Where plan.txt says why the layout is refused,
/// there is no after.sql, and nothing was touched.
///
/// `STRATA_RECORD=1` writes plan.txt anew, and fails: a baseline is to be read before it is believed.
@Suite("Cases")
struct CaseTests {
    @Test("case", arguments: Case.all)
    func recipe(_ example: Case) async throws {
        try await CaseRoles.made.value
        let (layout, before) = (try example.read("layout.yaml"), try example.read("before.sql"))
        try await Reorganisation.with("case", before: "", layout: layout) { work in
            try await RacingRoles.load(try CaseNames(work).filled(before), on: work.connection)
            let untouched = try await work.catalog()
            let record = PlanRecord(database: work.database.name, user: untouched.server.user)
            let plan: Plan
            do { plan = try await work.plan() } catch let refusal as DiagnosticsError {
                try example.expectPlan(record.text(refusal))
                #expect(!example.has("after.sql"), "refused, so nothing comes after it")
                #expect(try await work.catalog().fingerprint == untouched.fingerprint)
                return
            }
            try example.expectPlan(record.text(plan))
            let after = try AssertionScript("after.sql", CaseNames(work).filled(try example.read("after.sql")))

            try await work.apply(plan)
            try await work.session { try await after.check($0) }
            let second = try await work.plan()
            #expect(second.steps.isEmpty, "second plan:\n\(record.text(second))")
            let differences = try await work.differences()
            #expect(differences == after.differences, "verify: \(differences.joined(separator: "\n"))")

            try await work.rollback()
            let back = try await work.catalog()
            let difference = CatalogDifference.between(untouched.canonicalLines(), back.canonicalLines())
            #expect(difference.lines() == [], "rolled back")
            #expect(back.fingerprint == untouched.fingerprint)

            let again = try await work.plan()
            #expect(record.text(again) == record.text(plan), "the same plan as the first time")
            try await work.apply(again)
            try await work.session { try await after.check($0) }
            #expect(try await work.plan().steps.isEmpty)
        }
    }
}

/// A folder of `Cases/`.
struct Case: Sendable, CustomTestStringConvertible {
    let name: String

    var testDescription: String { name }
    private var folder: URL { Self.folder.appending(path: name) }

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Cases")

    static let all: [Case] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { !$0.hasPrefix(".") }.sorted().map { Case(name: $0) }
    }()

    func has(_ file: String) -> Bool { FileManager.default.fileExists(atPath: folder.appending(path: file).path) }
    func read(_ file: String) throws -> String {
        try String(contentsOf: folder.appending(path: file), encoding: .utf8)
    }

    func expectPlan(_ text: String) throws {
        let file = folder.appending(path: "plan.txt")
        if ProcessInfo.processInfo.environment["STRATA_RECORD"] == "1" {
            guard (try? read("plan.txt")) != text else { return }
            try text.write(to: file, atomically: true, encoding: .utf8)
            Issue.record("\(name)/plan.txt was recorded anew: read it")
            return
        }
        guard has("plan.txt") else {
            Issue.record("\(name) has no plan.txt: record it with STRATA_RECORD=1")
            return
        }
        let found = text.split(separator: "\n")
        let wanted = try read("plan.txt").split(separator: "\n")
        let changes = found.difference(from: wanted).map { change in
            switch change {
            case .insert(let line, let text, _): "+\(line + 1) \(text)"
            case .remove(let line, let text, _): "-\(line + 1) \(text)"
            }
        }
        #expect(changes.isEmpty, "\(name)/plan.txt: \(changes.joined(separator: "\n"))")
    }
}

/// What before.sql and after.sql may name: the test's own database, and how to reach it from the server itself.
struct CaseNames {
    private let names: [(String, String)]

    init(_ work: Reorganisation) throws {
        let url = try #require(URLComponents(string: try TestServer.url()))
        names = [
            ("@database", work.database.name), ("@host", url.host ?? "127.0.0.1"), ("@port", String(url.port ?? 5432)),
            ("@user", url.user ?? ""), ("@password", url.password ?? ""),
        ]
    }

    func filled(_ text: String) -> String { names.reduce(text) { $0.replacing($1.0, with: $1.1) } }
}

/// The roles that all cases share; `case_owner` cannot log in, none has any right.
enum CaseRoles {
    static let made = Task {
        let connection = try await Connection.open(ConnectionSettings(try TestServer.url()))
        defer { Task { await connection.close() } }
        try await RacingRoles.load(
            """
            DO $$
            DECLARE
                wanted text;
            BEGIN
                FOREACH wanted IN ARRAY ARRAY['case_owner', 'case_app', 'case_reader', 'case_other'] LOOP
                    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
                        EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
                    END IF;
                END LOOP;
            END
            $$
            """, on: connection)
    }
}
