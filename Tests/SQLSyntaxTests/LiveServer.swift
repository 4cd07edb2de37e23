import Foundation

/// The server of `STRATA_TEST_URL`, asked through psql.
enum LiveServer {
    static let url = ProcessInfo.processInfo.environment["STRATA_TEST_URL"]
    static var isAvailable: Bool { !(url ?? "").isEmpty }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// The rows of a query, fields joined with `|`; a row must not hold a line end.
    static func query(_ sql: String) throws -> [String] {
        let output = try run(sql)
        return output.split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
    }

    /// Runs a script and returns what it printed; throws what it complained about.
    @discardableResult
    static func run(_ sql: String) throws -> String {
        let (status, output, errors) = try execute(sql)
        guard status == 0 else { throw Failure(description: errors) }
        return output
    }

    /// Runs a script that is expected to fail and returns the complaints.
    static func complaints(_ sql: String) throws -> String {
        try execute(sql).errors
    }

    private static func execute(_ sql: String) throws -> (status: Int32, output: String, errors: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", url ?? ""]
        let (input, output, errors) = (Pipe(), FileManager.default.temporaryDirectory, Pipe())
        // Large answers go through a file, so that no pipe fills up while the script is still being written.
        let answer = output.appendingPathComponent("strata-\(UUID().uuidString).out")
        try Data().write(to: answer)
        defer { try? FileManager.default.removeItem(at: answer) }
        process.standardInput = input
        process.standardOutput = try FileHandle(forWritingTo: answer)
        process.standardError = errors
        try process.run()
        input.fileHandleForWriting.write(Data(sql.utf8))
        try input.fileHandleForWriting.close()
        let complaints = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let text = try String(decoding: Data(contentsOf: answer), as: UTF8.self)
        return (process.terminationStatus, text, String(decoding: complaints, as: UTF8.self))
    }
}
