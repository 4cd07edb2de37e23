import Foundation

/// The statements of a workload file, one in each line.
struct Workload: Sendable {
    var statements: [String]

    /// Larger files are refused: every client holds all statements.
    static let largest = 1 << 20

    init(statements: [String]) { self.statements = statements }

    init(file: String) throws {
        let text = try String(contentsOf: URL(fileURLWithPath: file), encoding: .utf8)
        guard text.utf8.count <= Self.largest else {
            throw BenchFailure("\(file) is larger than \(Self.largest) bytes")
        }
        statements = text.split(separator: "\n").map { line in
            let trimmed = line.trimmingCharacters(in: .whitespaces)
            return trimmed.hasSuffix(";") ? String(trimmed.dropLast()) : trimmed
        }.filter { !$0.isEmpty && !$0.hasPrefix("--") }
        guard !statements.isEmpty else { throw BenchFailure("\(file) has no statements") }
    }
}

/// What went wrong, for the person who measures.
struct BenchFailure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}
