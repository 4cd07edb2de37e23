internal import Foundation
internal import Planning

/// The layout as a service reads it.
enum LayoutText {
    /// More than the decoder takes anyway.
    private static let largest = 16 << 20

    static func read(_ path: String) throws -> String {
        do {
            let url = URL(fileURLWithPath: path)
            let size = try url.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0
            guard size <= largest else { throw CocoaError(.fileReadTooLarge) }
            return try String(contentsOf: url, encoding: .utf8)
        } catch {
            throw FactoryError.unreadableLayout(file: path, reason: error.localizedDescription)
        }
    }

    static func decode(
        _ text: String, file: String, _ environment: [String: String], _ report: (FactoryEvent) -> Void
    ) throws -> Layout {
        do {
            let (layout, diagnostics) = try Pipeline.decode(text, file: file, environment: environment)
            for diagnostic in diagnostics where diagnostic.severity == .warning {
                report(.warning(DiagnosticText().render(diagnostic)))
            }
            return layout
        } catch { throw FactoryError.refusedLayout(DiagnosticText().render(error.diagnostics)) }
    }
}
