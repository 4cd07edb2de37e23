import Foundation
import TestSupport

/// SQLite files of others: in the folder that `STRATA_SQLITE_FILES` names, else the one that `scripts/sqlite-files` makes.
enum RealFiles {
    static func path(_ name: String) throws -> String { try folder.get().appending(path: name).path }

    struct Unavailable: Error, CustomStringConvertible { var description: String }

    private static let folder = Result<URL, any Error> {
        if let path = ProcessInfo.processInfo.environment["STRATA_SQLITE_FILES"], !path.isEmpty {
            return URL(filePath: path)
        }
        let process = Process()
        let output = Pipe()
        process.executableURL = TestServer.repository.appending(path: "scripts/sqlite-files")
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Unavailable(description: "scripts/sqlite-files failed; see what it printed")
        }
        return URL(filePath: text.trimmingCharacters(in: .whitespacesAndNewlines))
    }
}
