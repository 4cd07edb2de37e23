import Foundation
import JSONSchemas

/// The test suite of JSON Schema, which is fetched and not part of the repository.
struct SuiteFiles {
    /// One case: a schema and a value that is valid or not.
    struct Case {
        var file: String
        var group: String
        var name: String
        var schema: JSONValue
        var data: JSONValue
        var isValid: Bool
    }

    struct Unavailable: Error, CustomStringConvertible {
        var description: String
    }

    static let limits = JSONLimits(depth: 256, bytes: 1 << 24, allowsNulCharacter: true)

    let folder: URL

    /// The folder that `STRATA_JSON_SCHEMA_SUITE` names, else the one that `scripts/json-schema-suite` makes.
    init() throws {
        if let path = ProcessInfo.processInfo.environment["STRATA_JSON_SCHEMA_SUITE"], !path.isEmpty {
            folder = URL(filePath: path)
        } else {
            folder = try SuiteFiles.fetched.get()
        }
        guard FileManager.default.fileExists(atPath: folder.appending(path: "tests/draft7").path) else {
            throw Unavailable(description: "there is no test suite of JSON Schema in \(folder.path)")
        }
    }

    private static let fetched = Result<URL, any Error> {
        let repository = URL(filePath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let process = Process()
        let output = Pipe()
        process.executableURL = repository.appending(path: "scripts/json-schema-suite")
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Unavailable(description: "scripts/json-schema-suite failed; see what it printed")
        }
        return URL(filePath: text.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    static func read(_ file: URL) throws -> JSONValue {
        try JSONParser.parse(Array(Data(contentsOf: file)), limits: limits)
    }

    /// Names of files below a folder, as paths in it.
    static func names(in folder: URL) -> [String] {
        let found = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
        return found.filter { $0.hasSuffix(".json") }.sorted()
    }

    /// The cases of a draft: by file, such as `optional/bignum`.
    func cases(_ draft: String) throws -> [Case] {
        let folder = folder.appending(path: "tests").appending(path: draft)
        return try SuiteFiles.names(in: folder).flatMap { name -> [Case] in
            guard case .array(let groups) = try SuiteFiles.read(folder.appending(path: name)) else { return [] }
            return groups.flatMap { SuiteFiles.cases($0, file: String(name.dropLast(5))) }
        }
    }

    private static func cases(_ group: JSONValue, file: String) -> [Case] {
        guard case .array(let tests) = group["tests"], let schema = group["schema"] else { return [] }
        return tests.compactMap { test in
            guard let data = test["data"], case .bool(let isValid) = test["valid"] else { return nil }
            return Case(
                file: file, group: text(group["description"]), name: text(test["description"]), schema: schema,
                data: data, isValid: isValid)
        }
    }

    private static func text(_ value: JSONValue?) -> String {
        guard case .string(let text) = value else { return "" }
        return text
    }

    /// The documents that schemas of the suite refer to, by their URI.
    func remotes() throws -> [String: JSONValue] {
        let folder = folder.appending(path: "remotes")
        var documents: [String: JSONValue] = [:]
        for name in SuiteFiles.names(in: folder) {
            documents["http://localhost:1234/\(name)"] = try SuiteFiles.read(folder.appending(path: name))
        }
        return documents
    }
}
