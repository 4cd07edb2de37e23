package import Planning

/// Why an import ended before its end; the kind decides the exit code.
package struct ImportFailure: Error, Sendable {
    package enum Kind: Sendable, Hashable, CaseIterable {
        case failed
        /// Something has to be decided first: nothing was changed.
        case incompatible
        /// More rows were rejected than allowed; all others so far are loaded.
        case rejects
        /// What is done stays done; the same command goes on.
        case resumable
    }
    package var kind: Kind
    package var diagnostics: [Diagnostic]

    package init(_ kind: Kind, _ diagnostics: [Diagnostic]) { (self.kind, self.diagnostics) = (kind, diagnostics) }
    package init(_ kind: Kind, _ diagnostic: Diagnostic) { self.init(kind, [diagnostic]) }
}

package struct ImportOptions: Sendable, Hashable {
    /// Connections to the target, and to the file; 1 to 16.
    package var jobs = 4
    /// Rows that may be rejected before the import stops; nil: any number.
    package var mostRejects: Int? = 0
    /// Rows of a chunk, at least 1.
    package var chunkRows = Chunk.usualRows

    package init() {}
}

/// What happens, for who shows it.
package enum ImportEvent: Sendable {
    /// Rows were looked at in the evidence pass, or compared after it.
    case looked(table: String, rows: Int)
    case began(tables: Int, rows: Int, resumed: Bool)
    case loaded(table: String, rows: Int, bytes: Int)
    case tableDone(table: String, rows: Int)
    case step(object: String, number: Int, of: Int)
    case retrying(reason: String, delay: Duration)
}
