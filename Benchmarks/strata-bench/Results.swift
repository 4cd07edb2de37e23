import ArgumentParser
import Foundation
import Planning

/// One figure of the summary: lines of JSON in a file that all parts add to.
struct ResultLine: Codable, Sendable {
    var what: String
    var figure: String
    var target: String?
    var isMet: Bool?
    /// The figure as a number, in the unit that the figure names.
    var value: Double?

    static func append(_ lines: [ResultLine], to file: String?) throws {
        guard let file else { return }
        let encoder = JSONEncoder()
        var text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
        for line in lines { text += String(decoding: try encoder.encode(line), as: UTF8.self) + "\n" }
        try text.write(toFile: file, atomically: true, encoding: .utf8)
    }

    static func table(_ lines: [ResultLine]) -> String {
        var table = TextTable([.left, .right, .left, .left])
        table.add(["MEASURED", "FIGURE", "TARGET", "MET"])
        for line in lines {
            table.add([line.what, line.figure, line.target ?? "", line.isMet.map { $0 ? "yes" : "NO" } ?? ""])
        }
        return table.render(indentation: 0)
    }
}

/// Prints what the parts of a measurement added to a file.
struct ResultsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "results", abstract: "Prints the summary of all parts.")

    @Argument(help: "The file given to the parts as --results.")
    var file: String

    func run() throws {
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let lines = try text.split(separator: "\n").map {
            try JSONDecoder().decode(ResultLine.self, from: Data($0.utf8))
        }
        print(ResultLine.table(lines))
    }
}
