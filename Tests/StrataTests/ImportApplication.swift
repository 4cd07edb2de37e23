import Foundation
import TestSupport
import Testing

/// An application in a folder of the tests, whose own tools make a SQLite file, and the same tables in PostgreSQL.
struct ImportApplication: Sendable {
    struct Unavailable: Error, CustomStringConvertible { var description: String }

    let shop: ImportWorkshop
    /// What runs it, before the words that say what to do.
    let command: [String]
    var environment: [String: String] = [:]

    /// A folder of Python packages: the one that the variable names, else the one that the script makes.
    static func packages(_ script: String, _ variable: String) throws -> String {
        if let path = ProcessInfo.processInfo.environment[variable], !path.isEmpty { return path }
        let process = Process()
        let output = Pipe()
        process.executableURL = TestServer.repository.appending(path: script)
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Unavailable(description: "\(script) failed; see what it printed")
        }
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Python's, with all that the folder holds in the workshop's.
    static func python(_ folder: String, in shop: ImportWorkshop, packages: String) throws -> ImportApplication {
        try copy(folder, to: shop)
        // Another psycopg, that the system has compiled, does not go with this one.
        let environment = [
            "PYTHONPATH": packages, "PYTHONPYCACHEPREFIX": packages + "/compiled", "PYTHONWARNINGS": "ignore",
            "PSYCOPG_IMPL": "python",
        ]
        return ImportApplication(shop: shop, command: ["python3", "manage.py"], environment: environment)
    }

    static func copy(_ folder: String, to shop: ImportWorkshop) throws {
        let project = TestServer.repository.appending(path: "Tests/StrataTests/\(folder)")
        for name in try FileManager.default.contentsOfDirectory(atPath: project.path) {
            try FileManager.default.copyItem(
                at: project.appending(path: name), to: shop.folder.appending(path: name))
        }
    }

    /// What it printed. It may not fail.
    @discardableResult
    func run(_ words: String..., onPostgres: Bool = false) async throws -> String {
        let own = ProcessInfo.processInfo.environment
        let url = try #require(shop.program.environment["DATABASE_URL"])
        // With the caller's home: it may be where its language is.
        let more = ["HOME": own["HOME"] ?? "/", "LANG": "C.UTF-8", "APP_DATABASE": onPostgres ? url : ""]
        let result = try await shop.program.start(
            command + words, environment: environment.merging(more) { $1 }, executable: URL(filePath: "/usr/bin/env"),
            timeout: 120
        ).finish()
        try #require(result.code == 0, "\(command) \(words): \(result)")
        return result.output
    }

    /// What it reads from PostgreSQL is what it read from the file.
    func expectSame(
        as objects: String, byWords words: String = "dump", sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let objects = objects.split(separator: "\n")
        let arrived = try await run(words, onPostgres: true).split(separator: "\n")
        #expect(arrived.count == objects.count, sourceLocation: sourceLocation)
        for (here, there) in zip(arrived, objects) where here != there {
            Issue.record("\(there)\nbecame\n\(here)", sourceLocation: sourceLocation)
            break
        }
    }
}
