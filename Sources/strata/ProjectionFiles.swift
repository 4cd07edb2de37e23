import EventStore
import Foundation
import Planning

/// The files with a projection's statements, relative to the folder of the layout.
struct ProjectionFiles {
    /// Bytes of one file.
    static let largest = 1 << 20

    private let folder: URL

    init(layout: String) {
        folder = URL(fileURLWithPath: layout).deletingLastPathComponent()
    }

    /// - Throws: `DiagnosticsError`: all that is wrong with any of them.
    func statements(of projection: ProjectionLayout) throws -> [String: [ProjectionStatement]] {
        let bounds = ProjectionBounds(schema: projection.schema, tables: projection.tables.map(\.value))
        var statements: [String: [ProjectionStatement]] = [:]
        var diagnostics: [Diagnostic] = []
        for file in projection.statements {
            do {
                statements[file.type] = try read(file, bounds)
            } catch let error as DiagnosticsError {
                diagnostics += error.diagnostics
            }
        }
        if !diagnostics.isEmpty { throw DiagnosticsError(diagnostics) }
        return statements
    }

    private func read(
        _ file: ProjectionLayout.StatementFile, _ bounds: ProjectionBounds
    ) throws -> [ProjectionStatement] {
        let url = file.path.hasPrefix("/") ? URL(fileURLWithPath: file.path) : folder.appending(path: file.path)
        let text = try text(of: url, file)
        do {
            let found = try ProjectionStatement.parse(text, within: bounds)
            guard !found.isEmpty else {
                throw refused(
                    "no-statement", "\(url.relativePath) has no statement", file,
                    "write what events of type \(file.type) change, or take the type out of the layout")
            }
            return found
        } catch let mistake as ProjectionMistake {
            throw DiagnosticsError(
                Diagnostic(
                    .error, "statement", mistake.message,
                    place: SourcePlace(file: url.relativePath, line: mistake.line, column: 1),
                    nextStep: "mend the statement; docs/events.md says what a projection may do"))
        }
    }

    private func text(of url: URL, _ file: ProjectionLayout.StatementFile) throws -> String {
        var isFolder: ObjCBool = false
        let path = url.path
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw unreadable(path, "there is no such file", file)
        }
        if isFolder.boolValue { throw unreadable(path, "it is a folder", file) }
        // Read no further than it may be long, whatever it is.
        guard let handle = try? FileHandle(forReadingFrom: url),
            let data = try? handle.read(upToCount: Self.largest + 1)
        else { throw unreadable(path, "permission denied", file) }
        guard data.count <= Self.largest else {
            throw unreadable(path, "it is larger than \(Self.largest >> 20) MiB", file)
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw unreadable(path, "it is not UTF-8 text", file)
        }
        return text
    }

    private func unreadable(
        _ path: String, _ reason: String, _ file: ProjectionLayout.StatementFile
    ) -> DiagnosticsError {
        refused(
            "statement-file",
            "cannot read \(path), the statements for \(DiagnosticText.printable(file.type)): \(reason)",
            file, "make one, or correct the path; it is relative to the folder of the layout")
    }

    private func refused(
        _ code: String, _ message: String, _ file: ProjectionLayout.StatementFile, _ next: String
    ) -> DiagnosticsError {
        DiagnosticsError(Diagnostic(.error, code, message, place: file.place, nextStep: next))
    }
}
