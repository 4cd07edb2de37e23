import Foundation
import Planning
import TestSupport
import Testing

/// One of the systems in `Examples/`.
struct Example: Sendable, CustomTestStringConvertible {
    let name: String
    /// The acceptance claims that the recipe proves for it.
    let claims: String
    let before: String
    let layout: String
    /// Statements of the application, by the old names.
    let workload: [String]
    let expected: Expected

    var testDescription: String { "\(name): \(claims)" }
    var appRole: String { "\(name)_app" }

    static let all: [Example] = [
        ("hauspet", "S0.1 S0.19 S0.25 S0.41 S0.42"),
        ("phoenix", "S1.8 S1.9 S1.14 S1.15 S1.16"),
        ("kct", "S2.1 S2.6 S2.12 S2.28 S2.29"),
        ("eventflow", "S3.4 S3.15"),
        ("ath", "S4.36 S4.39 X6"),
    ].map { name, claims in
        do { return try Example(name, claims: claims) } catch { fatalError("Examples/\(name): \(error)") }
    }

    static func named(_ name: String) throws -> Example { try #require(all.first { $0.name == name }) }

    init(_ name: String, claims: String) throws {
        let folder = TestServer.repository.appending(path: "Examples/\(name)")
        func read(_ file: String) throws -> String {
            try String(contentsOf: folder.appending(path: file), encoding: .utf8)
        }
        self.name = name
        self.claims = claims
        before = try read("before.sql")
        layout = try read("layout.yaml")
        workload = try read("workload.sql").split(separator: "\n").map(String.init)
        expected = try JSONDecoder().decode(Expected.self, from: Data(try read("expected.json").utf8))
    }

    func with<T>(_ body: (Reorganisation) async throws -> T) async throws -> T {
        try await Reorganisation.with(name, before: before, layout: layout, body)
    }

    /// `expected.json`.
    struct Expected: Decodable, Sendable {
        struct Table: Decodable, Sendable {
            var table: String
            var from: String
            var to: String
            var rows: Int
            /// The parent of a partition.
            var of: String?
        }
        struct Totals: Decodable, Sendable {
            var tables: Int
            var rows: Int
            var foreignKeys: Int
            var crossSchemaForeignKeys: Int

            enum CodingKeys: String, CodingKey {
                case tables, rows
                case foreignKeys = "foreign_keys"
                case crossSchemaForeignKeys = "cross_schema_foreign_keys"
            }
        }
        struct Functions: Decodable, Sendable {
            var searchPath: [String]
            var searchPathNeeds: [String: [String]]
            var hazard: [String]
            var unaffected: [String]

            enum CodingKeys: String, CodingKey {
                case hazard, unaffected
                case searchPath = "search_path"
                case searchPathNeeds = "search_path_needs"
            }
        }
        var tables: [Table]
        var partitions: [Table]?
        var totals: Totals
        var functions: Functions

        var relations: [Table] { tables + (partitions ?? []) }
    }
}

/// A suite whose tests look at one example after its layout was applied: loaded once, dropped at the end.
struct AppliedExample: SuiteTrait, TestScoping {
    let name: String

    @TaskLocal static var current: Reorganisation?
    @TaskLocal static var plan: Plan?

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await Example.named(name).with { work in
            let plan = try await work.plan()
            try await work.apply(plan)
            try await Self.$current.withValue(work) {
                try await Self.$plan.withValue(plan) { try await function() }
            }
        }
    }
}

extension Trait where Self == AppliedExample {
    static func applied(_ name: String) -> Self { AppliedExample(name: name) }
}

/// Asks the applied example of the suite.
func applied<T>(as role: String? = nil, _ body: (Session) async throws -> T) async throws -> T {
    try await #require(AppliedExample.current).session(as: role, body)
}

func appliedPlan() throws -> Plan { try #require(AppliedExample.plan) }
