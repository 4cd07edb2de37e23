import ArgumentParser
import Engine
import Foundation
import Planning
import PostgresDriver

/// How long each stage of planning takes; run as a child, so that its memory can be told apart.
struct StagesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stages", abstract: "Times reading the layout, reading the catalog and planning.")

    @Option(help: ArgumentHelp("Connection string, as psql takes it.", valueName: "url"))
    var url: String
    @Option(help: ArgumentHelp("The layout file.", valueName: "file"))
    var layout: String
    @Option(help: ArgumentHelp("Write the figures (JSON) here.", valueName: "file"))
    var report: String?

    struct Figures: Codable, Sendable {
        var layoutSeconds: Double
        var catalogSeconds: Double
        var planSeconds: Double
        var queries: Int
        var relations: Int
        var steps: Int
        var hazards: [String]
    }

    func run() async throws {
        let clock = ContinuousClock()
        let start = clock.now
        let (layout, _) = try Pipeline.decode(
            String(contentsOfFile: layout, encoding: .utf8), file: layout, environment: [BenchLayout.variable: url])
        let decoded = clock.now
        let connection = try await Connection.open(ConnectionSettings(url))
        let reading = try await CatalogReader.reading(connection)
        await connection.close()
        let read = clock.now
        let plan = try Pipeline.plan(layout, reading.catalog)
        let planned = clock.now
        let figures = Figures(
            layoutSeconds: (decoded - start).inSeconds, catalogSeconds: (read - decoded).inSeconds,
            planSeconds: (planned - read).inSeconds, queries: reading.queries,
            relations: reading.catalog.relations.count, steps: plan.steps.count,
            hazards: Set(plan.hazards.map(\.code.rawValue)).sorted())
        if let report { try JSONEncoder().encode(figures).write(to: URL(fileURLWithPath: report)) }
        print(figures.text)
    }
}

extension StagesCommand.Figures {
    static func read(_ file: String) throws -> Self {
        try JSONDecoder().decode(Self.self, from: Data(contentsOf: URL(fileURLWithPath: file)))
    }

    var text: String {
        String(
            format: "layout %.2f s, catalog %.2f s (%@, %@), plan %.2f s (%@)", layoutSeconds, catalogSeconds,
            counted(queries, "query", "queries"), counted(relations, "relation"), planSeconds, counted(steps, "step"))
    }
}

/// Layouts that a measurement writes for itself.
enum BenchLayout {
    static let variable = "STRATA_BENCH_URL"

    /// A folder of our own, gone when the body ends.
    static func withFolder<T>(_ body: (String) async throws -> T) async throws -> T {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("strata-bench-\(getpid())").path
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try await body(folder)
    }
}
